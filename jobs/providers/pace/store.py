"""The shared state of every server in Redis, changed by two scripts, each of which is atomic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import redis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from dashboard.pace import HALF_LIFE, INDEX, KEEP_SECONDS, SLOWEST, leases_key, log_key, state_key
from jobs.providers.pace.table import MINUTE, Pace

FAILURES_TO_OPEN = 5
"""Failures in a row, of all workers together, after which a server is left alone."""
OPEN_SECONDS = 30
"""For so long at first, twice as long after each probe that fails."""
OPEN_AT_MOST = 15 * MINUTE

CONNECTIONS = 8
SECONDS = 5.0
"""For Redis to answer. It is near; but while a job writes to the database, its answers wait to be read."""

_FOLDER = Path(__file__).parent
_TAKE = (_FOLDER / "take.lua").read_text(encoding="utf-8")
_SETTLE = (_FOLDER / "settle.lua").read_text(encoding="utf-8")
_MICRO = 1_000_000


class StoreDownError(Exception):
    """Redis did not answer, or cannot write; the message is the kind of fault alone."""


class Word(StrEnum):
    """What comes of asking for a turn."""

    GO = "go"
    WAIT = "wait"  # the next turn is not due yet
    BUSY = "busy"  # enough requests are in flight
    PAUSED = "paused"  # the server asked for a pause
    SPENT = "spent"  # a window is used up
    OPEN = "open"  # the breaker is


class Result(StrEnum):
    """How a request went, as far as its server is concerned."""

    OK = "ok"
    FAILED = "failed"
    THROTTLED = "throttled"
    NONE = "none"  # it was given up by us: that says nothing


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to asking for turns. `wait`: seconds; `at`: microseconds of Redis's clock.

    `detail`: the lease after GO, the window's limit after SPENT, the number of failures after OPEN.
    """

    word: Word
    turns: int
    wait: float
    at: int
    detail: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What to tell of a lease. `started`: microseconds of Redis's clock; `pause`: seconds, after THROTTLED."""

    lease: str
    ended: bool
    result: Result
    answered: bool = False
    kind: str = ""
    started: int = 0
    pause: float = 0.0


class PaceStore:
    """Turns and leases in Redis. Every call answers within `seconds` or raises `StoreDownError`."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        # No `socket_timeout`: redis-py keeps it with `asyncio.wait_for`, which before Python 3.12 may swallow a
        # cancellation. Every call is bounded as a whole.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        self._client: Redis = Redis.from_pool(pool)
        self._take = self._client.register_script(_TAKE)
        self._settle = self._client.register_script(_SETTLE)

    async def take(
        self, server: str, pace: Pace, lease: str, *, want: int, hold: float, now: int | None = None
    ) -> Taken:
        """Ask for up to `want` turns, each to end within `hold` seconds. `lease`: a name that nobody used before.

        `now` (microseconds) replaces Redis's clock.
        """
        windows = [(window.open_to_us, _padded(window.seconds, hold)) for window in pace.windows]
        args: list[Any] = [
            "" if now is None else now,
            server,
            lease,
            want,
            round(_MICRO / pace.rate),
            pace.in_flight,
            round(hold * _MICRO),
            round(SLOWEST * _MICRO),
            round(HALF_LIFE * _MICRO),
            KEEP_SECONDS,
            ",".join(f"{window.limit}/{window.seconds}" for window in pace.windows),
            *(value for window in windows for value in window),
        ]
        keys = [state_key(server), leases_key(server), log_key(server), INDEX]
        word, turns, wait, at, detail = await self._bounded(self._take(keys=keys, args=args))
        return Taken(Word(word.decode()), int(turns), int(wait) / _MICRO, int(at), detail.decode())

    async def settle(self, server: str, told: Settled, *, now: int | None = None) -> None:
        """Tell how a lease's requests went; give its places back when it has ended."""
        args: list[Any] = [
            "" if now is None else now,
            told.lease,
            int(told.ended),
            int(told.answered),
            told.result.value,
            told.kind,
            told.started,
            round(told.pause * _MICRO),
            FAILURES_TO_OPEN,
            OPEN_SECONDS * _MICRO,
            OPEN_AT_MOST * _MICRO,
            round(SLOWEST * _MICRO),
            round(HALF_LIFE * _MICRO),
            KEEP_SECONDS,
        ]
        await self._bounded(self._settle(keys=[state_key(server), leases_key(server)], args=args))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._client.connection_pool.aclose()

    async def _bounded(self, answer: Any) -> Any:
        """Wait for an answer, whatever state the connection is in."""
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        except (redis.RedisError, OSError) as error:  # a time-out is an OSError
            raise StoreDownError(type(error).__name__) from error


def _padded(seconds: int, hold: float) -> int:
    """Lengthen a window (microseconds) by how late a request may reach the server after its turn was taken."""
    return round((seconds + min(hold, seconds / 10)) * _MICRO)

"""What Redis knows of the servers that providers ask: the names of its keys, and how to read them for people.

The workers write these (all times microseconds of Redis's own clock, so that several machines agree); losing them
loses nothing but a memory of what was asked lately.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import redis

INDEX = "lapsewatch:pace"
"""A sorted set: servers by the time at which they were last asked."""
KEEP_SECONDS = 2 * 86_400
"""A server that was not asked for so long is forgotten; longer than any window."""
HALF_LIFE = 300.0
"""Seconds without a complaint after which a slow-down is half gone."""
SLOWEST = 60.0
"""Seconds between two requests to a server that asks for less and less, at most."""
MOST_SHOWN = 500

_MICRO = 1_000_000


def state_key(server: str) -> str:
    """Return the key of a server's hash."""
    return f"{INDEX}:{server}"


def leases_key(server: str) -> str:
    """Return the key of the requests that are under way: a sorted set by the time at which each is given up."""
    return f"{INDEX}:{server}:leases"


def log_key(server: str) -> str:
    """Return the key of the requests within the server's longest window: a sorted set by time."""
    return f"{INDEX}:{server}:log"


class Breaker(StrEnum):
    """Whether a server is asked: always, not now, or once to see whether it is back."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many requests of a rolling window are spent."""

    limit: int
    seconds: int
    used: int


@dataclass(frozen=True, slots=True)
class ServerPace:
    """How a server stands. Rates are requests a second of all workers together."""

    server: str
    breaker: Breaker
    open_until: datetime | None
    paused_until: datetime | None
    failures: int
    rate: float
    usual_rate: float
    last_answer: datetime | None
    last_failure: datetime | None
    budgets: tuple[Budget, ...] = ()

    @property
    def is_slowed(self) -> bool:
        """Whether the server has complained lately."""
        return self.rate < self.usual_rate * 0.99

    @property
    def is_spent(self) -> bool:
        """Whether one of its windows is used up."""
        return any(budget.used >= budget.limit for budget in self.budgets)


def read_paces(client: redis.Redis) -> dict[str, ServerPace]:
    """Return the servers that were asked lately, by name; raises `redis.RedisError` when Redis cannot be read."""
    seconds, micros = client.time()
    now = seconds * _MICRO + micros
    listed = cast("Sequence[bytes]", client.zrevrange(INDEX, 0, MOST_SHOWN - 1))
    servers = [name.decode(errors="replace") for name in listed]
    states = [_texts(state) for state in _all(client, [("HGETALL", state_key(server)) for server in servers])]
    windows = [(server, *window) for server, state in zip(servers, states, strict=True) for window in _windows(state)]
    counts = _all(client, [("ZCOUNT", log_key(name), f"({now - span * _MICRO}", "+inf") for name, _, span in windows])
    budgets: dict[str, list[Budget]] = {}
    for (server, limit, span), used in zip(windows, counts, strict=True):
        budgets.setdefault(server, []).append(Budget(limit, span, int(used)))
    return {
        server: _server_pace(server, state, now, budgets.get(server, ()))
        for server, state in zip(servers, states, strict=True)
        if state
    }


def _all(client: redis.Redis, commands: Sequence[tuple[str, ...]]) -> list[Any]:
    """Send the commands in one go."""
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
    return list(pipeline.execute())


def _texts(state: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode(errors="replace") for name, value in state.items()}


def _windows(state: Mapping[str, str]) -> list[tuple[int, int]]:
    """Read `limit/seconds,...`."""
    pairs = (item.partition("/") for item in state.get("windows", "").split(",") if item)
    return [(int(limit), int(span)) for limit, _, span in pairs]


def _server_pace(server: str, state: Mapping[str, str], now: int, budgets: Sequence[Budget]) -> ServerPace:
    usual = _MICRO / float(state.get("interval") or _MICRO)
    slow = float(state.get("slow") or 1)
    if slow > 1:
        slow = max(1.0, slow * 0.5 ** ((now - int(state.get("slowed_at") or 0)) / (HALF_LIFE * _MICRO)))
    return ServerPace(
        server=server,
        breaker=_breaker(state, now),
        open_until=_later(state.get("open_until"), now),
        paused_until=_later(state.get("closed_until"), now),
        failures=int(state.get("failures") or 0),
        rate=max(usual / slow, min(usual, 1 / SLOWEST)),
        usual_rate=usual,
        last_answer=_time(state.get("last_ok")),
        last_failure=_time(state.get("last_failed")),
        budgets=tuple(budgets),
    )


def _breaker(state: Mapping[str, str], now: int) -> Breaker:
    if "open_until" not in state:
        return Breaker.CLOSED
    return Breaker.OPEN if int(state["open_until"]) > now else Breaker.PROBING


def _later(text: str | None, now: int) -> datetime | None:
    return _time(text) if text and int(text) > now else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromtimestamp(int(text) / _MICRO, UTC) if text else None

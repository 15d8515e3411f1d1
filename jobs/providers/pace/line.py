"""Those in one process who wait for one server, and the turns they were given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

import httpx

from dashboard.lifecycle.evidence import ErrorKind
from jobs.providers.errors import NotAsked, ProviderError, Throttled
from jobs.providers.limits import DEFAULT_PAUSE, PATIENCE
from jobs.providers.pace.store import Result, Settled, StoreDownError, Taken, Word
from jobs.providers.pace.table import DAY, Pace

T = TypeVar("T")
LINE_SECONDS = 55.0
"""The longest wait for a turn; with a reply's 30 seconds it stays within a look-up's time."""
GRANT_MOST = 100
GRANT_SECONDS = 1.0
"""Turns that were taken together are used within this time, or not at all."""
POLL_SECONDS = 0.1
"""Pause before looking again whether a request of another worker has ended."""
NEWS_SECONDS = 5.0
"""A refusal is believed for so long: the breaker may have closed, or a pause become longer."""

_FAULTS = frozenset({ErrorKind.TIMEOUT, ErrorKind.CONNECTION, ErrorKind.SERVER_ERROR, ErrorKind.REFUSED})
"""What says that the server is unwell, or will not have us; other errors are answers."""


class _Grant:
    """Turns that were taken together, on one lease."""

    __slots__ = ("answered", "at", "began", "lease", "left", "running", "until")

    def __init__(self, taken: Taken, began: float) -> None:
        self.lease, self.left, self.at, self.began = taken.detail, taken.turns, taken.at, began
        self.until = began + GRANT_SECONDS
        self.running = 0
        self.answered = False


class Turn:
    """One request's turn. `started`: microseconds of Redis's clock."""

    __slots__ = ("grant", "started")

    def __init__(self, grant: _Grant, now: float) -> None:
        grant.left -= 1
        grant.running += 1
        self.grant = grant
        self.started = grant.at + round((now - grant.began) * 1_000_000)


class Desk(Protocol):
    """Where turns come from."""

    async def take(self, server: str, pace: Pace, want: int) -> Taken:
        """Ask for up to `want` turns; `StoreDownError` without Redis."""
        ...

    def tell(self, server: str, told: Settled) -> None:
        """Tell how requests went, without making anybody wait for it."""
        ...

    def spawn(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let something happen beside the rest."""
        ...


class Line:
    """Those in this process who wait for one server; only the first of them asks Redis.

    Where turns are taken by the handful, the next handful is fetched before the last turn of this one is gone.
    """

    def __init__(self, server: str, pace: Pace, desk: Desk) -> None:
        self.server, self._pace, self._desk = server, pace, desk
        self._want = 1 if pace.windows else max(1, min(int(pace.rate / 100), GRANT_MOST))
        self._first = asyncio.Lock()
        self._grant: _Grant | None = None
        self._spare: _Grant | None = None
        self._refusal: tuple[float, Taken] | None = None

    async def turn(self) -> Turn:
        """Wait for a turn; `NotAsked` where it would take too long, `StoreDownError` without Redis."""
        if turn := self._granted():
            return turn
        try:
            async with asyncio.timeout(LINE_SECONDS), self._first:
                return await self._next()
        except TimeoutError:
            raise NotAsked(
                f"no turn within {LINE_SECONDS:g} s", retry_after=LINE_SECONDS, server=self.server
            ) from None

    def leave(self, turn: Turn, error: BaseException | None) -> None:
        """End a turn and tell what came of it, where that is news."""
        grant = turn.grant
        grant.running -= 1
        result, kind = _result_of(error)
        if result is Result.OK:
            grant.answered = True
        elif result is not Result.NONE:
            # What else was taken is void: the breaker may be open now, or a pause asked for.
            grant.left = 0
            self.close()
        ended = self._has_ended(grant)
        if ended or result in {Result.FAILED, Result.THROTTLED}:
            pause = _pause_of(error) if isinstance(error, Throttled) else 0.0
            answered, grant.answered = grant.answered, False
            self._desk.tell(self.server, Settled(grant.lease, ended, result, answered, kind, turn.started, pause))

    def close(self) -> None:
        """Give the places back of turns that nobody took."""
        for grant in (self._grant, self._spare):
            if grant is not None:
                self._void(grant)
        self._grant = self._spare = None

    def _void(self, grant: _Grant) -> None:
        """Take no further turn of these; the last request under way gives the places back, or else we do."""
        if grant.left and not grant.running:
            told = Settled(grant.lease, ended=True, result=Result.NONE, answered=grant.answered)
            self._desk.tell(self.server, told)
        grant.left = 0

    def _has_ended(self, grant: _Grant) -> bool:
        if grant.until < asyncio.get_running_loop().time():
            grant.left = 0
        return not grant.left and not grant.running

    async def _next(self) -> Turn:
        loop = asyncio.get_running_loop()
        while True:
            self._refuse_again(loop.time())
            if turn := self._granted():
                return turn
            taken = await self._desk.take(self.server, self._pace, self._want)
            if taken.word is Word.GO:
                self._grant = _Grant(taken, loop.time())
            elif taken.word in {Word.PAUSED, Word.SPENT, Word.OPEN} and taken.wait > PATIENCE:
                self._refusal = loop.time(), taken
            else:
                await asyncio.sleep(POLL_SECONDS if taken.word is Word.BUSY else min(taken.wait, NEWS_SECONDS))

    def _granted(self) -> Turn | None:
        """Take a turn of those that are at hand."""
        now = asyncio.get_running_loop().time()
        while self._grant is not None:
            if self._grant.left and now <= self._grant.until:
                turn = Turn(self._grant, now)
                if self._want > 1 and self._grant.left == self._want // 2 and self._spare is None:
                    self._desk.spawn(self._fetch_spare())
                return turn
            self._void(self._grant)
            self._grant, self._spare = self._spare, None
        return None

    async def _fetch_spare(self) -> None:
        with contextlib.suppress(StoreDownError):
            taken = await self._desk.take(self.server, self._pace, self._want)
            if taken.word is Word.GO:
                spare = _Grant(taken, asyncio.get_running_loop().time())
                if self._spare is not None:
                    self._void(self._spare)
                self._spare = spare

    def _refuse_again(self, now: float) -> None:
        """Say again what Redis said a moment ago: those behind the first need not ask."""
        if self._refusal is None:
            return
        since, taken = self._refusal
        if now - since > min(taken.wait, NEWS_SECONDS):
            self._refusal = None
            return
        raise NotAsked(_why(taken, self._pace), retry_after=taken.wait - (now - since), server=self.server)


def _result_of(error: BaseException | None) -> tuple[Result, str]:
    """Sort what a request ended with. A reply that cannot be read is one: the server is there."""
    if error is None:
        return Result.OK, ""
    if isinstance(error, Throttled):
        return Result.THROTTLED, error.kind.value
    if isinstance(error, ProviderError):
        return (Result.FAILED, error.kind.value) if error.kind in _FAULTS else (Result.OK, "")
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Result.FAILED, ErrorKind.TIMEOUT.value
    if isinstance(error, (OSError, httpx.HTTPError)):
        return Result.FAILED, ErrorKind.CONNECTION.value
    return Result.NONE, ""


def _pause_of(error: Throttled) -> float:
    return DEFAULT_PAUSE if error.retry_after is None else min(max(error.retry_after, 0.0), DAY)


def _why(taken: Taken, pace: Pace) -> str:
    if taken.word is Word.PAUSED:
        return f"the server wants to be left alone for another {taken.wait:.0f} s"
    if taken.word is Word.OPEN:
        return f"{taken.detail} failures in a row; tried again in {taken.wait:.0f} s"
    spent = max((w for w in pace.windows if str(w.open_to_us) == taken.detail), key=lambda window: window.seconds)
    kept = f", {spent.kept} of them kept for urgent look-ups" if spent.kept else ""
    return f"the {spent.limit} requests of {spent.seconds / 3600:g} h are spent{kept}; the next in {taken.wait:.0f} s"

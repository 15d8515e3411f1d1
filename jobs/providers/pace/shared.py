"""The limiter that all workers share: turns are taken in Redis, on its clock.

A turn is one request to one server. To a server that bears hundreds of requests a second a process takes a handful
at once, so that asking for turns costs nothing; to all others one by one. Where Redis does not answer, each process
goes on alone at its share of the rate.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, TypeVar
from uuid import uuid4

from dashboard.config import Settings
from jobs.providers.limits import PATIENCE, Limiter, LocalLimiter
from jobs.providers.pace.line import GRANT_SECONDS, Line, Turn
from jobs.providers.pace.store import PaceStore, Result, Settled, StoreDownError, Taken, Word
from jobs.providers.pace.table import Pace, pace_of
from jobs.providers.pace.urgency import is_urgent, without_reserve

T = TypeVar("T")
DOWN_SECONDS = 10.0
"""Redis is asked again so long after it failed."""
CLOSE_SECONDS = 3.0

_log = logging.getLogger(__name__)


class SharedLimiter:
    """Hands out turns that no other worker has; see `Limiter`.

    `pace_of`: what a server bears. `hold`: seconds after which a request counts as
    lost with its worker. `alone`: the limiter to use while Redis does not answer. Close it.
    """

    def __init__(self, store: PaceStore, pace_of: Callable[[str], Pace], *, hold: float, alone: Limiter) -> None:
        self._store = store
        self._pace_of = pace_of
        self._hold = hold + GRANT_SECONDS
        self._alone = alone
        self._lines: dict[tuple[str, Pace], Line] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self._down_until = 0.0
        self._has_complained = False

    def slot(self, server: str) -> AbstractAsyncContextManager[None]:
        """Wait for a turn with `server`; see `Limiter`."""
        pace = self._pace_of(server)
        if not is_urgent():
            pace = without_reserve(pace)
        line = self._lines.get((server, pace))
        if line is None:
            line = self._lines[server, pace] = Line(server, pace, self)
        return _Slot(line, self._alone)

    async def aclose(self) -> None:
        """Give all places back, as far as Redis answers in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                self._close_lines()
                while self._under_way:
                    await asyncio.wait(self._under_way)
                    # What has ended may have brought something to give back.
                    self._close_lines()
        given_up = list(self._under_way)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        await self._store.aclose()

    def _close_lines(self) -> None:
        for line in self._lines.values():
            line.close()

    async def take(self, server: str, pace: Pace, want: int) -> Taken:
        """Take turns in Redis; `StoreDownError` at once for some seconds after it failed."""
        if asyncio.get_running_loop().time() < self._down_until:
            raise StoreDownError
        asking = self.spawn(self._store.take(server, pace, uuid4().hex, want=want, hold=self._hold))
        try:
            return await asyncio.shield(asking)
        except StoreDownError as error:
            self._note_down(error)
            raise
        except asyncio.CancelledError:
            # Whatever the answer brings is given back; at once if it is there, lest the limiter be closed before.
            if asking.done():
                self._give_back(server, asking)
            else:
                asking.add_done_callback(partial(self._give_back, server))
            raise

    def _give_back(self, server: str, asked: asyncio.Task[Taken]) -> None:
        if asked.cancelled() or asked.exception() is not None or asked.result().word is not Word.GO:
            return
        self.tell(server, Settled(asked.result().detail, ended=True, result=Result.NONE))

    def tell(self, server: str, told: Settled) -> None:
        """Tell Redis without making anybody wait for it."""
        self.spawn(self._settle(server, told))

    def spawn(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let something happen beside the rest; it has ended when the limiter is closed."""
        task = asyncio.get_running_loop().create_task(call)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _settle(self, server: str, told: Settled) -> None:
        try:
            await self._store.settle(server, told)
        except StoreDownError as error:
            self._note_down(error)

    def _note_down(self, error: StoreDownError) -> None:
        self._down_until = asyncio.get_running_loop().time() + DOWN_SECONDS
        if not self._has_complained:
            self._has_complained = True
            _log.warning("rates are not shared for now, this process keeps to its part of them: Redis: %s", error)


class _Slot:
    """One turn, from Redis or, without it, from the limiter of this process."""

    __slots__ = ("_alone", "_line", "_other", "_turn")

    def __init__(self, line: Line, alone: Limiter) -> None:
        self._line, self._alone = line, alone
        self._turn: Turn | None = None
        self._other: AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> None:
        try:
            self._turn = await self._line.turn()
        except StoreDownError:
            self._other = self._alone.slot(self._line.server)
            await self._other.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._other is not None:
            await self._other.__aexit__(kind, error, trace)
        elif self._turn is not None:
            self._line.leave(self._turn, error)


@asynccontextmanager
async def open_limiter(settings: Settings, paces: Callable[[str], Pace] | None = None) -> AsyncIterator[Limiter]:
    """Open the limiter of one job: shared where there is a Redis, else of this process.

    `paces`: what a server bears; by default what `pace_of` says.
    """
    if settings.redis_url is None:
        yield LocalLimiter(settings.provider_rate, paces=paces)
        return
    # A request may wait for a connection as long as it may then take.
    hold = 2 * settings.provider_timeout + PATIENCE
    alone = LocalLimiter(settings.provider_rate, settings.workers, paces)
    known = paces or partial(pace_of, rate=settings.provider_rate)
    shared = SharedLimiter(PaceStore(settings.redis_url), known, hold=hold, alone=alone)
    try:
        yield shared
    finally:
        await shared.aclose()

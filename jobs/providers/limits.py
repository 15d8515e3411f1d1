"""How fast a server may be asked: look-ups only know `Limiter`; here that of one process alone, without Redis."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Protocol

from jobs.providers.errors import NotAsked, Throttled
from jobs.providers.pace.table import DAY, Pace, Window, pace_of
from jobs.providers.pace.urgency import RESERVE, is_urgent

PATIENCE = 5.0
"""A pause up to this many seconds is waited for; a longer one fails the look-up, and the schedule comes back."""

LONGEST_PAUSE = 3600.0
DEFAULT_PAUSE = 5.0
SLOWEST = 60.0
PART_OF_WINDOW = 20
"""One process that knows nothing of the others spends a twentieth of what a server allows in hours or a day."""


class Limiter(Protocol):
    """Hands out turns, one bucket per server (`host` or `host:port`)."""

    def slot(self, server: str) -> AbstractAsyncContextManager[None]:
        """Wait for a turn with `server` and hold it for the request.

        Leaving with `Throttled` slows the server's bucket down. Entering raises `NotAsked` when the server is to be
        left alone for longer than a job should wait.
        """
        ...


class LocalLimiter:
    """The limiter of one process: requests to a server are spaced evenly, and only so many are in flight.

    `rate`: requests a second to a server whose pace nobody published. `among`: the processes that share every rate
    without knowing of each other. `paces`: what a server bears, where that is not what `pace_of` says.
    """

    def __init__(self, rate: float, among: int = 1, paces: Callable[[str], Pace] | None = None) -> None:
        self._paces = paces or partial(pace_of, rate=rate)
        self._among = among
        self._buckets: dict[str, _Bucket] = {}

    def slot(self, server: str) -> AbstractAsyncContextManager[None]:
        """Wait for a turn with `server`; see `Limiter`."""
        bucket = self._buckets.get(server)
        if bucket is None:
            bucket = self._buckets[server] = _Bucket(server, self._paces(server), self._among)
        return _Slot(bucket)

    def interval(self, server: str) -> float:
        """Seconds between two requests to `server` as it stands now."""
        bucket = self._buckets.get(server)
        return bucket.interval if bucket else self._among / self._paces(server).rate


class _Bucket:
    """One server's pace."""

    def __init__(self, server: str, pace: Pace, among: int) -> None:
        self.server = server
        self.interval = among / pace.rate
        self.in_flight = asyncio.Semaphore(max(1, pace.in_flight // among))
        self._windows = [(window, deque[float]()) for window in pace.windows]
        self._next = 0.0
        self._closed_until = 0.0
        self._slowed_at = 0.0

    async def turn(self) -> float:
        """Wait for the next turn and return its time (the loop's clock)."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._refuse_long_pause(now)
        at = max(now, self._next, self._closed_until)
        self._next = at + self.interval
        if at > now:
            await asyncio.sleep(at - now)
            # The server may have asked for a pause while we waited.
            self._refuse_long_pause(loop.time())
            if self._closed_until > loop.time():
                return await self.turn()
        return loop.time()

    def _refuse_long_pause(self, now: float) -> None:
        left = self._closed_until - now
        if left > PATIENCE:
            raise NotAsked(f"asked to wait {left:.0f} s more", retry_after=left, server=self.server)

    def spend(self) -> None:
        """Spend one of our part of every window's requests; `NotAsked` when there is none left."""
        now = asyncio.get_running_loop().time()
        for window, spent in self._windows:
            self._spend(window, spent, now)

    def _spend(self, window: Window, spent: deque[float], now: float) -> None:
        while spent and spent[0] <= now - window.seconds:
            spent.popleft()
        part = window.limit // PART_OF_WINDOW
        if window.seconds >= DAY and not is_urgent():
            part -= int(part * RESERVE)
        if len(spent) >= max(1, part):
            left = spent[0] + window.seconds - now
            raise NotAsked("this process's part of its window is spent", retry_after=left, server=self.server)
        spent.append(now)

    def slow_down(self, started: float, retry_after: float | None) -> None:
        """Pause, and halve the rate unless the request began before the last halving (the same burst)."""
        now = asyncio.get_running_loop().time()
        pause = DEFAULT_PAUSE if retry_after is None else min(max(retry_after, 0.0), LONGEST_PAUSE)
        self._closed_until = max(self._closed_until, now + pause)
        if started >= self._slowed_at:
            self._slowed_at = now
            self.interval = min(self.interval * 2, SLOWEST)


class _Slot:
    """One turn."""

    __slots__ = ("_bucket", "_started")

    def __init__(self, bucket: _Bucket) -> None:
        self._bucket = bucket
        self._started = 0.0

    async def __aenter__(self) -> None:
        await self._bucket.in_flight.acquire()
        try:
            self._bucket.spend()
            self._started = await self._bucket.turn()
        except BaseException:
            self._bucket.in_flight.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bucket.in_flight.release()
        if isinstance(error, Throttled):
            self._bucket.slow_down(self._started, error.retry_after)

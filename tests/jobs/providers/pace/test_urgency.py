"""The last fifth of a server's day is for urgent look-ups, over all workers."""

from __future__ import annotations

import asyncio

import pytest
import redis

from dashboard.pace import read_paces
from jobs.providers.errors import NotAsked
from jobs.providers.limits import Limiter, LocalLimiter
from jobs.providers.pace.shared import SharedLimiter
from jobs.providers.pace.store import PaceStore
from jobs.providers.pace.table import DAY, HOUR, Pace, Window
from jobs.providers.pace.urgency import going_first, without_reserve

SERVER = "rdap.registry.net"
DAILY = Pace(1e5, in_flight=50, windows=(Window(10, DAY),))


async def spend(limiter: Limiter, times: int, *, urgent: bool) -> int:
    """Ask so often at once; return how many times we were let."""

    async def one() -> bool:
        try:
            async with limiter.slot(SERVER):
                return True
        except NotAsked:
            return False

    with going_first(urgent=urgent):
        return sum(await asyncio.gather(*(one() for _ in range(times))))


def shared(url: str, pace: Pace) -> SharedLimiter:
    return SharedLimiter(PaceStore(url), lambda _server: pace, hold=5.0, alone=LocalLimiter(1.0))


def test_urgent_look_ups_spend_what_the_others_left(empty_valkey_url: str) -> None:
    async def run() -> list[int]:
        one, other = shared(empty_valkey_url, DAILY), shared(empty_valkey_url, DAILY)
        found = [
            await spend(one, 12, urgent=False),
            await spend(other, 2, urgent=False),
            await spend(other, 1, urgent=True),
            await spend(one, 3, urgent=True),
        ]
        await one.aclose()
        await other.aclose()
        return found

    assert asyncio.run(run()) == [8, 0, 1, 1]
    with redis.Redis.from_url(empty_valkey_url) as client:
        (budget,) = read_paces(client)[SERVER].budgets
    assert (budget.used, budget.limit) == (10, 10), "what is shown is the whole budget"


def test_a_refusal_says_what_is_kept(empty_valkey_url: str) -> None:
    async def run() -> None:
        limiter = shared(empty_valkey_url, DAILY)
        await spend(limiter, 8, urgent=False)
        with going_first(urgent=False):
            async with limiter.slot(SERVER):
                pass

    with pytest.raises(NotAsked, match="the 10 requests of 24 h are spent, 2 of them kept for urgent look-ups"):
        asyncio.run(run())


def test_hours_have_no_reserve() -> None:
    pace = Pace(2.0, windows=(Window(1000, HOUR), Window(1000, DAY)))
    assert [window.kept for window in without_reserve(pace).windows] == [0, 200]
    assert without_reserve(Pace(2.0)) == Pace(2.0)


def test_a_process_alone_keeps_its_part_too() -> None:
    async def run() -> list[int]:
        limiter = LocalLimiter(1.0, paces=lambda _server: Pace(1e5, 50, windows=(Window(200, DAY),)))
        return [await spend(limiter, 20, urgent=False), await spend(limiter, 20, urgent=True)]

    assert asyncio.run(run()) == [8, 2]

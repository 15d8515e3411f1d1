from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from jobs.providers.errors import NotAsked, ServerError, Throttled
from jobs.providers.limits import LONGEST_PAUSE, PATIENCE, SLOWEST, LocalLimiter


def test_requests_to_one_server_are_spaced_and_other_servers_are_not_held_up() -> Any:
    async def run() -> tuple[float, float]:
        limiter = LocalLimiter(10.0)

        async def ask(server: str) -> float:
            async with limiter.slot(server):
                return time.perf_counter()

        started = time.perf_counter()
        same = await asyncio.gather(*(ask("a") for _ in range(6)))
        middle = time.perf_counter()
        other = await ask("b")
        return max(same) - started, other - middle

    same, other = asyncio.run(run())
    assert same >= 0.5
    assert other < same


def test_only_so_many_are_in_flight() -> None:
    async def run() -> None:
        limiter, entered, leave = LocalLimiter(40.0), asyncio.Semaphore(0), asyncio.Event()

        async def ask() -> None:
            async with limiter.slot("a"):
                entered.release()
                await leave.wait()

        asking = [asyncio.create_task(ask()) for _ in range(6)]
        for _ in range(4):
            await entered.acquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(entered.acquire(), 0.2)
        leave.set()
        await asyncio.gather(*asking)

    asyncio.run(run())


def test_a_throttled_request_halves_the_rate_once_for_a_burst_and_again_later() -> Any:
    async def run() -> list[float]:
        limiter, rates = LocalLimiter(1000.0), []
        all_began = asyncio.Barrier(5)

        async def refused() -> None:
            async with limiter.slot("a"):
                await all_began.wait()
                raise Throttled("slow down", retry_after=0.0)

        for _ in range(2):
            await asyncio.gather(*(refused() for _ in range(5)), return_exceptions=True)
            rates.append(1 / limiter.interval("a"))
        return rates

    assert asyncio.run(run()) == [500.0, 250.0]


def test_a_short_pause_is_waited_for() -> Any:
    async def run() -> float:
        limiter = LocalLimiter(1000.0)
        with pytest.raises(Throttled):
            async with limiter.slot("a"):
                raise Throttled("x", retry_after=0.05)
        started = time.perf_counter()
        async with limiter.slot("a"):
            return time.perf_counter() - started

    assert asyncio.run(run()) >= 0.045


@pytest.mark.parametrize(("asked", "left"), [(PATIENCE + 60, PATIENCE + 60), (10**9, LONGEST_PAUSE)])
def test_a_long_pause_fails_at_once_and_is_bounded(asked: float, left: float) -> Any:
    async def run() -> NotAsked:
        limiter = LocalLimiter(1000.0)
        with pytest.raises(Throttled):
            async with limiter.slot("a"):
                raise Throttled("x", retry_after=asked)
        async with limiter.slot("b"):
            pass
        with pytest.raises(NotAsked) as caught:
            async with limiter.slot("a"):
                pytest.fail("the server asked for a pause")
        return caught.value

    error = asyncio.run(run())
    assert error.server == "a"
    assert error.retry_after == pytest.approx(left, abs=20)


def test_those_already_in_line_hear_of_the_pause_too() -> Any:
    async def run() -> list[object]:
        limiter = LocalLimiter(50.0)

        async def ask(number: int) -> None:
            async with limiter.slot("a"):
                if number == 0:
                    raise Throttled("x", retry_after=600)

        return list(await asyncio.gather(*(ask(n) for n in range(4)), return_exceptions=True))

    assert [type(outcome) for outcome in asyncio.run(run())] == [Throttled, NotAsked, NotAsked, NotAsked]


def test_other_faults_do_not_slow_down_and_give_their_turn_back() -> Any:
    async def run() -> float:
        limiter = LocalLimiter(1000.0)
        for _ in range(10):
            with pytest.raises(ServerError):
                async with limiter.slot("a"):
                    raise ServerError("x")
        return limiter.interval("a")

    assert asyncio.run(asyncio.wait_for(run(), 60)) == 1 / 1000


def test_the_slowest_pace_is_bounded() -> Any:
    async def run() -> float:
        limiter = LocalLimiter(1.0)
        for _ in range(20):
            limiter.slot("a")
            limiter._buckets["a"].slow_down(float("inf"), 0.0)
        return limiter.interval("a")

    assert asyncio.run(run()) == SLOWEST


def test_a_cancelled_wait_gives_its_place_back() -> None:
    async def run() -> None:
        limiter = LocalLimiter(0.01)
        async with limiter.slot("a"):
            pass
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001), limiter.slot("a"):
                    pass
        assert not limiter._buckets["a"].in_flight.locked()

    asyncio.run(run())


def test_processes_that_know_nothing_of_each_other_keep_to_their_part() -> None:
    async def run() -> tuple[float, int]:
        limiter, served = LocalLimiter(8.0, among=4), 0
        with pytest.raises(NotAsked, match="part of its window"):
            for _ in range(99):
                async with asyncio.timeout(60), limiter.slot("whois.weare.ie"):
                    served += 1
                    # The spacing is not what this test is about.
                    limiter._buckets["whois.weare.ie"]._next = 0.0
        return limiter.interval("a"), served

    assert asyncio.run(run()) == (0.5, 5)

"""The scripts in Redis, on a clock that the test moves: nothing here waits."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from jobs.providers.pace.store import (
    FAILURES_TO_OPEN,
    OPEN_AT_MOST,
    OPEN_SECONDS,
    PaceStore,
    Result,
    Settled,
    StoreDownError,
    Taken,
    Word,
)
from jobs.providers.pace.table import DAY, SERVERS, Pace, Window

T = TypeVar("T")
SECOND = 1_000_000
START = 1_800_000_000 * SECOND


class Desk:
    """One server's state and a clock, in seconds from the start."""

    def __init__(self, store: PaceStore, pace: Pace, server: str = "rdap.registry.net") -> None:
        self.store, self.pace, self.server = store, pace, server
        self.number = 0

    async def take(self, at: float, want: int = 1, hold: float = 10.0) -> Taken:
        self.number += 1
        now = START + round(at * SECOND)
        return await self.store.take(self.server, self.pace, f"l{self.number}", want=want, hold=hold, now=now)

    async def settle(self, lease: str, result: Result, at: float, **told: object) -> None:
        settled = Settled(lease, ended=True, result=result, **{"answered": result is Result.OK, **told})  # type: ignore[arg-type]
        await self.store.settle(self.server, settled, now=START + round(at * SECOND))

    async def ask(self, at: float, result: Result, **told: object) -> Taken:
        taken = await self.take(at)
        if taken.word is Word.GO:
            await self.settle(taken.detail, result, at, kind="timeout", started=taken.at, **told)
        return taken


def on_desk(url: str, pace: Pace, work: Callable[[Desk], Awaitable[T]]) -> T:
    async def run() -> T:
        store = PaceStore(url)
        try:
            return await work(Desk(store, pace))
        finally:
            await store.aclose()

    return asyncio.run(run())


def test_turns_are_spaced_by_the_rate(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        assert (await desk.ask(0, Result.OK)).word is Word.GO
        early = await desk.ask(0.3, Result.OK)
        assert early.word is Word.WAIT
        assert early.wait == pytest.approx(0.2)
        assert (await desk.ask(0.5, Result.OK)).word is Word.GO

    on_desk(empty_valkey_url, Pace(2.0), work)


def test_only_so_many_are_in_flight_and_lost_ones_come_back(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        first, second = await desk.take(0), await desk.take(1)
        assert (first.word, second.word) == (Word.GO, Word.GO)
        assert (await desk.take(2)).word is Word.BUSY
        await desk.settle(first.detail, Result.OK, 3)
        assert (await desk.take(4)).word is Word.GO
        assert (await desk.take(5)).word is Word.BUSY
        assert (await desk.take(11.1)).word is Word.GO, "the second lease was never given back, and has run out"

    on_desk(empty_valkey_url, Pace(1.0, in_flight=2), work)


def test_turns_taken_together_count_one_by_one(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        taken = await desk.take(0, want=50)
        assert (taken.word, taken.turns) == (Word.GO, 30)
        assert (await desk.take(0.29)).word is Word.BUSY
        await desk.settle(taken.detail, Result.OK, 0.29)
        assert (await desk.take(0.29)).word is Word.WAIT
        assert (await desk.take(0.3)).word is Word.GO

    on_desk(empty_valkey_url, Pace(100.0, in_flight=30), work)


def test_a_window_rolls_and_is_kept_with_a_margin(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        for at in (0, 10, 20):
            assert (await desk.ask(at, Result.OK)).word is Word.GO
        spent = await desk.ask(50, Result.OK)
        assert (spent.word, spent.detail) == (Word.SPENT, "3")
        # A request may be sent as late as its lease allows (10 s), or a tenth of the window.
        assert spent.wait == pytest.approx(60)
        assert (await desk.ask(109.9, Result.OK)).word is Word.SPENT
        assert (await desk.ask(110, Result.OK)).word is Word.GO
        assert (await desk.ask(111, Result.OK)).wait == pytest.approx(9)

    on_desk(empty_valkey_url, Pace(1.0, windows=(Window(3, 100),)), work)


def test_throttled_pauses_everybody_and_halves_the_rate_once_a_burst(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        first, second = await desk.take(0), await desk.take(1)
        for taken in (first, second):
            await desk.settle(taken.detail, Result.THROTTLED, 2, started=taken.at, pause=40.0)
        paused = await desk.take(30)
        assert paused.word is Word.PAUSED
        assert paused.wait == pytest.approx(12)
        go = await desk.ask(42, Result.OK)
        assert go.word is Word.GO
        half = (await desk.take(42)).wait
        assert half == pytest.approx(2, rel=0.1), "two of one burst halve it once"
        later = await desk.take(50)
        await desk.settle(later.detail, Result.THROTTLED, 50, started=later.at, pause=0)
        await desk.ask(60, Result.OK)
        assert (await desk.take(60)).wait == pytest.approx(3.6, rel=0.1), "and again later"

    on_desk(empty_valkey_url, Pace(1.0), work)


def test_the_rate_recovers_slowly(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> list[float]:
        await desk.ask(0, Result.THROTTLED, pause=0.0)
        waits = []
        for at in (10, 300, 3600):
            await desk.ask(at, Result.OK)
            waits.append((await desk.ask(at, Result.OK)).wait)
        return waits

    soon, after_half_life, much_later = on_desk(empty_valkey_url, Pace(1.0), work)
    assert 1.9 < soon < 2
    assert after_half_life == pytest.approx(1, rel=0.01)
    assert much_later == 1


def test_the_slowest_pace_is_bounded(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> float:
        for number in range(30):
            await desk.ask(number * 60, Result.THROTTLED, pause=0.0)
        return max([(await desk.ask(1740 + number, Result.OK)).wait for number in range(60)])

    assert 50 < on_desk(empty_valkey_url, Pace(1.0), work) <= 60


def test_the_breaker_opens_lets_one_try_and_closes(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        for number in range(FAILURES_TO_OPEN):
            assert (await desk.ask(number, Result.FAILED)).word is Word.GO
        last = FAILURES_TO_OPEN - 1
        refused = await desk.ask(last + 10, Result.OK)
        assert (refused.word, refused.detail) == (Word.OPEN, str(FAILURES_TO_OPEN))
        assert refused.wait == pytest.approx(OPEN_SECONDS - 10)
        probe = await desk.take(last + OPEN_SECONDS, want=5)
        assert (probe.word, probe.turns) == (Word.GO, 1)
        assert (await desk.take(last + OPEN_SECONDS + 5)).word is Word.OPEN, "one at a time"
        await desk.settle(probe.detail, Result.OK, last + OPEN_SECONDS + 6)
        assert (await desk.take(last + OPEN_SECONDS + 6)).word is Word.GO

    on_desk(empty_valkey_url, Pace(1.0, in_flight=9), work)


def test_a_probe_that_fails_doubles_the_time(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> list[float]:
        waits, at = [], 0.0
        for number in range(FAILURES_TO_OPEN + 8):
            while (taken := await desk.ask(at, Result.FAILED)).word is not Word.GO:
                at += taken.wait
            at += 1
            if number >= FAILURES_TO_OPEN - 1:
                waits.append((await desk.take(at)).wait + 1)
        return waits

    waits = on_desk(empty_valkey_url, Pace(1.0, in_flight=9), work)
    assert waits == pytest.approx([min(OPEN_SECONDS * 2**n, OPEN_AT_MOST) for n in range(9)])


def test_a_lost_probe_is_followed_by_another(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> None:
        for number in range(FAILURES_TO_OPEN):
            await desk.ask(number, Result.FAILED)
        assert (await desk.take(100)).word is Word.GO
        assert (await desk.take(105)).word is Word.OPEN
        given_up = await desk.take(110.1)
        assert given_up.word is Word.GO
        await desk.settle(given_up.detail, Result.NONE, 111)
        assert (await desk.take(112)).word is Word.GO

    on_desk(empty_valkey_url, Pace(1.0, in_flight=9), work)


def test_an_answer_between_failures_keeps_the_breaker_closed(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> set[Word]:
        words = set()
        for number in range(FAILURES_TO_OPEN * 3):
            result = Result.OK if number % FAILURES_TO_OPEN == 0 else Result.FAILED
            words.add((await desk.ask(number, result)).word)
        return words

    assert on_desk(empty_valkey_url, Pace(1.0), work) == {Word.GO}


def test_late_failures_do_not_count_against_an_open_breaker(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> float:
        taken = [await desk.take(number) for number in range(FAILURES_TO_OPEN + 3)]
        for number, each in enumerate(taken):
            await desk.settle(each.detail, Result.FAILED, 8 + number, kind="timeout")
        return (await desk.take(20)).wait

    wait = on_desk(empty_valkey_url, Pace(1.0, in_flight=99), work)
    assert wait == pytest.approx(8 + FAILURES_TO_OPEN - 1 + OPEN_SECONDS - 20)


def test_a_clock_that_was_set_back_does_not_stop_a_server(empty_valkey_url: str) -> None:
    async def work(desk: Desk) -> Word:
        await desk.ask(7200, Result.OK)
        return (await desk.ask(0, Result.OK)).word

    assert on_desk(empty_valkey_url, Pace(1.0), work) is Word.GO


def test_a_redis_that_is_not_there_is_said_at_once() -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(StoreDownError, match="ConnectionError"):
            await desk.take(0)

    on_desk("unix:///nowhere/to/be/found", Pace(1.0), work)


@pytest.mark.parametrize("server", ["rdap.nominet.uk", "rdap.norid.no", "whois.weare.ie"])
def test_a_day_of_four_workers_with_restarts_exceeds_no_window(empty_valkey_url: str, server: str) -> None:
    """Requests are sent late, and workers die with their requests on the way: the server counts arrivals."""
    windows = (Window(round(SERVERS[server].rate / 0.8), 1), *SERVERS[server].windows)

    async def work(desk: Desk) -> list[float]:
        dice, sent = random.Random(4), list[float]()
        events = [(worker * 0.01, worker, "") for worker in range(4)]
        while events[0][0] < DAY * 1.1:
            at, worker, lease = heapq.heappop(events)
            if lease:
                await desk.settle(lease, Result.OK, at)
            taken = await desk.take(at, hold=65.0)
            if taken.word is not Word.GO:
                pause = 5 if taken.word is Word.BUSY else taken.wait
                heapq.heappush(events, (at + pause + dice.random() / 100, worker, ""))
                continue
            late = dice.random() * 0.05
            sent.append(at + late)
            killed = dice.random() < 0.02
            heapq.heappush(events, (at + late + dice.random(), worker, "" if killed else taken.detail))
        return sorted(sent)

    sent = on_desk(empty_valkey_url, SERVERS[server], work)
    day = SERVERS[server].windows[0].limit
    assert day <= len(sent) <= 2 * day, "the budget is used"
    for window in windows:
        assert most_in(sent, window.seconds) <= window.limit


def most_in(times: list[float], span: float) -> int:
    """The most of `times` (sorted) within any `span` seconds."""
    held, most = deque[float](), 0
    for time in times:
        held.append(time)
        while held[0] <= time - span:
            held.popleft()
        most = max(most, len(held))
    return most

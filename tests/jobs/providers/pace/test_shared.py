"""The shared limiter against a real server, with processes that hammer, die, and lose it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
import redis

from dashboard.config import Settings
from dashboard.pace import INDEX, leases_key
from jobs.providers.errors import NotAsked, ServerError, Throttled
from jobs.providers.http import Http
from jobs.providers.limits import LocalLimiter
from jobs.providers.pace.shared import SharedLimiter, open_limiter
from jobs.providers.pace.store import FAILURES_TO_OPEN, PaceStore
from jobs.providers.pace.table import pace_of
from tests.jobs.providers.helpers import mock_transport, settings_for
from tests.support import processes
from tests.support.valkey import temporary_valkey

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[4]
HAMMER = Path(__file__).parent / "hammer.py"


@contextmanager
def hammering(url: str, *arguments: float) -> Iterator[subprocess.Popen[bytes]]:
    command: list[str | Path] = [sys.executable, HAMMER, url, *map(str, arguments)]
    process = processes.start(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        processes.stop(process)


def times_of(*hammers: subprocess.Popen[bytes]) -> list[float]:
    return sorted(float(line) for each in hammers for line in each.communicate(timeout=30)[0].split())


def with_limiter(url: str, work: Callable[[SharedLimiter], Awaitable[T]], rate: float = 1000.0) -> T:
    async def run() -> T:
        limiter = SharedLimiter(
            PaceStore(url, seconds=2.0), partial(pace_of, rate=rate), hold=5.0, alone=LocalLimiter(rate)
        )
        try:
            return await work(limiter)
        finally:
            await limiter.aclose()

    return asyncio.run(run())


async def asked(limiter: SharedLimiter, error: Exception | None = None, server: str = "a") -> None:
    async with limiter.slot(server):
        if error:
            raise error


async def settled(limiter: SharedLimiter) -> None:
    while limiter._under_way:
        await asyncio.wait(limiter._under_way)


def test_processes_that_hammer_one_server_keep_its_window_and_its_rate(empty_valkey_url: str) -> None:
    load = (20, 4, 25, 2, 4, 0.02)
    with hammering(empty_valkey_url, *load) as one, hammering(empty_valkey_url, *load) as two:
        sent = times_of(one, two)
    assert len(sent) >= 25
    assert all(later - first > 1.9 for first, later in zip(sent, sent[25:], strict=False)), "25 in 2 s"
    assert all(later - first > 0.3 for first, later in zip(sent, sent[10:], strict=False)), "20 a second"


def test_a_killed_process_gives_its_places_back_in_time(empty_valkey_url: str) -> None:
    with hammering(empty_valkey_url, 19, 2, 0, 0, 30, 30) as victim:
        assert victim.stdout
        for _ in range(2):
            victim.stdout.readline()
        victim.kill()
        victim.wait()

    async def work(limiter: SharedLimiter) -> float:
        started = time.monotonic()
        async with asyncio.timeout(10), limiter.slot("server"):
            return time.monotonic() - started

    with redis.Redis.from_url(empty_valkey_url) as client:
        assert client.zcard(leases_key("server")) == 2
    # It had three seconds for each of them.
    assert 1 < with_limiter(empty_valkey_url, work, rate=19.0) < 5


def test_one_that_is_told_to_wait_makes_all_wait(empty_valkey_url: str) -> None:
    async def throttled(limiter: SharedLimiter) -> None:
        with pytest.raises(Throttled):
            await asked(limiter, Throttled("HTTP 429", retry_after=60, server="a"))

    async def other(limiter: SharedLimiter) -> NotAsked:
        await asked(limiter, server="b")
        with pytest.raises(NotAsked, match="left alone for another 60 s") as first:
            await asked(limiter)
        with pytest.raises(NotAsked):
            await asked(limiter)
        return first.value

    with_limiter(empty_valkey_url, throttled)
    error = with_limiter(empty_valkey_url, other)
    assert error.server == "a"
    assert error.retry_after == pytest.approx(60, abs=2)


def test_a_short_pause_is_waited_for(empty_valkey_url: str) -> None:
    async def work(limiter: SharedLimiter) -> float:
        with pytest.raises(Throttled):
            await asked(limiter, Throttled("HTTP 429", retry_after=0.3))
        await settled(limiter)
        started = time.monotonic()
        await asked(limiter)
        return time.monotonic() - started

    assert 0.25 < with_limiter(empty_valkey_url, work) < 3


@pytest.mark.parametrize("rate", [50.0, 10_000.0])
def test_failures_of_all_open_the_breaker_for_all(empty_valkey_url: str, rate: float) -> None:
    async def failing(limiter: SharedLimiter) -> None:
        for error in [ServerError("HTTP 500"), TimeoutError(), httpx.ConnectError("x")]:
            with pytest.raises(type(error)):
                await asked(limiter, error)
            await settled(limiter)

    async def more(limiter: SharedLimiter) -> None:
        for _ in range(FAILURES_TO_OPEN - 3):
            with pytest.raises(OSError, match="reset"):
                await asked(limiter, OSError("reset"))
            await settled(limiter)

    async def refused(limiter: SharedLimiter) -> None:
        with pytest.raises(NotAsked, match=f"{FAILURES_TO_OPEN} failures in a row"):
            await asked(limiter)
        await asked(limiter, server="b")

    for work in (failing, more, refused):
        with_limiter(empty_valkey_url, work, rate)


def test_an_unwell_web_server_is_told_by_its_status(empty_valkey_url: str) -> None:
    """A page that says 500 is an answer to HTTP, but none to us."""

    async def work(limiter: SharedLimiter) -> list[str]:
        http, outcomes = Http(mock_transport(lambda _: httpx.Response(500)), limiter, 1.0), []
        for _ in range(FAILURES_TO_OPEN + 1):
            with pytest.raises((ServerError, NotAsked)) as caught:
                await http.get(httpx.URL("https://rdap.registry.net/domain/x.net"), [])
            outcomes.append(type(caught.value).__name__)
            await settled(limiter)
        return outcomes

    assert with_limiter(empty_valkey_url, work) == ["ServerError"] * FAILURES_TO_OPEN + ["NotAsked"]


def test_a_look_up_that_is_given_up_leaves_nothing_behind(empty_valkey_url: str) -> None:
    async def work(limiter: SharedLimiter) -> None:
        for number in range(100):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(number / 50_000), limiter.slot(str(number % 7)):
                    await asyncio.sleep(1)
        await settled(limiter)

    with_limiter(empty_valkey_url, work, rate=99.0)
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert client.zcard(INDEX) == 7, "turns were taken"
        assert client.keys(leases_key("*")) == []


def test_a_turn_whose_answer_came_as_the_look_up_was_given_up_is_given_back(empty_valkey_url: str) -> None:
    async def given_up(limiter: SharedLimiter) -> None:
        with pytest.raises(asyncio.CancelledError):
            async with limiter.slot("a"):
                await asyncio.sleep(1)
        # Closed in the same step: nothing else has run since.
        await limiter.aclose()

    async def work(limiter: SharedLimiter) -> None:
        looking = asyncio.create_task(given_up(limiter))
        await asyncio.sleep(0)
        assert limiter._under_way, "Redis is being asked"
        for asking in limiter._under_way:
            asking.add_done_callback(lambda _: looking.cancel())
        await looking

    with_limiter(empty_valkey_url, work, rate=99.0)
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert client.zcard(INDEX) == 1, "a turn was taken"
        assert client.keys(leases_key("*")) == []


def test_turns_taken_together_are_given_back_at_the_end(empty_valkey_url: str) -> None:
    async def work(limiter: SharedLimiter) -> int:
        await asyncio.gather(*(asked(limiter) for _ in range(120)))
        with redis.Redis.from_url(empty_valkey_url) as client:
            return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])

    with redis.Redis.from_url(empty_valkey_url) as client:
        client.config_resetstat()
    assert with_limiter(empty_valkey_url, work, rate=10_000.0) <= 8, "120 requests, a few calls"
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert client.zcard(leases_key("a")) == 0


def test_a_job_shares_its_pace_where_the_settings_name_a_redis(empty_valkey_url: str, tmp_path: Path) -> None:
    async def ask(settings: Settings) -> str:
        async with open_limiter(settings) as limiter, limiter.slot("rdap.registry.net"):
            return type(limiter).__name__

    settings = settings_for(tmp_path, redis_url=empty_valkey_url)
    assert asyncio.run(ask(replace(settings, redis_url=None))) == "LocalLimiter"
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert client.keys("*") == []
        assert asyncio.run(ask(settings)) == "SharedLimiter"
        assert client.zrange(INDEX, 0, -1) == [b"rdap.registry.net"]


def test_without_redis_a_process_goes_on_alone_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    async def work(limiter: SharedLimiter) -> None:
        async with asyncio.timeout(10):
            await asyncio.gather(*(asked(limiter) for _ in range(20)))
            with pytest.raises(Throttled):
                await asked(limiter, Throttled("HTTP 429", retry_after=60))
            with pytest.raises(NotAsked, match="asked to wait"):
                await asked(limiter)

    with caplog.at_level(logging.WARNING):
        with_limiter("unix:///nowhere/to/be/found", work)
    assert [record.getMessage().rpartition(" ")[2] for record in caplog.records] == ["ConnectionError"]


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_redis_may_die_or_hang_at_any_moment(fate: signal.Signals, caplog: pytest.LogCaptureFixture) -> None:
    async def work(limiter: SharedLimiter) -> None:
        await asked(limiter)
        os.kill(pid, fate)
        async with asyncio.timeout(15):
            await asyncio.gather(*(asked(limiter, server=str(number % 3)) for number in range(30)))

    with caplog.at_level(logging.WARNING), temporary_valkey() as url:
        with redis.Redis.from_url(url) as client:
            pid = int(client.info("server")["process_id"])
        try:
            with_limiter(url, work, rate=50.0)
        finally:
            if fate is signal.SIGSTOP:
                os.kill(pid, signal.SIGCONT)
    assert len(caplog.records) == 1

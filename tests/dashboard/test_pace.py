from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
import redis

from dashboard.pace import Breaker, Budget, ServerPace, read_paces
from jobs.providers.pace.store import FAILURES_TO_OPEN, PaceStore, Result, Settled, Word
from jobs.providers.pace.table import Pace, Window

PACE = Pace(40.0, in_flight=20, windows=(Window(300, 86_400), Window(50, 900)))
SERVER = "rdap.registry.net"


def written(url: str, work: Callable[[PaceStore], Awaitable[None]]) -> dict[str, ServerPace]:
    """What people read of what the workers wrote."""

    async def run() -> None:
        store = PaceStore(url)
        try:
            await work(store)
        finally:
            await store.aclose()

    asyncio.run(run())
    with redis.Redis.from_url(url) as client:
        return read_paces(client)


async def asked(store: PaceStore, result: Result, server: str = SERVER, pause: float = 0) -> None:
    taken = await store.take(server, PACE, uuid4().hex, want=1, hold=5)
    assert taken.word is Word.GO
    await asyncio.sleep(1.5 / PACE.rate)
    told = Settled(
        taken.detail, ended=True, result=result, answered=result is Result.OK, started=taken.at, pause=pause
    )
    await store.settle(server, told)


def test_nothing_is_known_of_servers_that_were_not_asked(empty_valkey_url: str) -> None:
    with redis.Redis.from_url(empty_valkey_url) as client:
        assert read_paces(client) == {}


def test_a_server_in_order(empty_valkey_url: str) -> None:
    async def work(store: PaceStore) -> None:
        await asked(store, Result.OK)
        await asked(store, Result.OK)

    pace = written(empty_valkey_url, work)[SERVER]
    assert (pace.breaker, pace.open_until, pace.paused_until, pace.failures) == (Breaker.CLOSED, None, None, 0)
    assert (pace.rate, pace.usual_rate, pace.is_slowed) == (40.0, 40.0, False)
    assert pace.budgets == (Budget(300, 86_400, 2), Budget(50, 900, 2))
    assert pace.last_answer
    assert pace.last_failure is None


def test_a_server_that_complained(empty_valkey_url: str) -> None:
    async def work(store: PaceStore) -> None:
        await asked(store, Result.THROTTLED, pause=100)

    pace = written(empty_valkey_url, work)[SERVER]
    assert pace.rate == pytest.approx(20.0, rel=0.1), "half; it recovers with time"
    assert pace.is_slowed
    assert pace.paused_until
    assert pace.last_failure
    assert 95 < (pace.paused_until - pace.last_failure).total_seconds() <= 100


def test_a_server_that_failed_too_often(empty_valkey_url: str) -> None:
    async def work(store: PaceStore) -> None:
        for _ in range(FAILURES_TO_OPEN):
            await asked(store, Result.FAILED)
        await asked(store, Result.OK, "other.registry.net")

    paces = written(empty_valkey_url, work)
    assert list(paces) == ["other.registry.net", SERVER], "the last asked first"
    assert (paces[SERVER].breaker, paces[SERVER].failures) == (Breaker.OPEN, FAILURES_TO_OPEN)
    assert paces[SERVER].open_until
    assert paces["other.registry.net"].breaker is Breaker.CLOSED

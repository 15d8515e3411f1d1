from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask

from dashboard import runtime
from dashboard.database import writing
from dashboard.models import ProviderCount, Role, Sweep, SweepBatch
from jobs.providers.pace.store import FAILURES_TO_OPEN, PaceStore, Result, Settled
from jobs.providers.pace.table import Pace, Window
from tests import factories as make
from tests.conftest import START
from tests.support.people import signed_in_client

PATH = "/settings/providers"
SERVER = "rdap.registry.net"


def use(app: Flask, **changes: object) -> None:
    app.extensions[runtime.SETTINGS] = replace(app.extensions[runtime.SETTINGS], **changes)


def count(app: Flask, *rows: tuple[str, str, str, int]) -> None:
    with app.app_context(), writing() as session:
        for provider, server, error, number in rows:
            session.add(ProviderCount(day="2026-11-01", provider=provider, server=server, error=error, count=number))


def fail(url: str, times: int, limit: int = 300) -> None:
    async def run() -> None:
        store = PaceStore(url)
        pace = Pace(1e5, in_flight=99, windows=(Window(limit, 86_400),))
        for _ in range(times):
            taken = await store.take(SERVER, pace, uuid4().hex, want=1, hold=5)
            await store.settle(SERVER, Settled(taken.detail, ended=True, result=Result.FAILED, kind="timeout"))
        await store.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_only_admins_see_it(app: Flask, role: Role) -> None:
    client = signed_in_client(app, role)
    assert client.get(PATH).status_code == 403
    assert PATH not in client.get("/").text


def test_without_look_ups_it_says_what_to_do(app: Flask) -> None:
    html = signed_in_client(app, Role.ADMIN).get(PATH).text
    assert "No provider was asked" in html
    assert "Redis cannot be read" in html


def test_every_server_is_shown_with_its_failures_and_its_state(app: Flask, empty_valkey_url: str) -> None:
    use(app, redis_url=empty_valkey_url)
    count(app, ("rdap", SERVER, "-", 4210), ("rdap", SERVER, "timeout", 31), ("dns", "192.0.2.1:53", "-", 77))
    client = signed_in_client(app, Role.ADMIN)
    fail(empty_valkey_url, FAILURES_TO_OPEN - 1)
    html = client.get(PATH).text
    assert "4,210" in html
    assert "Timed out: 31" in html
    assert "In order" in html
    assert "4 of 300 in 24 h" in html
    assert "not paced" in html
    assert "tile-warn" not in html
    fail(empty_valkey_url, 1)
    html = client.get(PATH).text
    assert "Left alone" in html
    assert f"after {FAILURES_TO_OPEN} failures in a row" in html
    assert "tile-warn" in html


def test_a_spent_budget_is_shown(app: Flask, empty_valkey_url: str) -> None:
    use(app, redis_url=empty_valkey_url)
    count(app, ("rdap", SERVER, "-", 3))
    fail(empty_valkey_url, 3, limit=3)
    html = signed_in_client(app, Role.ADMIN).get(PATH).text
    assert ">Spent<" in html
    assert "3 of 3 in 24 h" in html
    assert "tile-warn" in html


def test_redis_being_away_hides_no_count(app: Flask) -> None:
    use(app, redis_url="unix:///nowhere/to/be/found")
    count(app, ("rdap", SERVER, "-", 4210))
    html = signed_in_client(app, Role.ADMIN).get(PATH).text
    assert "Redis cannot be read" in html
    assert "4,210" in html
    assert "not known" in html


@pytest.mark.parametrize(
    ("quota", "words", "tile"),
    [
        (10_000, "of 10,000 free", "tile"),
        (1000, "of 1,000 free", "tile tile-warn"),
        (900, "the 900 free ones are spent", "tile tile-alert"),
        (0, "no quota is set", "tile"),
    ],
)
def test_the_month_s_quota_is_counted(app: Flask, quota: int, words: str, tile: str) -> None:
    use(app, fastly_monthly_quota=quota)
    count(app, ("fastly", "api.fastly.com", "-", 900))
    html = signed_in_client(app, Role.ADMIN).get(PATH).text
    assert words in html
    head, _, _ = html.partition("Fastly status this month")
    assert head.rpartition('<div class="')[2].partition('"')[0] == tile


def test_paid_and_free_look_ups_are_counted_apart(app: Flask) -> None:
    use(app, fastly_monthly_quota=100)
    count(app, ("fastly", "api.fastly.com", "-", 130), ("rdap", SERVER, "-", 4000), ("dns", "192.0.2.1:53", "-", 200))
    html = signed_in_client(app, Role.ADMIN).get(PATH).text
    assert "<strong>4,300</strong> free look-ups today" in html
    assert "<strong>30</strong> paid look-ups today" in html
    assert "30 paid, and each further one may cost" in html
    assert html.count("counts against a monthly quota") == 1


def test_the_sweep_shows_what_it_did_and_what_it_did_not_believe(app: Flask) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session)
        session.add(Sweep(domain_id=domain.id, next_at=START - timedelta(hours=2), seen="gone", failures=2))
        for hours, values in (
            (2, {"answered": 190, "failed": 10, "changed": 3, "triggered": 3, "held": False}),
            (1, {"answered": 200, "failed": 0, "changed": 196, "triggered": 0, "held": True}),
            (25, {"answered": 7777, "failed": 0, "changed": 7777, "triggered": 0, "held": True}),
        ):
            session.add(SweepBatch(claimed_at=START, size=200, swept_at=START - timedelta(hours=hours), **values))
    client = signed_in_client(app, Role.ADMIN)
    html = client.get(PATH).text
    facts = re.findall(r"<dd>\s*(.*?)\s*</dd>", html.partition('id="sweep"')[2])
    assert facts == ["1", "390", "10; 1 domain to be asked again", "3", "1"]
    assert "196 of 200 answers had changed" in html
    overview = client.get("/").text
    assert "did not believe its resolver" in overview
    assert "196 of 200" in overview


def test_a_server_s_name_is_text(app: Flask) -> None:
    count(app, ("whois", "<script>alert(1)</script>", "-", 1))
    assert "<script>alert" not in signed_in_client(app, Role.ADMIN).get(PATH).text

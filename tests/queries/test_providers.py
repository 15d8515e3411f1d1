from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from flask import Flask

from dashboard.database import db, writing
from dashboard.models import ProviderCount
from dashboard.queries.providers import Use, known_paces, month_use, server_health
from tests.conftest import START


def count(*rows: tuple[str, str, str, str, int]) -> None:
    with writing() as session:
        session.add_all(_counts(rows))


def _counts(rows: Iterable[tuple[str, str, str, str, int]]) -> list[ProviderCount]:
    return [ProviderCount(day=d, provider=p, server=s, error=e, count=n) for d, p, s, e, n in rows]


def test_look_ups_are_told_apart_by_server_day_and_kind_of_failure(context: Flask) -> None:
    count(
        ("2026-11-01", "rdap", "a", "-", 10),
        ("2026-11-01", "rdap", "a", "timeout", 3),
        ("2026-10-31", "rdap", "a", "-", 5),
        ("2026-10-31", "rdap", "a", "not_asked", 4),
        ("2026-10-26", "rdap", "b", "-", 99),
        ("2026-10-25", "rdap", "a", "-", 1000),
        ("2026-11-01", "dns", "", "-", 1),
        ("2026-11-01", "dns", "", "server_error", 1),
    )
    dns, b, a = server_health(db.session(), START)
    assert (a.provider, a.server, a.asked_today, a.failed_today, a.asked, a.failed) == ("rdap", "a", 10, 3, 15, 3)
    assert a.errors == [("not_asked", 4), ("timeout", 3)]
    assert (b.server, b.asked_today, b.asked, b.errors) == ("b", 0, 99, [])
    assert (dns.provider, dns.server, dns.failed_today) == ("dns", "", 1)


def test_a_month_s_use_counts_what_was_sent(context: Flask) -> None:
    count(
        ("2026-11-01", "fastly", "f", "-", 700),
        ("2026-11-01", "fastly", "g", "-", 7),
        ("2026-11-01", "fastly", "f", "timeout", 100),
        ("2026-10-31", "fastly", "f", "-", 10_000),
        ("2026-11-01", "domainr", "d", "-", 30),
        ("2026-11-01", "domainr", "d", "not_configured", 30),
        ("2026-11-01", "rdap", "a", "-", 12),
    )
    assert month_use(db.session(), START) == {"fastly": Use(707, 707), "domainr": Use(0, 0)}
    assert month_use(db.session(), START + timedelta(days=1))["fastly"] == Use(707, 0)


def test_a_redis_that_is_away_or_holds_rubbish_is_no_fault_of_the_page(empty_valkey_url: str) -> None:
    import redis

    from dashboard.pace import INDEX, state_key

    assert known_paces(None) is None
    assert known_paces("unix:///nowhere/to/be/found") is None
    assert known_paces(empty_valkey_url) == {}
    with redis.Redis.from_url(empty_valkey_url) as client:
        client.zadd(INDEX, {"a": 1})
        client.hset(state_key("a"), mapping={"open_until": "soon"})
        assert known_paces(empty_valkey_url) is None
        client.delete(state_key("a"))
        assert known_paces(empty_valkey_url) == {}

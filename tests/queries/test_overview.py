from __future__ import annotations

from datetime import timedelta

from flask import Flask

from dashboard.database import db, writing
from dashboard.models import ProviderCount, Role
from dashboard.queries.overview import lookups, stuck_deliveries
from tests import factories as make
from tests.conftest import START
from tests.support.people import make_staff


def test_look_ups_are_summed_over_servers_and_days_and_failures_told_apart(context: Flask) -> None:
    counts = [
        ("2026-11-01", "rdap", "a", "-", 10),
        ("2026-10-31", "rdap", "b", "-", 5),
        ("2026-10-31", "rdap", "b", "timeout", 2),
        ("2026-11-01", "rdap", "a", "throttled", 3),
        ("2026-11-01", "fastly", "f", "-", 7),
        ("2026-10-25", "rdap", "a", "-", 1000),
    ]
    with writing() as session:
        for day, provider, server, error, count in counts:
            session.add(ProviderCount(day=day, provider=provider, server=server, error=error, count=count))
    first, second = lookups(db.session(), START)
    assert (first.provider, first.asked, first.failed) == ("rdap", 15, 5)
    assert first.errors == [("throttled", 3), ("timeout", 2)]
    assert (second.provider, second.asked, second.failed) == ("fastly", 7, 0)


def test_deliveries_are_stuck_after_a_day_without_an_acknowledgement(context: Flask) -> None:
    staff = make_staff(Role.REVIEWER)
    with writing() as session:
        source = make.make_source(session, name="Index")
        domain = make.make_domain(session)
        address = make.make_address(session, make.make_account(session, source), domain)
        case = make.make_case(session, domain)
        for state, hours in (("queued", 30), ("sent", 25), ("sent", 23), ("applied", 99)):
            decision = make.make_decision(session, case, staff.id)
            make.make_unverification(session, decision, address, state, START - timedelta(hours=hours))
        for state, hours in (("sent", 26), ("sent", 1), ("applied", 99)):
            make.make_notice(session, address, state, raised_at=START - timedelta(hours=hours))
    stuck = stuck_deliveries(db.session(), START)
    assert [(item.source, item.state, item.count) for item in stuck] == [("Index", "queued", 1), ("Index", "sent", 2)]
    assert stuck[1].oldest == START - timedelta(hours=26)

"""Periods and events through flaps: one registration stays one period, one change stays one event."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Delegation, Evidence, Phase, Provider, Rcode
from dashboard.models import LifecycleEvent, RegistrationPeriod
from tests.conftest import START
from tests.support import story

NAME = "lapsing-parcels.com"
DAY = timedelta(days=1)


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain)
        return domain.id


def periods() -> list[tuple[object, object]]:
    rows = select(RegistrationPeriod.started_at, RegistrationPeriod.ended_at).order_by(RegistrationPeriod.started_at)
    return [(row.started_at, row.ended_at) for row in db.session.execute(rows)]


def phases() -> list[str]:
    query = select(LifecycleEvent).where(LifecycleEvent.kind == "phase").order_by(LifecycleEvent.id)
    return [f"{event.detail['old']} {event.detail['new']}" for event in db.session.scalars(query)]


def test_a_registration_that_seemed_gone_goes_on(domain_id: int) -> None:
    for number in range(5):
        now = START + number * DAY
        story.check(domain_id, [story.rdap(NAME, now, Phase.AVAILABLE if number % 2 else Phase.ACTIVE)], now)
    assert periods() == [(story.REGISTERED, None)]


def test_a_contradicted_not_found_ends_no_period(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START)], START)
    now = START + 2 * DAY
    story.check(domain_id, [story.rdap(NAME, now, Phase.AVAILABLE), story.fastly(NAME, now)], now)
    assert periods() == [(story.REGISTERED, None)]


def test_a_drop_and_a_new_registration_are_two_periods_and_stay_two(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START)], START)
    gone, caught = START + 2 * DAY, START + 3 * DAY
    story.check(domain_id, [story.rdap(NAME, gone, Phase.AVAILABLE), story.fastly(NAME, gone, Phase.AVAILABLE)], gone)
    for number in range(4, 8):
        now = START + number * DAY
        story.check(domain_id, [story.rdap(NAME, now, registered_at=caught, handle="H2")], now)
    assert periods() == [(story.REGISTERED, gone), (caught, None)]


def test_a_delegation_that_goes_and_comes_back_is_two_events(domain_id: int) -> None:
    rcodes = [Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.NXDOMAIN, Rcode.NOERROR]
    for number, rcode in enumerate(rcodes):
        now = START + number * DAY
        story.check(domain_id, [story.rdap(NAME, now), story.dns(NAME, now, rcode)], now)
    silent = story.failure(NAME, START + 4 * DAY, Provider.DNS)
    story.check(domain_id, [story.rdap(NAME, START + 4 * DAY), silent], START + 4 * DAY)
    query = select(LifecycleEvent).where(LifecycleEvent.kind == "delegation").order_by(LifecycleEvent.id)
    found = [(event.at - START, event.detail["new"]) for event in db.session.scalars(query)]
    assert found == [(DAY, False), (3 * DAY, True)]


def test_a_date_corrected_backwards_leaves_one_period_running(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START)], START)
    now = START + DAY
    earlier = story.REGISTERED - 100 * DAY
    story.check(domain_id, [story.rdap(NAME, now, registered_at=earlier)], now)
    assert periods() == [(earlier, story.REGISTERED), (story.REGISTERED, None)]


def test_a_time_of_not_knowing_is_no_change_of_phase(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START)], START)
    silent = START + 31 * DAY
    story.check(domain_id, [story.failure(NAME, silent, Provider.RDAP)], silent)
    for days in (32, 33):
        story.check(domain_id, [story.rdap(NAME, START + days * DAY)], START + days * DAY)
    assert phases() == ["unknown active"]
    silent = START + 80 * DAY
    story.check(domain_id, [story.failure(NAME, silent, Provider.RDAP)], silent)
    lapsed = START + 81 * DAY
    story.check(domain_id, [story.rdap(NAME, lapsed, Phase.REDEMPTION)], lapsed)
    assert phases() == ["unknown active", "active redemption"]


def mail_events() -> list[str]:
    query = select(LifecycleEvent.summary).where(LifecycleEvent.kind == "mx").order_by(LifecycleEvent.id)
    return list(db.session.scalars(query))


def delegated(now: datetime, *mx: str) -> Evidence:
    delegation = Delegation(Rcode.NOERROR, mx=tuple((10, host) for host in mx))
    return replace(story.dns(NAME, now), delegation=delegation)


def test_mail_hosts_that_are_removed_and_come_back_are_two_events(domain_id: int) -> None:
    for number, mx in enumerate((["a.net", "b.net"], ["a.net", "b.net"], [], [], ["a.net"], ["c.net"], ["."])):
        now = START + number * DAY
        story.check(domain_id, [story.rdap(NAME, now), delegated(now, *mx)], now)
    assert mail_events() == [
        "Mail hosts removed: a.net, b.net",
        "Mail hosts came back: a.net",
        "Mail hosts changed from a.net to c.net",
        "Mail hosts changed from c.net to .",
    ]


@pytest.mark.parametrize("silence", [Rcode.NXDOMAIN, Rcode.TIMEOUT])
def test_a_name_that_dns_does_not_answer_for_has_lost_no_mail_hosts(domain_id: int, silence: Rcode) -> None:
    story.check(domain_id, [delegated(START, "a.net")], START)
    now = START + DAY
    gone = story.dns(NAME, now, silence) if silence is Rcode.NXDOMAIN else story.failure(NAME, now, Provider.DNS)
    story.check(domain_id, [story.rdap(NAME, now), gone], now)
    story.check(domain_id, [delegated(now + DAY, "a.net")], now + DAY)
    assert mail_events() == []


def test_a_domain_that_never_had_mail_hosts_gets_some(domain_id: int) -> None:
    story.check(domain_id, [delegated(START)], START)
    story.check(domain_id, [delegated(START + DAY, "a.net")], START + DAY)
    assert mail_events() == ["Mail hosts added: a.net"]

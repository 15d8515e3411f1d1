"""Periods and events through flaps: one registration stays one period, one change stays one event."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase, Provider
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

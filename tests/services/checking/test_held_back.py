"""A check in which the registry's directory was held back is completed soon, without paying twice."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard.audit.actor import system
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Phase, Provider
from dashboard.models import Domain
from dashboard.queries.domains import DomainFilters, domain_count
from dashboard.services.checking.claim import DueDomain, claim_batch, open_batch
from dashboard.services.checking.request import request_check
from tests.conftest import START
from tests.support import story

NAME = "small-parcels.net"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain)
        return domain.id


def held_back(at: datetime, kind: ErrorKind = ErrorKind.NOT_ASKED) -> Evidence:
    return story.failure(NAME, at, Provider.RDAP, kind)


def domain(domain_id: int) -> Domain:
    db.session.expire_all()
    return db.session.get_one(Domain, domain_id)


def claimed(now: datetime) -> DueDomain:
    with writing() as session:
        batch = claim_batch(session, now=now, wall_now=now, size=9, lease=story.LEASE)
        assert batch
        (due,) = open_batch(session, batch, wall_now=now, lease=story.LEASE)
        session.execute(update(Domain).values(batch_id=None, leased_until=None))
        return due


@pytest.mark.parametrize("kind", [ErrorKind.NOT_ASKED, ErrorKind.THROTTLED])
def test_it_is_due_again_soon_and_counts_as_not_done(domain_id: int, kind: ErrorKind) -> None:
    story.check(domain_id, [held_back(START, kind), story.fastly(NAME, START)], START)
    found = domain(domain_id)
    assert timedelta(minutes=15) <= found.next_check_at - START <= HOUR
    assert (found.phase, found.failures, found.completed_at) == ("active", 1, None)
    assert found.last_checked_at == START


def test_the_next_pause_is_longer_and_an_answer_ends_it(domain_id: int) -> None:
    now = START
    for _ in range(12):
        story.check(domain_id, [held_back(now), story.fastly(NAME, now)], now)
        now = domain(domain_id).next_check_at
    assert 12 * HOUR <= now - (domain(domain_id).last_checked_at or now) <= DAY
    story.check(domain_id, [story.rdap(NAME, now)], now)
    found = domain(domain_id)
    assert (found.failures, found.completed_at, found.next_check_at) == (0, now, now + 30 * DAY)
    assert found.completion_due_at is None


def test_what_is_paid_for_is_not_asked_twice(domain_id: int) -> None:
    story.check(domain_id, [held_back(START), story.fastly(NAME, START)], START)
    due = claimed(domain(domain_id).next_check_at)
    assert due.answered == {Provider.FASTLY}


def test_a_check_that_is_due_for_another_reason_asks_everybody(domain_id: int) -> None:
    story.check(domain_id, [held_back(START), story.fastly(NAME, START)], START)
    with writing() as session:
        request_check(session, NAME, system("test"), START + timedelta(minutes=1))
    assert claimed(START + timedelta(minutes=1)).answered == frozenset()


def test_an_answer_from_before_the_last_complete_check_is_asked_for_again(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START), story.fastly(NAME, START)], START)
    later = START + 20 * DAY
    story.check(domain_id, [held_back(later), story.failure(NAME, later, Provider.FASTLY)], later)
    assert claimed(domain(domain_id).next_check_at).answered == frozenset()


def test_a_status_api_held_back_is_missed_only_where_a_second_word_is_wanted(domain_id: int) -> None:
    quota = story.failure(NAME, START, Provider.FASTLY, ErrorKind.NOT_ASKED)
    story.check(domain_id, [story.rdap(NAME, START), quota], START)
    assert domain(domain_id).next_check_at == START + 30 * DAY
    later = START + 30 * DAY
    quota = story.failure(NAME, later, Provider.FASTLY, ErrorKind.NOT_ASKED)
    story.check(domain_id, [story.rdap(NAME, later, Phase.REDEMPTION), quota], later)
    assert domain(domain_id).next_check_at <= later + HOUR


def test_a_check_never_completed_for_thirty_days_is_overdue_although_it_is_tried_daily(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START), story.fastly(NAME, START)], START)
    now = START + 30 * DAY
    for _ in range(8):
        story.check(domain_id, [held_back(now), story.fastly(NAME, now)], now)
        now = domain(domain_id).next_check_at
    soon_tried = now - timedelta(minutes=1)
    assert domain_count(db.session(), DomainFilters(overdue_at=soon_tried)).value == 1
    assert domain_count(db.session(), DomainFilters(overdue_at=START + 30 * DAY + HOUR / 2)).value == 0

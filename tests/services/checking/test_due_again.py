"""What is stored of a domain decides when it is checked again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase, Rcode
from dashboard.models import Domain
from tests.conftest import START
from tests.support import story

NAME = "lapsing-parcels.com"
DAY = timedelta(days=1)


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        return story.add_domain(session, NAME).id


@pytest.fixture
def in_use(domain_id: int) -> int:
    with writing() as session:
        story.add_accounts(session, story.add_source(session), session.get_one(Domain, domain_id))
    return domain_id


def pause(domain_id: int) -> timedelta:
    db.session.expire_all()
    domain = db.session.get_one(Domain, domain_id)
    assert domain.last_checked_at
    return domain.next_check_at - domain.last_checked_at


def test_a_redemption_is_watched_daily_while_an_address_is_verified(in_use: int) -> None:
    story.check(in_use, [story.rdap(NAME, START, Phase.REDEMPTION)], START)
    assert pause(in_use) == DAY


def test_with_no_verified_address_left_a_redemption_is_not_watched_daily(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION)], START)
    assert pause(domain_id) == 30 * DAY


def test_the_last_hours_before_a_predicted_drop_are_watched_hourly(in_use: int) -> None:
    changed = START - 4 * DAY
    story.check(in_use, [story.rdap(NAME, START, Phase.PENDING_DELETE, changed_at=changed)], START)
    assert pause(in_use) == timedelta(hours=1)


def test_a_registered_name_that_dns_lost_is_watched_daily(in_use: int) -> None:
    story.check(in_use, [story.rdap(NAME, START), story.dns(NAME, START)], START)
    assert pause(in_use) == 30 * DAY
    later = START + 10 * DAY
    story.check(in_use, [story.rdap(NAME, later), story.dns(NAME, later, Rcode.NXDOMAIN)], later)
    assert pause(in_use) == DAY
    story.check(in_use, [story.rdap(NAME, later + DAY), story.dns(NAME, later + DAY)], later + DAY)
    assert pause(in_use) == 30 * DAY

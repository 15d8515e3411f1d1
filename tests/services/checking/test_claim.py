"""Who is claimed first: the riskiest, but never so that the others are not reached."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import Domain
from dashboard.services.checking.claim import claim_batch, open_batch
from tests.conftest import START
from tests.support import story

DAY = timedelta(days=1)


def claim(size: int) -> dict[str, bool]:
    """Claim a batch; return whether each of its domains is urgent, by name."""
    with writing() as session:
        batch = claim_batch(session, now=START, wall_now=START, size=size, lease=story.LEASE)
        held = open_batch(session, batch, wall_now=START, lease=story.LEASE) if batch else []
        return {due.name: due.urgent for due in held}


@pytest.fixture
def waiting(context: Flask) -> None:
    """Ten domains that have been due for long, and six urgent ones due just now."""
    with writing() as session:
        for number in range(10):
            story.add_domain(session, f"imported{number}.net", START - 9 * DAY + timedelta(minutes=number))
        for number in range(6):
            story.add_domain(session, f"urgent{number}.net", START - timedelta(minutes=9 - number)).urgent = True


def test_the_urgent_come_first_and_a_quarter_is_for_who_waits_longest(waiting: None) -> None:
    assert list(claim(4)) == ["imported0.net", "urgent0.net", "urgent1.net", "urgent2.net"]
    assert claim(4) == {"imported1.net": False} | dict.fromkeys(["urgent3.net", "urgent4.net", "urgent5.net"], True)
    assert list(claim(4)) == [f"imported{number}.net" for number in range(2, 6)]


def test_a_batch_is_filled_with_whatever_is_due(waiting: None) -> None:
    assert len(claim(100)) == 16
    assert claim(100) == {}


@pytest.mark.parametrize(
    ("phase", "addresses", "urgent"),
    [
        (Phase.ACTIVE, 1, False),
        (Phase.ACTIVE, 50, True),
        (Phase.REDEMPTION, 1, True),
        (Phase.PENDING_DELETE, 1, True),
        (Phase.REDEMPTION, 0, False),
    ],
)
def test_a_check_finds_who_is_urgent(context: Flask, phase: Phase, addresses: int, *, urgent: bool) -> None:
    with writing() as session:
        domain = story.add_domain(session, "parcels.net")
        if addresses:
            story.add_accounts(session, story.add_source(session), domain, count=addresses)
        ident = domain.id
    story.check(ident, [story.rdap("parcels.net", START, phase)], START)
    db.session.expire_all()
    assert db.session.get_one(Domain, ident).urgent is urgent

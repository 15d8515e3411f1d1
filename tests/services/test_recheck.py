"""Old evidence is refreshed before an effect is published, and a brake stops what is on its way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase, Provider
from dashboard.models import AuditEntry, Brake, Case, DecisionKind, Domain, Unverification
from dashboard.services.publish import Published, publish
from tests.conftest import START
from tests.services.test_decide import NAME, ask, lapse
from tests.support import story

LATER = START + timedelta(hours=25)


@pytest.fixture
def approved(context: Flask) -> None:
    """A case of three addresses, approved on evidence of START."""
    ask(lapse(3), DecisionKind.APPROVE)


def turn(now: datetime) -> Published:
    with writing() as session:
        return publish(session, now)


def states() -> set[str]:
    db.session.expire_all()
    return set(db.session.scalars(select(Unverification.state)))


def whys() -> set[str | None]:
    return set(db.session.scalars(select(Unverification.settled_why)))


def due_at() -> datetime:
    db.session.expire_all()
    return db.session.scalars(select(Domain.next_check_at)).one()


def fresh_check(phase: Phase, now: datetime = LATER) -> None:
    story.check(1, [story.rdap(NAME, now, phase), story.fastly(NAME, now, phase)], now)


def add_brake(**values: str) -> None:
    scope = {"scope": "tld", "provider": "rdap", "tld": "com", "mode": "share"} | values
    with writing() as session:
        session.add(Brake(lapsed=40, checked=100, limit_per_mille=2000, opened_at=START, **scope))


def the_case() -> Case:
    db.session.expire_all()
    return db.session.scalars(select(Case)).one()


def test_evidence_of_the_same_day_is_good_enough(approved: None) -> None:
    assert turn(START + timedelta(hours=24)) == Published(3, 0, 0)


def test_older_evidence_makes_the_domain_due_at_once_and_nothing_is_published(approved: None) -> None:
    assert due_at() <= LATER
    with writing() as session:
        session.execute(update(Domain).values(next_check_at=LATER + timedelta(days=9)))
    assert turn(LATER) == Published(0, 0, 0, rechecking=3)
    assert (states(), due_at()) == ({"rechecking"}, LATER)
    assert turn(LATER) == Published(0, 0, 0)
    events = db.session.scalars(select(AuditEntry.event).order_by(AuditEntry.seq)).all()
    assert events[2:] == ["unverification.rechecking"]


def test_what_a_fresh_check_bears_out_is_published(approved: None) -> None:
    turn(LATER)
    fresh_check(Phase.REDEMPTION)
    assert turn(LATER) == Published(3, 0, 0)
    assert the_case().state == "decided"


def test_what_a_fresh_check_no_longer_flags_is_withheld(approved: None) -> None:
    turn(LATER)
    fresh_check(Phase.ACTIVE)
    assert turn(LATER) == Published(0, 0, 3)
    assert (states(), whys()) == ({"withheld"}, {"the fresh check no longer shows a lapse or a change of holder"})


def test_a_lapse_that_went_on_is_published(approved: None) -> None:
    turn(LATER)
    fresh_check(Phase.PENDING_DELETE)
    assert turn(LATER) == Published(3, 0, 0)


def test_errors_and_dns_are_no_fresh_evidence(approved: None) -> None:
    turn(LATER)
    story.check(1, [story.failure(NAME, LATER, Provider.RDAP), story.dns(NAME, LATER)], LATER)
    assert turn(LATER) == Published(0, 0, 0)
    assert states() == {"rechecking"}
    fresh_check(Phase.REDEMPTION, LATER + timedelta(hours=1))
    assert turn(LATER + timedelta(hours=1)) == Published(3, 0, 0)


@pytest.mark.parametrize("rechecked", [False, True])
def test_a_brake_withholds_what_is_on_its_way_and_brings_the_case_back_held(
    approved: None, *, rechecked: bool
) -> None:
    now = LATER if rechecked else START
    if rechecked:
        turn(now)
        fresh_check(Phase.REDEMPTION)
    add_brake()
    assert turn(now) == Published(0, 0, 3)
    case = the_case()
    assert (case.state, case.brake_id) == ("open", 1)
    assert whys() == {"a brake is on: more domains lapsed at once than can be believed"}


@pytest.mark.parametrize("elsewhere", [{"tld": "net"}, {"provider": "fastly"}])
def test_a_brake_elsewhere_stops_nothing(approved: None, elsewhere: dict[str, str]) -> None:
    add_brake(**elsewhere)
    assert turn(START) == Published(3, 0, 0)

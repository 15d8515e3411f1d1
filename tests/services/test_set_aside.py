"""A snoozed case sleeps through identical readings and wakes when phase or holder change; waking is idempotent."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Evidence, Phase
from dashboard.models import Address, Case, CaseOpening, CaseState, SetAside, SetAsideKind
from dashboard.services.claims import Outcome, Worker, claim
from dashboard.services.set_aside import Refusal, SetAsideRequest, bring_back, set_aside, wake
from tests import factories as make
from tests.conftest import START
from tests.support import story

NAME = "lapsing-parcels.com"
DAY = timedelta(days=1)
EXPIRED = START - 40 * DAY
RITA = Actor(ActorKind.STAFF, "1")


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        story.add_staff(session)
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain, count=3)
        ident = domain.id
    story.check(ident, lapsed(START), START)
    return ident


def lapsed(now: datetime, phase: Phase = Phase.REDEMPTION) -> list[Evidence]:
    return [story.rdap(NAME, now, phase, expires_at=EXPIRED)]


def the_case() -> Case:
    db.session.expire_all()
    return db.session.scalars(select(Case)).one()


def person(now: datetime = START) -> Worker:
    return Worker(RITA, 1, now, now)


def put(kind: SetAsideKind = SetAsideKind.SNOOZE, until: datetime | None = None) -> Refusal | None:
    case = the_case()
    with writing() as session:
        return set_aside(session, SetAsideRequest(case.id, case.version, kind, "because", until), person()).refusal


def ended() -> list[str | None]:
    return list(db.session.scalars(select(SetAside.ended_how).order_by(SetAside.id)))


def test_identical_readings_do_not_wake_it(domain_id: int) -> None:
    put()
    versions = set()
    for days in range(2, 40):
        story.check(domain_id, lapsed(START + days * DAY), START + days * DAY)
        versions.add(the_case().version)
    case = the_case()
    assert (case.state, case.tld) == ("snoozed", "com")
    assert len(versions) == 1, "a page stays good as long as nothing new is known"


def test_a_new_phase_wakes_it_at_once_and_says_so(domain_id: int) -> None:
    put(until=START + 60 * DAY)
    story.check(domain_id, lapsed(START + DAY, Phase.PENDING_DELETE), START + DAY)
    case = the_case()
    assert (case.state, case.wake_at, case.phase) == ("open", None, "pending_delete")
    assert case.opened_why == "the phase changed from redemption to pending delete since it was snoozed"
    assert ended() == ["facts"]
    closed = db.session.scalars(select(CaseOpening.closed_how).order_by(CaseOpening.id)).all()
    assert list(closed) == ["snoozed", None]
    with writing() as session:
        assert wake(session, START + 61 * DAY) == 0


def test_a_new_holder_wakes_it(domain_id: int) -> None:
    put()
    now = START + 2 * DAY
    caught = story.rdap(NAME, now, registered_at=now - DAY, handle="H9", expires_at=now + 300 * DAY)
    story.check(domain_id, [caught, story.fastly(NAME, now), story.dns(NAME, now)], now)
    assert the_case().state == "open"
    assert ended() == ["facts"]


@pytest.mark.parametrize("kind", list(SetAsideKind))
def test_a_renewal_closes_what_is_set_aside(domain_id: int, kind: SetAsideKind) -> None:
    put(kind)
    now = START + 2 * DAY
    story.check(domain_id, [story.rdap(NAME, now), story.fastly(NAME, now), story.dns(NAME, now)], now)
    assert the_case().state == "closed_renewed"
    assert ended() == ["closed"]


def test_without_addresses_nothing_waits_any_more(domain_id: int) -> None:
    put()
    with writing() as session:
        for address in session.scalars(select(Address)):
            address.verified = False
    story.check(domain_id, lapsed(START + DAY), START + DAY)
    assert the_case().state == "closed_no_addresses"
    assert ended() == ["closed"]


def test_an_escalated_case_stays_with_the_admins_and_shows_the_new_facts(domain_id: int) -> None:
    put(SetAsideKind.ESCALATE)
    before = the_case().version
    story.check(domain_id, lapsed(START + DAY, Phase.PENDING_DELETE), START + DAY)
    case = the_case()
    assert (case.state, case.phase) == ("escalated", "pending_delete")
    assert case.version > before, "a page of before must not act"


def test_waking_is_done_in_chunks_and_once(context: Flask) -> None:
    with writing() as session:
        story.add_staff(session)
        for days in (1, 2, 3, 9):
            case = make.make_case(session, state="snoozed", wake_at=START + days * DAY)
            session.add(SetAside(case_id=case.id, kind="snooze", staff_id=1, at=START, until=case.wake_at, note=""))
    counts = []
    for _ in range(4):
        with writing() as session:
            counts.append(wake(session, START + 5 * DAY, limit=2))
    assert counts == [2, 1, 0, 0]
    states = db.session.execute(select(Case.state, func.count()).group_by(Case.state)).all()
    assert {row.state: row[1] for row in states} == {"open": 3, "snoozed": 1}


def test_taking_up_gives_the_case_to_the_admin(domain_id: int) -> None:
    put(SetAsideKind.ESCALATE)
    case = the_case()
    with writing() as session:
        story.add_staff(session, "otto@desk.test")
        bring_back(session, case.id, case.version, person(), SetAsideKind.ESCALATE)
        assert claim(session, case.id, Worker(RITA, 2, START, START)) is Outcome.HELD
    assert the_case().state == CaseState.OPEN


def test_what_does_not_exist_is_an_error(context: Flask) -> None:
    with pytest.raises(LookupError), writing() as session:
        set_aside(session, SetAsideRequest(9, 1, SetAsideKind.SNOOZE), person())
    with pytest.raises(LookupError), writing() as session:
        bring_back(session, 9, 1, person(), SetAsideKind.SNOOZE)

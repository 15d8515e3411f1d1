"""What opens, keeps, closes and opens a case again: only facts do, never a provider's silence."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Evidence, Phase, Provider, Rcode
from dashboard.models import Address, Case, CaseOpening, DecisionKind, Domain, Unverification, UnverificationState
from dashboard.services.acknowledge import Ack, acknowledge
from dashboard.services.decide import DecisionRequest, DecisionResult, decide
from dashboard.services.publish import publish
from tests.conftest import START
from tests.support import story

NAME = "lapsing-parcels.com"
DAY = timedelta(days=1)
EXPIRED = START - 40 * DAY
CAUGHT = START - 500 * DAY
RITA = Actor(ActorKind.STAFF, "1")


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        story.add_staff(session)
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain, count=3)
        return domain.id


def the_case() -> Case:
    db.session.expire_all()
    return db.session.scalars(select(Case)).one()


def ask(kind: DecisionKind, now: datetime = START) -> DecisionResult:
    case = the_case()
    reason = "lapsed" if kind is DecisionKind.APPROVE else "owner_confirmed"
    request = DecisionRequest(case.id, case.version, kind, reason, "")
    with writing() as session:
        return decide(session, request, RITA, 1, now)


def redemption(now: datetime) -> list[Evidence]:
    return [story.rdap(NAME, now, Phase.REDEMPTION, expires_at=EXPIRED)]


def caught(now: datetime) -> list[Evidence]:
    return [
        story.rdap(NAME, now, registered_at=CAUGHT, handle="H9", expires_at=START + 300 * DAY),
        story.fastly(NAME, now),
        story.dns(NAME, now),
    ]


def silent(now: datetime) -> list[Evidence]:
    """What is left when the directory gives no answer."""
    return [story.failure(NAME, now, Provider.RDAP), story.fastly(NAME, now), story.dns(NAME, now)]


def openings() -> int:
    return db.session.scalar(select(func.count()).select_from(CaseOpening)) or 0


def test_a_silent_directory_takes_no_change_of_holder_back(domain_id: int) -> None:
    story.check(domain_id, caught(START), START)
    before = the_case()
    shown = (before.state, before.holder_change, before.risk, before.version)
    assert shown[:2] == ("open", "dropped_and_caught")
    for days in (31, 62):
        story.check(domain_id, silent(START + days * DAY), START + days * DAY)
        case = the_case()
        assert (case.state, case.holder_change, case.risk, case.version) == shown
    story.check(domain_id, caught(START + 93 * DAY), START + 93 * DAY)
    assert (the_case().state, openings()) == ("open", 1)


@pytest.mark.parametrize("witness", ["fastly", "dns"])
def test_nobody_but_the_directory_can_say_that_the_owner_renewed(domain_id: int, witness: str) -> None:
    story.check(domain_id, redemption(START), START)
    for days in (2, 35):
        now = START + days * DAY
        alive = [story.fastly(NAME, now)] if witness == "fastly" else [story.dns(NAME, now)]
        story.check(domain_id, [story.failure(NAME, now, Provider.RDAP), *alive], now)
        assert the_case().state == "open"
        assert db.session.get_one(Domain, domain_id).next_check_at <= now + DAY
    now = START + 36 * DAY
    story.check(domain_id, [story.rdap(NAME, now), story.fastly(NAME, now)], now)
    assert the_case().state == "closed_renewed"
    assert db.session.get_one(Domain, domain_id).next_check_at == now + 30 * DAY


def test_a_catch_that_the_directory_tells_of_late_never_looks_like_a_renewal(domain_id: int) -> None:
    gone = [story.rdap(NAME, START, Phase.PENDING_DELETE), story.fastly(NAME, START, Phase.PENDING_DELETE)]
    story.check(domain_id, gone, START)
    story.check(domain_id, silent(START + DAY + timedelta(minutes=5)), START + DAY + timedelta(minutes=5))
    assert the_case().state == "open"
    now = START + 2 * DAY
    story.check(domain_id, [story.rdap(NAME, now, registered_at=START + DAY, handle="H9")], now)
    assert (the_case().state, the_case().holder_change) == ("open", "dropped_and_caught")


def test_a_pending_delete_that_the_owner_got_out_of_is_no_change_of_holder(domain_id: int) -> None:
    gone = [story.rdap(NAME, START, Phase.PENDING_DELETE), story.fastly(NAME, START, Phase.PENDING_DELETE)]
    story.check(domain_id, gone, START)
    for days in (1, 2, 40):
        now = START + days * DAY
        story.check(domain_id, [story.rdap(NAME, now), story.fastly(NAME, now)], now)
        assert (the_case().state, db.session.get_one(Domain, domain_id).holder_change) == ("closed_renewed", "none")


def test_a_quarantine_that_ends_without_a_date_to_compare_is_left_to_a_person(domain_id: int) -> None:
    bare: dict[str, object] = {"registered_at": None, "handle": None, "expires_at": None}
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION, **bare)], START)
    now = START + 40 * DAY
    story.check(domain_id, [story.rdap(NAME, now, Phase.ACTIVE, **bare), story.fastly(NAME, now)], now)
    case = the_case()
    assert (case.state, case.phase, case.holder_change) == ("open", "active", "unknown")


def test_a_conflict_closes_no_case(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    now = START + DAY
    story.check(domain_id, [story.rdap(NAME, now), story.fastly(NAME, now, Phase.PENDING_DELETE)], now)
    assert the_case().state == "open"


def test_a_case_closes_when_its_last_address_is_gone_whatever_the_providers_say(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    with writing() as session:
        session.execute(update(Address).values(verified=False))
    now = START + DAY
    story.check(domain_id, [story.rdap(NAME, now, Phase.HOLD)], now)
    assert the_case().state == "closed_no_addresses"


def test_a_phase_that_flags_nothing_is_still_shown(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    now = START + DAY
    story.check(domain_id, [story.rdap(NAME, now, Phase.HOLD)], now)
    assert (the_case().state, the_case().phase) == ("open", "hold")


@pytest.mark.parametrize("known_on", [0, 1])
def test_an_override_holds_whether_or_not_the_directory_tells_the_date(domain_id: int, known_on: int) -> None:
    dated = {"registered_at": story.REGISTERED, "expires_at": EXPIRED}
    bare = {"registered_at": None, "handle": None, "registrar": None, "expires_at": EXPIRED}
    for number in range(6):
        now = START + number * DAY
        values = dated if number % 2 == known_on else bare
        story.check(domain_id, [story.rdap(NAME, now, Phase.REDEMPTION, **values)], now)
        if number == 0:
            assert ask(DecisionKind.OVERRIDE).refusal is None
        assert the_case().state == "decided"


def test_an_override_holds_when_a_registry_rounds_its_date(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    ask(DecisionKind.OVERRIDE)
    now = START + DAY
    rounded = (story.REGISTERED + timedelta(hours=17)).replace(hour=0)
    assert rounded.date() != story.REGISTERED.date()
    story.check(domain_id, [story.rdap(NAME, now, Phase.REDEMPTION, registered_at=rounded, expires_at=EXPIRED)], now)
    assert the_case().state == "decided"


def test_an_override_decided_on_aged_evidence_holds_when_the_same_is_seen_again(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    now = START + 45 * DAY
    ask(DecisionKind.OVERRIDE, now)
    story.check(domain_id, redemption(now + DAY), now + DAY)
    assert the_case().state == "decided"


def test_an_override_outlives_flapping_but_not_a_renewal_and_another_lapse(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    ask(DecisionKind.OVERRIDE)
    for number in range(1, 21):
        now = START + number * DAY
        story.check(domain_id, redemption(now) if number % 2 else [story.rdap(NAME, now)], now)
        assert the_case().state == "decided"
    story.check(domain_id, [story.rdap(NAME, START + 60 * DAY)], START + 60 * DAY)
    now = START + 390 * DAY
    story.check(domain_id, [story.rdap(NAME, now, Phase.REDEMPTION, expires_at=now - 40 * DAY)], now)
    case = the_case()
    assert (case.state, case.opened_why) == ("open", "lapsed again after it had been renewed since the decision")


def pending(now: datetime) -> list[Evidence]:
    return [story.rdap(NAME, now, Phase.PENDING_DELETE), story.fastly(NAME, now, Phase.PENDING_DELETE)]


def test_an_approval_on_its_way_is_not_asked_for_again(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    ask(DecisionKind.APPROVE)
    story.check(domain_id, pending(START + DAY), START + DAY)
    assert the_case().state == "decided"


def settle(result: UnverificationState) -> None:
    with writing() as session:
        publish(session, START)
    with writing() as session:
        ids = session.scalars(select(Unverification.public_id).where(Unverification.seq.is_not(None))).all()
        acks = [Ack(public_id, result) for public_id in ids]
        acknowledge(session, 1, "index", acks, Actor(ActorKind.SOURCE, "index"), START)


def test_an_address_verified_again_after_the_approval_opens_the_case_for_it_alone(domain_id: int) -> None:
    story.check(domain_id, caught(START), START)
    ask(DecisionKind.APPROVE)
    settle(UnverificationState.APPLIED)
    story.check(domain_id, caught(START + DAY), START + DAY)
    assert the_case().state == "decided"
    with writing() as session:
        again = {"verified": True, "verified_at": START + DAY, "state_token": "t2"}
        session.execute(update(Address).where(Address.id == 1).values(**again))
    story.check(domain_id, caught(START + 2 * DAY), START + 2 * DAY)
    case = the_case()
    assert (case.state, case.addresses) == ("open", 1)
    assert case.opened_why == "an address is verified that the approval did not reach"
    ask(DecisionKind.APPROVE, START + 2 * DAY)
    assert db.session.scalar(select(func.count()).select_from(Unverification)) == 4


def test_a_sources_refusal_holds_until_the_facts_change(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    ask(DecisionKind.APPROVE)
    settle(UnverificationState.REJECTED)
    story.check(domain_id, redemption(START + DAY), START + DAY)
    assert the_case().state == "decided"
    story.check(domain_id, pending(START + 2 * DAY), START + 2 * DAY)
    assert (the_case().state, the_case().addresses) == ("open", 3)


def test_a_second_approval_does_not_double_what_is_on_its_way(domain_id: int) -> None:
    story.check(domain_id, redemption(START), START)
    ask(DecisionKind.APPROVE)
    with writing() as session:
        session.execute(update(Address).where(Address.id == 1).values(state_token="t2"))
    story.check(domain_id, redemption(START + DAY), START + DAY)
    assert (the_case().state, the_case().addresses) == ("open", 1)
    assert ask(DecisionKind.APPROVE, START + DAY).addresses == 1
    assert db.session.scalar(select(func.count()).select_from(Unverification)) == 4


def test_dns_alone_opens_nothing_however_often_it_says_so(domain_id: int) -> None:
    for days in range(5):
        now = START + days * DAY
        story.check(domain_id, [story.dns(NAME, now, Rcode.NXDOMAIN)], now)
    assert db.session.scalar(select(func.count()).select_from(Case)) == 0

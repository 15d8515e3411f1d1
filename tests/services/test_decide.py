"""Decisions: all or nothing, once, with friction and frozen evidence; they hold until the facts change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase, Provider
from dashboard.models import (
    Address,
    AuditEntry,
    Case,
    CaseOpening,
    Decision,
    DecisionKind,
    Domain,
    Unverification,
)
from dashboard.services.cases.judge import evidence_digest, preview
from dashboard.services.decide import DecisionRequest, DecisionResult, Refusal, decide
from tests.conftest import START
from tests.support import story

NAME = "lapsing-parcels.com"
DAY = timedelta(days=1)
RITA = Actor(ActorKind.STAFF, "1")


def lapse(addresses: int = 3) -> int:
    """Make a case on a domain with so many addresses and return its id."""
    with writing() as session:
        story.add_staff(session)
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain, count=addresses)
        domain_id = domain.id
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION), story.fastly(NAME, START)], START)
    return db.session.scalars(select(Case.id)).one()


def ask(case_id: int, kind: DecisionKind = DecisionKind.APPROVE, **values: object) -> DecisionResult:
    reason = "lapsed" if kind is DecisionKind.APPROVE else "owner_confirmed"
    defaults = {"version": 1, "reason_code": reason, "note": ""} | values
    request = DecisionRequest(case_id=case_id, kind=kind, **defaults)  # type: ignore[arg-type]
    with writing() as session:
        return decide(session, request, RITA, 1, START)


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def reread(case_id: int) -> Case:
    db.session.expire_all()
    return db.session.get_one(Case, case_id)


def test_an_approval_queues_every_address_with_the_state_that_was_judged(context: Flask) -> None:
    case_id = lapse()
    result = ask(case_id, note="  gone for 40 days ")
    assert (result.refusal, result.addresses, result.accounts) == (None, 3, 3)
    rows = db.session.scalars(select(Unverification)).all()
    assert [(row.state, row.kind, row.effect, row.seq) for row in rows] == [
        ("queued", "unverify", "unverify", None)
    ] * 3
    assert rows[0].judged == {"verified": True, "verified_at": "2024-02-05T08:00:00Z", "state_token": "t1"}
    case = reread(case_id)
    assert (case.state, case.version, case.decisions[0].note) == ("decided", 2, "gone for 40 days")
    opening = db.session.scalars(select(CaseOpening)).one()
    assert (opening.closed_at, opening.closed_how) == (START, "approve")
    assert db.session.scalars(select(AuditEntry.event).order_by(AuditEntry.seq)).all() == [
        "case.opened",
        "case.approved",
    ]


def test_the_evidence_is_frozen_and_vouched_for_in_the_audit_log(context: Flask) -> None:
    case_id = lapse()
    ask(case_id)
    frozen = db.session.scalars(select(Decision.frozen)).one()
    assert {item["provider"] for item in frozen["evidence"]} == {"rdap", "fastly"}
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.event == "case.approved")).one()
    assert evidence_digest(frozen).encode() in entry.canonical


def test_the_second_reviewer_gets_a_conflict_with_who_and_when(context: Flask) -> None:
    case_id = lapse()
    ask(case_id)
    second = ask(case_id, DecisionKind.OVERRIDE)
    assert second.refusal is Refusal.CONFLICT
    assert second.conflict is not None
    assert (second.conflict.by, second.conflict.at, second.conflict.kind) == ("rita@desk.test", START, "approve")
    assert (count(Decision), count(Unverification)) == (1, 3)


@pytest.mark.parametrize(
    ("addresses", "typed", "refusal"),
    [
        (10, None, None),
        (11, None, Refusal.COUNT_MISMATCH),
        (11, 10, Refusal.COUNT_MISMATCH),
        (11, 11, None),
        (100, 100, None),
        (101, 101, Refusal.SECOND_PERSON),
    ],
)
def test_friction_grows_with_the_number_of_addresses(
    context: Flask, addresses: int, typed: int | None, refusal: Refusal | None
) -> None:
    case_id = lapse(addresses)
    result = ask(case_id, typed_count=typed)
    assert (result.refusal, result.addresses) == (refusal, addresses)
    assert count(Unverification) == (0 if refusal else addresses)
    assert reread(case_id).state == ("open" if refusal else "decided")


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"reason_code": "made_up"}, Refusal.UNKNOWN_REASON),
        ({"reason_code": "other", "note": "  "}, Refusal.NOTE_REQUIRED),
        ({"effect": "explode"}, Refusal.UNKNOWN_REASON),
        ({"version": 7}, Refusal.CONFLICT),
    ],
)
def test_what_is_not_in_order_is_refused_and_nothing_changes(
    context: Flask, values: dict[str, Any], refusal: Refusal
) -> None:
    case_id = lapse()
    assert ask(case_id, **values).refusal is refusal
    assert (reread(case_id).state, count(Decision)) == ("open", 0)


def test_an_override_survives_a_hundred_identical_checks_and_opens_again_when_the_phase_changes(
    context: Flask,
) -> None:
    case_id = lapse()
    domain_id = db.session.scalars(select(Domain.id)).one()
    ask(case_id, DecisionKind.OVERRIDE)
    assert count(Unverification) == 0
    now = START
    expires = START - 40 * DAY
    for number in range(1, 101):
        now = START + number * timedelta(hours=1)
        story.check(domain_id, [story.rdap(NAME, now, Phase.REDEMPTION, expires_at=expires)], now)
    assert reread(case_id).state == "decided"
    now += DAY
    story.check(domain_id, [story.failure(NAME, now, Provider.RDAP)], now)
    assert reread(case_id).state == "decided"
    now += DAY
    story.check(
        domain_id, [story.rdap(NAME, now, Phase.PENDING_DELETE), story.fastly(NAME, now, Phase.PENDING_DELETE)], now
    )
    case = reread(case_id)
    assert (case.state, case.opened_why) == (
        "open",
        "the phase changed from redemption to pending delete since the decision",
    )
    assert case.version > 2
    assert count(CaseOpening) == 2


def test_the_preview_counts_what_an_approval_would_reach(context: Flask) -> None:
    case_id = lapse(4)
    found = preview(db.session(), case_id, START)
    assert (found.addresses, found.accounts, found.only_address_accounts, found.no_second_factor_accounts) == (
        4,
        4,
        4,
        2,
    )


def test_no_such_case_is_a_lookup_error(context: Flask) -> None:
    with pytest.raises(LookupError):
        ask(99)


def some(number: int) -> frozenset[int]:
    return frozenset(db.session.scalars(select(Address.id).order_by(Address.id).limit(number)))


def test_an_approval_of_a_part_reaches_the_part_and_its_rest_does_not_open_the_case_again(context: Flask) -> None:
    case_id = lapse(3)
    chosen = some(2)
    result = ask(case_id, chosen=chosen)
    assert (result.refusal, result.addresses, result.accounts) == (None, 2, 2)
    assert set(db.session.scalars(select(Unverification.address_id))) == chosen
    domain_id = db.session.scalars(select(Domain.id)).one()
    for hour in range(1, 4):
        now = START + timedelta(hours=hour)
        story.check(domain_id, [story.rdap(NAME, now, Phase.REDEMPTION), story.fastly(NAME, now)], now)
    assert reread(case_id).state == "decided"
    now = START + DAY
    lost = [story.rdap(NAME, now, Phase.PENDING_DELETE), story.fastly(NAME, now, Phase.PENDING_DELETE)]
    story.check(domain_id, lost, now)
    case = reread(case_id)
    assert (case.state, case.addresses) == ("open", 1), "new facts bring back what was left out"


@pytest.mark.parametrize(
    ("ticked", "typed", "refusal"),
    [(10, None, None), (11, None, Refusal.COUNT_MISMATCH), (11, 11, None), (101, 101, Refusal.SECOND_PERSON)],
)
def test_friction_counts_the_chosen_addresses(
    context: Flask, ticked: int, typed: int | None, refusal: Refusal | None
) -> None:
    case_id = lapse(102)
    result = ask(case_id, chosen=some(ticked), typed_count=typed)
    assert (result.refusal, result.addresses) == (refusal, ticked)
    assert count(Unverification) == (0 if refusal else ticked)


def test_an_address_that_the_case_does_not_reach_cannot_be_chosen(context: Flask) -> None:
    case_id = lapse(2)
    assert ask(case_id, chosen=some(1) | {999}).refusal is Refusal.NOT_REACHED
    assert ask(case_id, chosen=frozenset()).refusal is Refusal.NOTHING_TO_DO
    assert count(Decision) == 0


def test_a_new_holder_opens_a_decision_to_keep_again_and_says_what_changed(context: Flask) -> None:
    case_id = lapse()
    domain_id = db.session.scalars(select(Domain.id)).one()
    ask(case_id, DecisionKind.OVERRIDE)
    now = START + 60 * DAY
    caught = story.rdap(NAME, now, registered_at=now - DAY, handle="H9", registrar="Bargain Names")
    story.check(domain_id, [caught, story.fastly(NAME, now)], now)
    case = reread(case_id)
    assert case.state == "open"
    assert case.holder_change == "dropped_and_caught"
    assert case.opened_why == "the phase changed from redemption to active since the decision"

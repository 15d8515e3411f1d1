"""A bulk action from its list to its result and back, with the invariants that hold for single decisions."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select, update

from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.models import Address, BulkItem, BulkKind, Case, CaseOpening, Claim, Decision, Unverification
from dashboard.services.cases.judge import evidence_digest
from tests.conftest import START
from tests.services.test_decide import ask
from tests.support import bulk as steps
from tests.support.audit import entries


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_every_case_is_decided_in_the_authors_name_with_its_evidence_and_outbox(context: Flask) -> None:
    cases = steps.lapsed(5, addresses=3)
    before = len(entries(db.session()))
    bulk_id = steps.done(cases)
    found = steps.bulk(bulk_id)
    assert (found.done_items, found.done_addresses, found.skipped_items) == (5, 15, 0)
    assert set(db.session.scalars(select(Case.state))) == {"decided"}
    assert set(db.session.scalars(select(Case.version))) == {2}
    decisions = db.session.scalars(select(Decision)).all()
    assert {(d.kind, d.reason_code, d.note, d.bulk_id, d.staff_id) for d in decisions} == {
        ("approve", "lapsed", "seen twice", bulk_id, found.author_id)
    }
    assert count(Unverification) == 15
    assert all(row.closed_how == "approve" for row in db.session.scalars(select(CaseOpening)))
    told = entries(db.session())[before:]
    approved = [entry for entry in told if entry.event == "case.approved"]
    assert [entry.event for entry in told if entry not in approved] == [
        "bulk.prepared",
        "bulk.confirmed",
        "bulk.completed",
    ]
    by_id = {decision.id: decision for decision in decisions}
    for entry in approved:
        assert entry.data["evidence_sha256"] == evidence_digest(by_id[entry.data["decision_id"]].frozen)
        assert (entry.data["bulk_id"], entry.data["addresses"]) == (bulk_id, 3)
    assert verify(db.session()).ok


def test_a_bulk_action_decides_just_as_a_person_would_one_by_one(context: Flask) -> None:
    """The same un-verifications, facts and frozen evidence as from `decide`."""
    steps.rita()
    cases = steps.lapsed(2, addresses=2)
    ask(cases[0])
    steps.done(cases[1:])
    one, other = db.session.scalars(select(Decision).order_by(Decision.id)).all()
    assert one.frozen.keys() == other.frozen.keys()
    assert one.frozen["evidence"][0].keys() == other.frozen["evidence"][0].keys()
    assert one.frozen["assessment"].keys() == other.frozen["assessment"].keys()
    facts = [db.session.get_one(Case, ident).decided_facts for ident in cases]
    assert facts[0] == facts[1]
    rows = db.session.scalars(select(Unverification).order_by(Unverification.id)).all()
    shapes = {(row.kind, row.effect, row.state, str(row.judged), row.reason, row.decided_at) for row in rows}
    assert len(shapes) == 1


def test_keeping_in_bulk_touches_no_address(context: Flask) -> None:
    steps.done(steps.lapsed(3), BulkKind.OVERRIDE)
    assert set(db.session.scalars(select(Decision.kind))) == {"override"}
    assert count(Unverification) == 0


def test_an_address_that_changed_since_the_preview_is_left_out(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(1, addresses=20))
    with writing() as session:
        session.execute(update(Address).where(Address.id == 1).values(state_token="t2"))
    assert steps.work(bulk_id) == "completed"
    assert count(Unverification) == 19
    assert db.session.scalars(select(BulkItem.changed)).one() == 1
    assert steps.bulk(bulk_id).skipped_addresses == 1


def test_what_was_done_is_taken_back_and_the_cases_open_again(context: Flask) -> None:
    bulk_id = steps.done(steps.lapsed(4, addresses=2))
    revert_id = steps.reverting(bulk_id)
    seen = steps.bulk(revert_id)
    assert (seen.kind, seen.items, seen.addresses, seen.reverts_id) == ("revert", 4, 8, bulk_id)
    assert steps.say_yes(revert_id).state == "running"
    assert steps.work(revert_id) == "completed"
    assert set(db.session.scalars(select(Unverification.state))) == {"withdrawn"}
    assert set(db.session.scalars(select(Case.state))) == {"open"}
    assert {row.reverted_by for row in db.session.scalars(select(Decision))} == {steps.rita().staff_id}
    assert sum(entry.event == "case.decision_reverted" for entry in entries(db.session())) == 4
    assert verify(db.session()).ok


def test_what_a_case_carried_before_is_gone_with_the_decision(context: Flask) -> None:
    """The author's own claim, and the term of an earlier decision."""
    (case_id,) = steps.lapsed(1)
    author = steps.rita().staff_id
    with writing() as session:
        session.add(Claim(case_id=case_id, staff_id=author, claimed_at=START, expires_at=START + steps.LEASE))
        session.execute(update(Case).values(term_at=START))
    steps.done([case_id])
    assert db.session.scalars(select(Claim.case_id)).all() == []
    assert db.session.scalars(select(Case.term_at)).all() == [None]

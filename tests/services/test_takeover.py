"""Reports of takeovers: once, with frozen evidence, to the sources of the accounts named; nothing is un-verified."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.models import Address, AuditEntry, Case, DecisionKind, Domain, Notice, TakeoverReport, Unverification
from dashboard.models import UnverificationState as State
from dashboard.queries.case_log import case_log
from dashboard.services.acknowledge import Ack, acknowledge
from dashboard.services.cases.judge import evidence_digest
from dashboard.services.notices import publish_notices
from dashboard.services.publish import publish
from dashboard.services.takeover import TakeoverRefusal, TakeoverRequest, TakeoverResult, report_takeover
from tests.conftest import START
from tests.services.test_decide import ask, lapse, reread

RITA = Actor(ActorKind.STAFF, "1")
MINUTE = timedelta(minutes=1)


def report(case_id: int, **values: object) -> TakeoverResult:
    defaults = {"version": 1, "note": "malware in the newest release"} | values
    with writing() as session:
        return report_takeover(session, TakeoverRequest(case_id, **defaults), RITA, 1, START)  # type: ignore[arg-type]


def notices() -> list[Notice]:
    db.session.expire_all()
    return list(db.session.scalars(select(Notice).order_by(Notice.id)))


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_all_accounts_are_told_of_and_nothing_is_unverified(context: Flask) -> None:
    case_id = lapse(3)
    result = report(case_id)
    assert (result.refusal, result.addresses, result.accounts) == (None, 3, 3)
    assert [(n.kind, n.reason, n.state, n.report_id) for n in notices()] == [
        ("takeover_suspected", "reported", "queued", result.report_id)
    ] * 3
    case = reread(case_id)
    assert (case.state, case.version, count(Unverification)) == ("open", 2, 0)
    assert set(db.session.scalars(select(Address.verified))) == {True}


def test_the_audit_log_vouches_for_the_evidence_and_holds_no_note(context: Flask) -> None:
    report(lapse())
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.event == "takeover.reported")).one()
    frozen = db.session.scalars(select(TakeoverReport.frozen)).one()
    assert evidence_digest(frozen).encode() in entry.canonical
    assert b"malware" not in entry.canonical


def test_chosen_accounts_alone(context: Flask) -> None:
    case_id = lapse(3)
    chosen = db.session.scalars(select(Address.account_id).order_by(Address.id)).all()[1]
    assert report(case_id, account_ids=(chosen, 999)).addresses == 1
    assert [n.address_id for n in notices()] == [2]


def test_the_second_reviewer_learns_of_the_report(context: Flask) -> None:
    case_id = lapse()
    report(case_id)
    second = report(case_id)
    assert second.refusal is TakeoverRefusal.CONFLICT
    assert second.conflict is not None
    assert (second.conflict.by, second.conflict.kind) == ("rita@desk.test", "takeover")
    late = ask(case_id, DecisionKind.OVERRIDE)
    assert late.conflict is not None
    assert late.conflict.kind == "takeover"
    assert (count(TakeoverReport), len(notices())) == (1, 3)


@pytest.mark.parametrize(
    ("addresses", "values", "refusal"),
    [
        (3, {"note": "  "}, TakeoverRefusal.NOTE_REQUIRED),
        (3, {"account_ids": ()}, TakeoverRefusal.NOBODY),
        (3, {"account_ids": (999,)}, TakeoverRefusal.NOBODY),
        (3, {"shown_count": 2}, TakeoverRefusal.COUNT_CHANGED),
        (11, {}, TakeoverRefusal.COUNT_MISMATCH),
        (11, {"typed_count": 10}, TakeoverRefusal.COUNT_MISMATCH),
        (11, {"typed_count": 11}, None),
        (101, {"typed_count": 101}, None),
    ],
)
def test_what_is_refused_changes_nothing(
    context: Flask, addresses: int, values: dict[str, object], refusal: TakeoverRefusal | None
) -> None:
    case_id = lapse(addresses)
    assert report(case_id, **values).refusal is refusal
    assert len(notices()) == (0 if refusal else addresses)
    assert reread(case_id).version == (1 if refusal else 2)


def test_there_must_be_a_case(context: Flask) -> None:
    with pytest.raises(LookupError):
        report(99)


def test_a_takeover_can_come_to_light_after_the_decision(context: Flask) -> None:
    """Also of addresses that have been un-verified since: their accounts may have been taken before."""
    case_id = lapse(2)
    ask(case_id)
    with writing() as session:
        publish(session, START)
    ids = list(db.session.scalars(select(Unverification.public_id)))
    with writing() as session:
        acknowledge(session, 1, "index", [Ack(each, State.APPLIED) for each in ids], RITA, START)
    assert report(case_id, version=reread(case_id).version).addresses == 2
    with writing() as session:
        publish_notices(session, START)
    assert [n.seq for n in notices()] == [3, 4]
    assert reread(case_id).state == "decided"


def test_publishing_twice_numbers_once_and_the_page_shows_what_the_source_did(context: Flask) -> None:
    case_id = lapse(2)
    report(case_id)
    for _ in range(2):
        with writing() as session:
            publish_notices(session, START)
    assert [n.seq for n in notices()] == [1, 2]
    with writing() as session:
        acks = [Ack(notices()[0].public_id, State.APPLIED, "locked"), Ack(notices()[1].public_id, State.REJECTED)]
        acknowledge(session, 1, "index", acks, RITA, START + MINUTE)
    shown = case_log(db.session(), case_id).reports[0]
    assert (shown.by, shown.told.states) == ("rita@desk.test", {"applied": 1, "rejected": 1})
    assert (shown.told.shown[0].settled_why, shown.told.shown[0].masked[:1]) == ("locked", "s")


def test_an_allow_listed_domain_is_not_reported_after_all(context: Flask) -> None:
    report(lapse(1))
    with writing() as session:
        session.execute(update(Domain).values(name="gmail.com"))
    with writing() as session:
        publish_notices(session, START)
    assert [(n.state, n.seq) for n in notices()] == [("withheld", None)]


def test_notices_do_not_hinder_a_decision_on_the_same_addresses(context: Flask) -> None:
    case_id = lapse(2)
    report(case_id)
    assert ask(case_id, version=db.session.get_one(Case, case_id).version).addresses == 2

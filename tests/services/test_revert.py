"""Taking a decision back: withdrawn before it is served, else verified again, unless the user was there first."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.database import db, writing
from dashboard.models import Address, Case, CaseOpening, Decision, DecisionKind, Unverification
from dashboard.models import UnverificationState as State
from dashboard.queries.outbox import page_after
from dashboard.services.acknowledge import Ack, AckStatus, acknowledge
from dashboard.services.publish import mark_sent, publish
from dashboard.services.revert import Reverted, RevertRefusal, Tally, revert_decision
from tests.conftest import START
from tests.services.test_decide import RITA, ask, lapse
from tests.support import story
from tests.support.audit import entries

SOURCE = Actor(ActorKind.SOURCE, "index")
LATER = START + timedelta(minutes=5)


def approve(addresses: int = 3) -> int:
    result = ask(lapse(addresses), typed_count=addresses)
    assert result.decision_id is not None
    return result.decision_id


def undo(decision_id: int) -> Reverted:
    with writing() as session:
        other = story.add_staff(session, f"undo-{decision_id}@desk.test")
        return revert_decision(session, decision_id, Actor(ActorKind.STAFF, str(other.id)), other.id, LATER)


def states() -> list[str]:
    db.session.expire_all()
    query = select(Unverification.kind, Unverification.state).order_by(Unverification.id)
    return [f"{row.kind} {row.state}" for row in db.session.execute(query)]


def send() -> list[str]:
    """Publish and serve what is queued; the public ids in their order."""
    with writing() as session:
        publish(session, START)
        ids = [row.public_id for row in page_after(session, 1, 0, 100) if row.state == State.QUEUED]
        mark_sent(session, 1, ids, START)
    return ids


def answer(ids: list[str], result: State = State.APPLIED) -> list[AckStatus]:
    with writing() as session:
        done = acknowledge(session, 1, "index", [Ack(ident, result) for ident in ids], SOURCE, START)
    return [status for _, status in done]


def verified() -> list[bool]:
    db.session.expire_all()
    return list(db.session.scalars(select(Address.verified).order_by(Address.id)))


def test_what_was_not_served_is_withdrawn_and_never_is(context: Flask) -> None:
    decision = approve(3)
    with writing() as session:
        publish(session, START)
    assert undo(decision).tally == Tally(withdrawn=3)
    assert states() == ["unverify withdrawn"] * 3
    assert page_after(db.session(), 1, 0, 100) == []
    assert send() == []


def test_the_case_opens_again_with_a_new_version_and_says_why(context: Flask) -> None:
    decision = approve()
    assert undo(decision).reopened
    case = db.session.scalars(select(Case)).one()
    assert (case.state, case.version, case.decided_facts) == ("open", 3, None)
    assert [row.why for row in db.session.scalars(select(CaseOpening).order_by(CaseOpening.id))][1:] == [
        "the decision was taken back"
    ]
    row = db.session.get_one(Decision, decision)
    assert (row.reverted_at, row.reverted_by) == (LATER, 2)
    told = entries(db.session())[-1]
    assert (told.event, told.actor, told.object["id"]) == ("case.decision_reverted", "staff:2", str(case.id))
    assert told.data["withdrawn"] == 3


def test_what_was_applied_is_verified_again_once_the_source_says_so(context: Flask) -> None:
    decision = approve(2)
    ids = send()
    answer(ids)
    assert verified() == [False, False]
    assert undo(decision).tally == Tally(queued=2)
    assert states() == ["unverify revert_queued"] * 2 + ["revert queued"] * 2
    back = send()
    rows = page_after(db.session(), 1, 2, 100)
    assert [(row.kind, row.reverts) for row in rows] == [("revert", ids[0]), ("revert", ids[1])]
    assert answer(back) == [AckStatus.RECORDED] * 2
    assert verified() == [True, True]
    assert states() == ["unverify reverted"] * 2 + ["revert applied"] * 2
    assert answer(ids) == [AckStatus.UNCHANGED] * 2, "the word said before still stands"
    assert answer(ids, State.STALE) == [AckStatus.CONFLICT] * 2


def test_what_the_source_has_not_answered_yet_is_taken_back_as_soon_as_it_has(context: Flask) -> None:
    decision = approve(2)
    ids = send()
    assert undo(decision).tally == Tally(asked=2)
    assert states() == ["unverify sent"] * 2
    answer(ids[:1])
    answer(ids[1:], State.STALE)
    assert states() == ["unverify revert_queued", "unverify stale", "revert queued"]
    answer(send())
    assert verified() == [True, True]


def test_an_address_that_its_user_verified_again_is_left_alone(context: Flask) -> None:
    decision = approve(2)
    answer(send())
    with writing() as session:
        session.execute(update(Address).where(Address.id == 1).values(verified=True, verified_at=LATER))
    assert undo(decision).tally == Tally(queued=1, touched=1)


def test_a_new_token_alone_is_not_taken_for_the_users_doing(context: Flask) -> None:
    """The source's own un-verification alters it, and the next import brings it in."""
    decision = approve(2)
    answer(send())
    with writing() as session:
        session.execute(update(Address).values(state_token="t2", verified_at=None))
    assert undo(decision).tally == Tally(queued=2)
    assert len(send()) == 2


def test_one_who_verifies_between_undoing_and_sending_is_first(context: Flask) -> None:
    decision = approve(1)
    answer(send())
    undo(decision)
    with writing() as session:
        session.execute(update(Address).values(verified=True, verified_at=LATER))
    assert send() == []
    assert states() == ["unverify applied", "revert stale"]


def test_a_revert_that_the_source_refuses_leaves_it_applied(context: Flask) -> None:
    decision = approve(1)
    answer(send())
    undo(decision)
    answer(send(), State.REJECTED)
    assert states() == ["unverify applied", "revert rejected"]
    assert verified() == [False]


def test_a_decision_is_taken_back_once(context: Flask) -> None:
    decision = approve(1)
    undo(decision)
    with writing() as session:
        again = revert_decision(session, decision, RITA, 1, LATER)
    assert again.refusal is RevertRefusal.ALREADY


def test_a_decision_that_another_followed_is_not_undone(context: Flask) -> None:
    decision = approve(1)
    undo(decision)
    assert ask(1, DecisionKind.OVERRIDE, version=3).refusal is None
    with writing() as session:
        session.execute(update(Decision).where(Decision.id == decision).values(reverted_at=None))
        result = revert_decision(session, decision, RITA, 1, LATER)
    assert result.refusal is RevertRefusal.SUPERSEDED


def test_many_applied_addresses_take_a_bulk_action_to_undo(context: Flask) -> None:
    decision = approve(11)
    answer(send())
    assert undo(decision).refusal is RevertRefusal.NEEDS_BULK
    assert states() == ["unverify applied"] * 11


def test_an_override_is_undone_by_opening_its_case(context: Flask) -> None:
    result = ask(lapse(2), DecisionKind.OVERRIDE)
    assert undo(result.decision_id or 0) == Reverted(None, Tally(), reopened=True)
    assert db.session.scalars(select(Case.state)).one() == "open"


def test_a_case_whose_decision_was_taken_back_can_be_decided_again(context: Flask) -> None:
    undo(approve(2))
    again = ask(1, version=3)
    assert (again.refusal, again.addresses) == (None, 2)
    assert states() == ["unverify withdrawn"] * 2 + ["unverify queued"] * 2

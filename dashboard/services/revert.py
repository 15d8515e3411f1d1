"""Take decisions back: what was not served yet is withdrawn, what was applied verified again, the case opened again.

Only what the decision did itself is undone, and only where the user has not touched the address since: one that is
verified again stays as its user left it. What a source was given but has not answered yet is taken back as soon as it
has (`revert_asked_at`). The chain of states is `applied -> revert_queued -> reverted` (DESIGN 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, case, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.database import on_postgresql
from dashboard.models import Address, Case, CaseOpening, CaseState, Decision, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.judged import judged_in_sql
from dashboard.services.policy import current
from dashboard.services.sql import among, random_id, rfc3339_text, rows_of
from dashboard.times import rfc3339

_MADE = (
    Unverification.id,
    Unverification.decision_id,
    Unverification.address_id,
    Unverification.source_id,
    Unverification.effect,
    Unverification.state,
    Unverification.reason,
)
"""What an opposite is made of, and what it is counted by."""
UNSERVED = {State.QUEUED.value, State.RECHECKING.value}
TAKEN_BACK = "the decision was taken back"


class RevertRefusal(StrEnum):
    """Why nothing was taken back. `NEEDS_BULK`: so many addresses that it takes a bulk action with its preview."""

    ALREADY = "already"
    SUPERSEDED = "superseded"
    NEEDS_BULK = "needs_bulk"


@dataclass(frozen=True, slots=True)
class Tally:
    """Addresses of one decision: withdrawn before they were served, to be verified again, to be taken back once the
    source has answered, and left alone because their user touched them.
    """

    withdrawn: int = 0
    queued: int = 0
    asked: int = 0
    touched: int = 0

    @property
    def taken_back(self) -> int:
        """How many addresses are, or will be, as they were before the decision."""
        return self.withdrawn + self.queued + self.asked


@dataclass(frozen=True, slots=True)
class Reverted:
    """What came of it: a refusal, or what was taken back, and whether the case is open again."""

    refusal: RevertRefusal | None = None
    tally: Tally = Tally()
    reopened: bool = False


def revert_decision(session: Session, decision_id: int, actor: Actor, staff_id: int, now: datetime) -> Reverted:
    """Undo one decision (the undo of a toast, or of the case's history) with one audit entry.

    Its case is locked first and opens again. Refused: a decision taken back already, one after which the case was
    decided anew, and one of which more addresses were applied than the policy lets one person handle untyped: that
    needs a bulk action (`services.bulk.prepare.prepare_revert`). `LookupError` when there is no such decision.
    """
    case_id = session.scalar(select(Decision.case_id).where(Decision.id == decision_id))
    if case_id is None:
        raise LookupError(f"no decision {decision_id}")
    session.execute(select(Case.id).where(Case.id == case_id).with_for_update())
    decision = session.get_one(Decision, decision_id, populate_existing=True)
    if refusal := _refusal(session, decision):
        return Reverted(refusal)
    tally = take_back(session, [decision_id], now)[decision_id]
    reopened = bool(close_decisions(session, [decision_id], staff_id, now))
    record_many(session, [entry(decision_id, case_id, tally, actor, reopened=reopened, bulk_id=None)], now)
    return Reverted(None, tally, reopened)


def _refusal(session: Session, decision: Decision) -> RevertRefusal | None:
    if decision.reverted_at is not None:
        return RevertRefusal.ALREADY
    later = select(Decision.id).where(Decision.case_id == decision.case_id, Decision.id > decision.id).limit(1)
    if session.scalar(later) is not None:
        return RevertRefusal.SUPERSEDED
    applied = select(Unverification.id).where(
        Unverification.decision_id == decision.id, Unverification.state.in_([State.APPLIED.value, State.SENT.value])
    )
    most = current(session).type_above
    return RevertRefusal.NEEDS_BULK if len(session.scalars(applied.limit(most + 1)).all()) > most else None


def take_back(
    session: Session,
    decision_ids: Collection[int],
    now: datetime,
    *,
    chosen: ColumnElement[bool] | None = None,
) -> Mapping[int, Tally]:
    """Withdraw or queue the opposite of what the decisions did to their addresses.

    `chosen`: a condition on an un-verification, where not all of them are meant. Set-based; returns a tally a
    decision. The cases are the caller's to lock before.
    """
    statement = _taken_back(decision_ids, now)
    if chosen is not None:
        statement = statement.where(chosen)
    session.flush()
    at_once = _in_one_statement if on_postgresql(session) else _in_two_statements
    counts: dict[int, dict[str, int]] = {ident: {} for ident in decision_ids}
    for decision_id, state, count in at_once(session, statement, now):
        counts[decision_id][_BECAME[state]] = count
    return {ident: Tally(**found) for ident, found in counts.items()}


def _in_one_statement(session: Session, statement: Update, now: datetime) -> Iterable[tuple[int, str, int]]:
    """Run `_taken_back` and put the opposites beside what it changed; returns how many became what, by decision.

    What was changed is neither looked up again nor carried out of the database and back.
    """
    undone = statement.returning(*_MADE, Address.verified_at, Address.state_token).cte("undone")
    columns = _opposite(session, undone.c, undone.c, now)
    waiting = select(*columns.values()).where(undone.c.state == State.REVERT_QUEUED.value).order_by(undone.c.id)
    queued = insert(Unverification).from_select(list(columns), waiting).cte("queued")
    of_each = undone.c.decision_id, undone.c.state
    counted = select(*of_each, func.count()).group_by(*of_each).add_cte(queued)
    return [(row[0], row[1], row[2]) for row in rows_of(session, counted)]


def _in_two_statements(session: Session, statement: Update, now: datetime) -> Iterable[tuple[int, str, int]]:
    """The same for SQLite, which takes no change of rows for a table of another statement."""
    made = statement.returning(Unverification.id, Unverification.decision_id, Unverification.state)
    reverting: list[int] = []
    counts: Counter[tuple[int, str]] = Counter()
    for ident, decision_id, state in rows_of(session, made):
        counts[decision_id, state] += 1
        if state == State.REVERT_QUEUED:
            reverting.append(ident)
    _queue_opposites(session, reverting, now)
    return [(decision_id, state, count) for (decision_id, state), count in counts.items()]


_BECAME = {
    State.WITHDRAWN.value: "withdrawn",
    State.REVERT_QUEUED.value: "queued",
    State.SENT.value: "asked",
    State.APPLIED.value: "touched",
}
"""Which number of a `Tally` an un-verification counts in, by its state after `_taken_back`."""


def _taken_back(decision_ids: Collection[int], now: datetime) -> Update:
    """Change all un-verifications of the decisions at once, each by the state it is in."""
    state, unserved = Unverification.state, Unverification.state.in_(UNSERVED)
    undone = and_(state == State.APPLIED.value, _untouched())
    return (
        update(Unverification)
        .where(
            Unverification.address_id == Address.id,
            among(Unverification.decision_id, decision_ids),
            Unverification.kind == "unverify",
            state.in_([*UNSERVED, State.SENT.value, State.APPLIED.value]),
        )
        .values(
            state=case((unserved, State.WITHDRAWN.value), (undone, State.REVERT_QUEUED.value), else_=state),
            settled_at=case((unserved, now), else_=Unverification.settled_at),
            settled_why=case((unserved, TAKEN_BACK), else_=Unverification.settled_why),
            revert_asked_at=case((state == State.SENT.value, now), else_=Unverification.revert_asked_at),
        )
    )


def made_by(decision_ids: Collection[int], *columns: Any) -> Select[*tuple[Any, ...]]:
    """Select columns of what the decisions did to addresses, each joined with its address as it is now."""
    return (
        select(*columns)
        .select_from(Unverification)
        .join(Address, Address.id == Unverification.address_id)
        .where(among(Unverification.decision_id, decision_ids), Unverification.kind == "unverify")
    )


def can_be_taken_back() -> ColumnElement[bool]:
    """Condition on an un-verification joined with its address: there is something of it to take back."""
    waits = Unverification.state.in_([*UNSERVED, State.SENT.value])
    return or_(waits, and_(Unverification.state == State.APPLIED.value, _untouched()))


def _untouched() -> ColumnElement[bool]:
    """`not touched(...)`, as a condition on an un-verification joined with its address."""
    judged = Unverification.judged["verified_at"].as_string()
    same_time = or_(Address.verified_at.is_(None), rfc3339_text(Address.verified_at) == judged)
    return and_(same_time, Address.verified == (Unverification.effect == "block_reset"))


def touched(judged: Mapping[str, Any], address: Any, effect: str) -> bool:
    """Whether a user changed an address since it was un-verified in the state `judged`.

    Its token says nothing: the source's own change may have altered that. A blocked reset left the address as it was.
    """
    same_time = address.verified_at is None or rfc3339(address.verified_at) == judged["verified_at"]
    return not same_time or address.verified != (effect == "block_reset")


def queue_reverts(session: Session, ids: Collection[int], now: datetime) -> None:
    """Take back what these un-verifications did to their addresses."""
    if ids:
        session.execute(
            update(Unverification)
            .where(among(Unverification.id, ids))
            .values(state=State.REVERT_QUEUED.value)
            .execution_options(synchronize_session=False)
        )
        _queue_opposites(session, ids, now)


def _queue_opposites(session: Session, ids: Collection[int], now: datetime) -> None:
    """Put one outbox row of kind `revert` beside each of these un-verifications, with its address's state."""
    if not ids:
        return
    columns = _opposite(session, Unverification, Address, now)
    source = (
        select(*columns.values())
        .select_from(Unverification)
        .join(Address, Address.id == Unverification.address_id)
        .where(among(Unverification.id, ids))
        .order_by(Unverification.id)
    )
    session.execute(insert(Unverification).from_select(list(columns), source))


def _opposite(session: Session, made: Any, address: Any, now: datetime) -> dict[str, ColumnElement[Any]]:
    """Return the columns of the outbox row that takes back what was `made`; both are tables or have their columns."""
    return {
        "public_id": random_id(session),
        "decision_id": made.decision_id,
        "address_id": made.address_id,
        "source_id": made.source_id,
        "kind": literal("revert"),
        "effect": made.effect,
        "state": literal(State.QUEUED.value),
        "judged": judged_in_sql(made.effect == "block_reset", address.verified_at, address.state_token),
        "reason": made.reason,
        "decided_at": literal(now, Unverification.decided_at.type),
        "reverts_id": made.id,
    }


def restore(session: Session, ids: Collection[int | None]) -> None:
    """Let un-verifications whose reverting came to nothing count as applied again."""
    mine = Unverification.id.in_([ident for ident in ids if ident is not None])
    waiting = Unverification.state == State.REVERT_QUEUED.value
    if ids:
        session.execute(update(Unverification).where(mine, waiting).values(state=State.APPLIED.value))


def settle_reverts(session: Session, results: Mapping[int, State]) -> None:
    """Settle un-verifications (by id) by what their source did with their reverting: undone, or still applied."""
    done = [ident for ident, result in results.items() if result in {State.APPLIED, State.ALREADY}]
    if done:
        session.execute(update(Unverification).where(Unverification.id.in_(done)).values(state=State.REVERTED.value))
    restore(session, results.keys() - set(done))


def close_decisions(session: Session, decision_ids: Collection[int], staff_id: int, now: datetime) -> set[int]:
    """Mark the decisions as taken back and open those of their cases that are still decided; return these."""
    taken_back = (
        update(Decision).where(among(Decision.id, decision_ids)).values(reverted_at=now, reverted_by=staff_id)
    )
    cases = _returned(session, taken_back.returning(Decision.case_id))
    opened = {
        "state": CaseState.OPEN.value,
        "opened_at": now,
        "updated_at": now,
        "opened_why": TAKEN_BACK,
        "decided_facts": None,
        "term_at": None,
        "version": Case.version + 1,
    }
    decided = among(Case.id, cases), Case.state == CaseState.DECIDED
    ids = _returned(session, update(Case).where(*decided).values(opened).returning(Case.id))
    if ids:
        opening = select(Case.id, literal(now, Case.opened_at.type), literal(TAKEN_BACK))
        source = opening.where(among(Case.id, ids)).order_by(Case.id)
        session.execute(insert(CaseOpening).from_select(["case_id", "opened_at", "why"], source))
        session.expire_all()
    return ids


def _returned(session: Session, statement: ReturningUpdate[int]) -> set[int]:
    return set(session.scalars(statement.execution_options(synchronize_session=False)))


def entry(
    decision_id: int, case_id: int, tally: Tally, actor: Actor, *, reopened: bool, bulk_id: int | None
) -> NewEntry:
    """Return the audit entry of one decision taken back."""
    data = {
        "decision_id": decision_id,
        "withdrawn": tally.withdrawn,
        "queued": tally.queued,
        "asked": tally.asked,
        "touched": tally.touched,
        "reopened": reopened,
        "bulk_id": bulk_id,
    }
    return NewEntry(Event.DECISION_REVERTED, actor, "case", str(case_id), data)

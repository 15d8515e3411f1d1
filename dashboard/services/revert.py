"""Take decisions back: what was not served yet is withdrawn, what was applied verified again, the case opened again.

Only what the decision did itself is undone, and only where the user has not touched the address since: one that is
verified again stays as its user left it. What a source was given but has not answered yet is taken back as soon as it
has (`revert_asked_at`). The chain of states is `applied -> revert_queued -> reverted` (DESIGN 5).
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.models import Address, Case, CaseOpening, CaseState, Decision, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.judged import judged_state
from dashboard.services.policy import current
from dashboard.times import rfc3339

UNSERVED = {State.QUEUED.value, State.RECHECKING.value}
CHUNK = 5000
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
    session: Session, decision_ids: Collection[int], now: datetime, address_ids: Collection[int] | None = None
) -> Mapping[int, Tally]:
    """Withdraw or queue the opposite of what the decisions did to their addresses (to `address_ids` alone, if given).

    Set-based; returns a tally a decision. The cases are the caller's to lock before.
    """
    wanted = None if address_ids is None else set(address_ids)
    rows = [row for row in made_by(session, decision_ids) if wanted is None or row.address_id in wanted]
    sorted_rows: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        sorted_rows[what_to_do(row)].append(row)
    _withdraw(session, sorted_rows["withdrawn"], now)
    queue_reverts(session, sorted_rows["queued"], now)
    _ask(session, sorted_rows["asked"], now)
    counts: dict[int, dict[str, int]] = {ident: {} for ident in decision_ids}
    for what in ("withdrawn", "queued", "asked", "touched"):
        for row in sorted_rows[what]:
            counts[row.decision_id][what] = counts[row.decision_id].get(what, 0) + 1
    return {ident: Tally(**found) for ident, found in counts.items()}


def made_by(session: Session, decision_ids: Collection[int]) -> Sequence[Row[Any]]:
    """Lock and return what the decisions did to addresses, each with its address as it is now."""
    query = (
        select(
            Unverification.id,
            Unverification.decision_id,
            Unverification.address_id,
            Unverification.source_id,
            Unverification.effect,
            Unverification.state,
            Unverification.judged,
            Unverification.reason,
            Unverification.reverts_id,
            Address.verified,
            Address.verified_at,
            Address.state_token,
        )
        .join(Address, Address.id == Unverification.address_id)
        .where(Unverification.decision_id.in_(decision_ids), Unverification.kind == "unverify")
        .order_by(Unverification.id)
        .with_for_update(of=Unverification)
    )
    return session.execute(query).all()


def what_to_do(row: Row[Any]) -> str:
    """Return which number of a `Tally` an un-verification belongs to, or `nothing`: it changed nothing."""
    if row.state in UNSERVED:
        return "withdrawn"
    if row.state == State.SENT:
        return "asked"
    if row.state != State.APPLIED:
        return "nothing"
    return "touched" if touched(row.judged, row, row.effect) else "queued"


def touched(judged: Mapping[str, Any], address: Any, effect: str) -> bool:
    """Whether a user changed an address since it was un-verified in the state `judged`.

    Its token says nothing: the source's own change may have altered that. A blocked reset left the address as it was.
    """
    same_time = address.verified_at is None or rfc3339(address.verified_at) == judged["verified_at"]
    return not same_time or address.verified != (effect == "block_reset")


def _withdraw(session: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    _change(session, rows, state=State.WITHDRAWN.value, settled_at=now, settled_why=TAKEN_BACK)


def _ask(session: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    _change(session, rows, revert_asked_at=now)


def _change(session: Session, rows: Sequence[Any], **values: Any) -> None:
    """Set the same values in each of `rows`, some thousands a statement."""
    for start in range(0, len(rows), CHUNK):
        mine = Unverification.id.in_([row.id for row in rows[start : start + CHUNK]])
        session.execute(
            update(Unverification).where(mine).values(values).execution_options(synchronize_session=False)
        )


def queue_reverts(session: Session, rows: Sequence[Any], now: datetime) -> None:
    """Put one outbox row of kind `revert` beside each un-verification in `rows` (with its address's state)."""
    if not rows:
        return
    _change(session, rows, state=State.REVERT_QUEUED.value)
    session.execute(
        insert(Unverification.__table__),  # type: ignore[arg-type]  # by table: twice as fast as by class
        [
            {
                "public_id": secrets.token_hex(12),
                "decision_id": row.decision_id,
                "address_id": row.address_id,
                "source_id": row.source_id,
                "kind": "revert",
                "effect": row.effect,
                "state": State.QUEUED.value,
                "judged": judged_state(row) | {"verified": row.effect == "block_reset"},
                "reason": row.reason,
                "decided_at": now,
                "reverts_id": row.id,
            }
            for row in rows
        ],
    )


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
    session.execute(
        update(Decision).where(Decision.id.in_(decision_ids)).values(reverted_at=now, reverted_by=staff_id)
    )
    decided = select(Decision.case_id).where(Decision.id.in_(decision_ids))
    ids = session.scalars(
        select(Case.id)
        .where(Case.id.in_(decided), Case.state == CaseState.DECIDED)
        .order_by(Case.id)
        .with_for_update()
    ).all()
    if ids:
        session.execute(
            update(Case)
            .where(Case.id.in_(ids))
            .values(
                state=CaseState.OPEN.value,
                opened_at=now,
                updated_at=now,
                opened_why=TAKEN_BACK,
                decided_facts=None,
                term_at=None,
                version=Case.version + 1,
            )
            .execution_options(synchronize_session=False)
        )
        session.execute(
            insert(CaseOpening), [{"case_id": ident, "opened_at": now, "why": TAKEN_BACK} for ident in ids]
        )
        session.expire_all()
    return set(ids)


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

"""Decisions on a case, with the evidence they froze and what became of their un-verifications."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.hosts import mask
from dashboard.models import (
    Account,
    Address,
    Case,
    CaseOpening,
    Decision,
    Domain,
    Source,
    Staff,
    Unverification,
    UnverificationState,
)
from dashboard.models.case import decided_by

MAX_EFFECTS = 200
_SERVED = (UnverificationState.SENT, UnverificationState.APPLIED)
_UNSERVED = (UnverificationState.QUEUED, UnverificationState.RECHECKING)


@dataclass(frozen=True, slots=True)
class ShownEffect:
    """One un-verification; the address is masked."""

    public_id: str
    username: str
    source: str
    masked: str
    effect: str
    state: str
    seq: int | None
    sent_at: datetime | None
    settled_at: datetime | None
    settled_why: str | None


@dataclass(frozen=True, slots=True)
class ShownDecision:
    """One decision; `states` counts its un-verifications by state, `effects` are the first `MAX_EFFECTS`.

    `effect` is what they ask of the source; None where the decision has none. `until`: when it runs out.
    `reverted_at` and `reverted_by`: when it was taken back, and by whom.
    """

    id: int
    kind: str
    reason_code: str
    note: str
    by: str
    decided_at: datetime
    frozen: dict[str, Any]
    effect: str | None
    states: dict[str, int]
    effects: Sequence[ShownEffect]
    until: datetime | None = None
    reverted_at: datetime | None = None
    reverted_by: str | None = None


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """A decision that somebody wants to take back, with its un-verifications by state."""

    decision_id: int
    case_id: int
    domain: str
    kind: str
    by: str
    decided_at: datetime
    states: dict[str, int]

    @property
    def served(self) -> int:
        """How many its source has been given, so that they need its word to be undone."""
        return sum(self.states.get(state.value, 0) for state in _SERVED)

    @property
    def unserved(self) -> int:
        """How many nobody outside has seen yet."""
        return sum(self.states.get(state.value, 0) for state in _UNSERVED)


@dataclass(frozen=True, slots=True)
class ShownOpening:
    """A time the case was opened, and how that ended."""

    opened_at: datetime
    why: str
    closed_at: datetime | None
    closed_how: str | None


def case_decisions(session: Session, case_id: int) -> list[ShownDecision]:
    """Return the decisions on a case, the newest first."""
    reverter = aliased(Staff)
    rows = session.execute(
        select(
            Decision.id,
            Decision.kind,
            Decision.reason_code,
            Decision.note,
            Staff.email,
            Decision.policy_version,
            Decision.decided_at,
            Decision.frozen,
            Decision.until,
            Decision.reverted_at,
            reverter.email.label("reverted_by"),
        )
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .outerjoin(reverter, reverter.id == Decision.reverted_by)
        .where(Decision.case_id == case_id)
        .order_by(Decision.id.desc())
    ).all()
    ids = [row.id for row in rows]
    if not ids:
        return []
    states, effects, asked = _states(session, ids), _effects(session, ids), _asked(session, ids)
    return [
        ShownDecision(
            id=row.id,
            kind=row.kind,
            reason_code=row.reason_code,
            note=row.note,
            by=decided_by(row.email, row.policy_version),
            decided_at=row.decided_at,
            frozen=row.frozen,
            effect=asked.get(row.id),
            states=states[row.id],
            effects=effects[row.id],
            until=row.until,
            reverted_at=row.reverted_at,
            reverted_by=row.reverted_by,
        )
        for row in rows
    ]


def undo_preview(session: Session, decision_id: int) -> UndoPreview | None:
    """Say what taking a decision back would meet; None when there is no such decision."""
    row = session.execute(
        select(
            Decision.case_id,
            Domain.name,
            Decision.kind,
            Decision.decided_at,
            Staff.email,
            Decision.policy_version,
        )
        .join(Case, Case.id == Decision.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .where(Decision.id == decision_id)
    ).one_or_none()
    if row is None:
        return None
    states = _states(session, [decision_id])[decision_id]
    by = decided_by(row.email, row.policy_version)
    return UndoPreview(decision_id, row.case_id, row.name, row.kind, by, row.decided_at, states)


def case_openings(session: Session, case_id: int) -> list[ShownOpening]:
    """Return when and why the case was opened, the newest first."""
    rows = session.execute(
        select(CaseOpening.opened_at, CaseOpening.why, CaseOpening.closed_at, CaseOpening.closed_how)
        .where(CaseOpening.case_id == case_id)
        .order_by(CaseOpening.id.desc())
    )
    return [ShownOpening(*row) for row in rows]


def _states(session: Session, decision_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = session.execute(
        select(Unverification.decision_id, Unverification.state, func.count())
        .where(Unverification.decision_id.in_(decision_ids))
        .group_by(Unverification.decision_id, Unverification.state)
        .order_by(Unverification.state)
    )
    for decision_id, state, count in rows:
        found[decision_id][state] = count
    return found


def _asked(session: Session, decision_ids: Sequence[int]) -> dict[int, str]:
    """All un-verifications of a decision ask the same of their sources."""
    rows = session.execute(
        select(Unverification.decision_id, func.min(Unverification.effect))
        .where(Unverification.decision_id.in_(decision_ids), Unverification.kind == "unverify")
        .group_by(Unverification.decision_id)
    )
    return {row[0]: row[1] for row in rows}


def _effects(session: Session, decision_ids: Sequence[int]) -> dict[int, list[ShownEffect]]:
    found: dict[int, list[ShownEffect]] = defaultdict(list)
    rows = session.execute(
        select(Unverification, Account.username, Source.name, Address.local_part, Address.host)
        .join(Address, Address.id == Unverification.address_id)
        .join(Account, Account.id == Address.account_id)
        .join(Source, Source.id == Unverification.source_id)
        .where(Unverification.decision_id.in_(decision_ids))
        .order_by(Unverification.id)
        .limit(MAX_EFFECTS)
    )
    for item, username, source, local_part, host in rows:
        found[item.decision_id].append(
            ShownEffect(
                public_id=item.public_id,
                username=username,
                source=source,
                masked=mask(local_part, host),
                effect=item.effect,
                state=item.state,
                seq=item.seq,
                sent_at=item.sent_at,
                settled_at=item.settled_at,
                settled_why=item.settled_why,
            )
        )
    return found

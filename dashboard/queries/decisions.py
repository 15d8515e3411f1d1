"""A decision that somebody wants to take back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import Case, Decision, Domain, Staff, UnverificationState
from dashboard.models.case import decided_by
from dashboard.queries.deliveries import decision_states

_SERVED = (UnverificationState.SENT, UnverificationState.APPLIED)
_UNSERVED = (UnverificationState.QUEUED, UnverificationState.RECHECKING)


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
    states = decision_states(session, decision_id)
    by = decided_by(row.email, row.policy_version)
    return UndoPreview(decision_id, row.case_id, row.name, row.kind, by, row.decided_at, states)

"""The openings of a case: what each keeps of its facts, by which the policy's dry run judges, and its end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Recommendation
from dashboard.models import Case, CaseOpening


def new_opening(case: Case, why: str, now: datetime) -> CaseOpening:
    """Return the row of an opening, with what was known of the domain when it came."""
    return CaseOpening(
        case_id=case.id,
        opened_at=now,
        why=why,
        phase=case.phase,
        confidence=case.confidence,
        holder_change=case.holder_change,
    )


def note_recommended(session: Session, case: Case, now: datetime) -> None:
    """Note on the case's latest opening when to un-verify was first recommended."""
    if case.recommendation != Recommendation.UNVERIFY:
        return
    latest = select(func.max(CaseOpening.id)).where(CaseOpening.case_id == case.id).scalar_subquery()
    session.execute(
        update(CaseOpening)
        .where(CaseOpening.id == latest, CaseOpening.recommended_at.is_(None))
        .values(recommended_at=now)
    )


def close_opening(session: Session, case_id: int, how: str, now: datetime) -> int:
    """Mark the case's latest opening closed and return its id."""
    latest = session.scalar(select(func.max(CaseOpening.id)).where(CaseOpening.case_id == case_id))
    session.execute(update(CaseOpening).where(CaseOpening.id == latest).values(closed_at=now, closed_how=how))
    return latest or 0

"""Skip cases for oneself: they are out of one person's queue while phase and holder stay as they are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Case, CaseSkip, Staff

MOST = 500
"""Cases of one request, at most: more than a page holds."""


def skip(
    session: Session, case_ids: Collection[int], actor: Actor, staff_id: int, now: datetime, *, back: bool = False
) -> int:
    """Skip cases for one person, or take that back; return how many of them there are."""
    ids = sorted(set(case_ids))[:MOST]
    session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update())  # a double click stands in line
    session.execute(delete(CaseSkip).where(CaseSkip.staff_id == staff_id, CaseSkip.case_id.in_(ids)))
    found = session.execute(select(Case.id, Case.phase, Case.holder_change).where(Case.id.in_(ids))).all()
    if found and not back:
        values = [
            {
                "staff_id": staff_id,
                "case_id": row.id,
                "phase": row.phase,
                "holder_change": row.holder_change,
                "at": now,
            }
            for row in found
        ]
        session.execute(insert(CaseSkip), values)
    record(
        session,
        Event.CASES_SKIPPED,
        actor=actor,
        object_type="staff",
        object_id=str(staff_id),
        data={"cases": [row.id for row in found], "back": back},
        now=now,
    )
    return len(found)

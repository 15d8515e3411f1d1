"""The end of a time aside, whatever brings it about; and who set a case aside or brought it back last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from dashboard.models import Case, SetAside, Staff


def end_aside(
    session: Session, case_ids: Sequence[int], how: str, now: datetime, staff_id: int | None = None
) -> None:
    """Note how the time aside of cases ended: `date`, `facts`, `lifted`, `taken_up`, `closed`."""
    running = SetAside.case_id.in_(case_ids), SetAside.ended_at.is_(None)
    session.execute(update(SetAside).where(*running).values(ended_at=now, ended_how=how, ended_by=staff_id))


@dataclass(frozen=True, slots=True)
class AsideChange:
    """Who set a case aside, or brought it back (`kind` "brought_back"); `by` is None when its day had come."""

    by: str | None
    at: datetime
    kind: str


def last_aside(session: Session, case: Case) -> AsideChange | None:
    """Return how a case was set aside or brought back, when that was the last that happened to it."""
    ender = aliased(Staff)
    row = session.execute(
        select(SetAside.kind, SetAside.at, SetAside.ended_at, Staff.email, ender.email)
        .join(Staff, Staff.id == SetAside.staff_id)
        .outerjoin(ender, ender.id == SetAside.ended_by)
        .where(SetAside.case_id == case.id)
        .order_by(SetAside.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    kind, at, ended_at, by, ended_by = row
    if ended_at is None:
        return AsideChange(by, at, kind)
    return AsideChange(ended_by, ended_at, "brought_back") if ended_at == case.updated_at else None

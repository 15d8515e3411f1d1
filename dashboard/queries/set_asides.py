"""When a case was set aside, by whom, and how that ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from dashboard.models import SetAside, Staff


@dataclass(frozen=True, slots=True)
class ShownSetAside:
    """One time aside; `by` and `ended_by` are sign-in names, for the screen only."""

    kind: str
    by: str
    at: datetime
    until: datetime | None
    note: str
    ended_at: datetime | None
    ended_how: str | None
    ended_by: str | None


def set_asides(session: Session, case_id: int) -> Sequence[ShownSetAside]:
    """Return every time a case was set aside, the newest first."""
    ender = aliased(Staff)
    rows = session.execute(
        select(
            SetAside.kind,
            Staff.email,
            SetAside.at,
            SetAside.until,
            SetAside.note,
            SetAside.ended_at,
            SetAside.ended_how,
            ender.email,
        )
        .join(Staff, Staff.id == SetAside.staff_id)
        .outerjoin(ender, ender.id == SetAside.ended_by)
        .where(SetAside.case_id == case_id)
        .order_by(SetAside.id.desc())
    )
    return [ShownSetAside(*row) for row in rows]

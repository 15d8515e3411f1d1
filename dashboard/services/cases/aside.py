"""The end of a time aside, whatever brings it about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from dashboard.models import SetAside


def end_aside(
    session: Session, case_ids: Sequence[int], how: str, now: datetime, staff_id: int | None = None
) -> None:
    """Note how the time aside of cases ended: `date`, `facts`, `lifted`, `taken_up`, `closed`."""
    running = SetAside.case_id.in_(case_ids), SetAside.ended_at.is_(None)
    session.execute(update(SetAside).where(*running).values(ended_at=now, ended_how=how, ended_by=staff_id))

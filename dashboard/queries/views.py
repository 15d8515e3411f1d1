"""The saved views that somebody may open."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from dashboard.models import SavedView


def views_for(session: Session, staff_id: int) -> Sequence[SavedView]:
    """Return somebody's own views and the shared ones, by name, with their authors."""
    query = select(SavedView).options(joinedload(SavedView.staff))
    mine = or_(SavedView.staff_id == staff_id, SavedView.shared)
    return session.scalars(query.where(mine).order_by(SavedView.name, SavedView.id)).all()

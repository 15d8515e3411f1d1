"""Brakes as the screens show them: those that are on, and the last ones that were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from dashboard.models import PENDING, Brake, Case, Staff

LAST = 20


@dataclass(frozen=True, slots=True)
class BrakeRow:
    """One brake, how many open cases it holds, and who took it off."""

    id: int
    scope: str
    provider: str
    tld: str
    mode: str
    lapsed: int
    checked: int
    limit_per_mille: int
    opened_at: datetime
    released_at: datetime | None
    released_how: str | None
    released_by: str | None
    held: int

    @property
    def limit(self) -> int:
        """How many new lapses were still believed."""
        return self.limit_per_mille // 1000


def brakes(session: Session, *, on: bool) -> list[BrakeRow]:
    """Return the brakes that are on, or the last `LAST` that were taken off; the newest first."""
    held = and_(Case.brake_id == Brake.id, Case.state.in_(PENDING))
    query = (
        select(
            Brake.id,
            Brake.scope,
            Brake.provider,
            Brake.tld,
            Brake.mode,
            Brake.lapsed,
            Brake.checked,
            Brake.limit_per_mille,
            Brake.opened_at,
            Brake.released_at,
            Brake.released_how,
            Staff.email.label("released_by"),
            select(func.count(Case.id)).where(held).scalar_subquery().label("held"),
        )
        .outerjoin(Staff, Staff.id == Brake.released_by)
        .where(Brake.released_at.is_(None) if on else Brake.released_at.is_not(None))
        .order_by(Brake.id.desc())
    )
    return [BrakeRow(**row._asdict()) for row in session.execute(query if on else query.limit(LAST))]

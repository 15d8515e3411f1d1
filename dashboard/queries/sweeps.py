"""How the daily DNS sweep does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.sweep import WINDOW
from dashboard.models import Sweep, SweepBatch

LATE = timedelta(hours=1)
"""A turn that is missed by so much shows: workers are too few, or the rate is too low."""


@dataclass(frozen=True, slots=True)
class SweepState:
    """The sweep of the last 24 hours: answers, failures, and full checks that changed answers made due.

    `doubted`: changed answers of batches in which more had changed than can be believed, out of `doubted_of` answers;
    `doubted_at`: the last such batch. `domains`: how many are swept; `failing`: whose last try failed; `late`: whose
    turn passed a while ago.
    """

    answered: int
    failed: int
    triggered: int
    doubted: int
    doubted_of: int
    doubted_at: datetime | None
    domains: int
    failing: int
    late: int


def sweep_state(session: Session, now: datetime) -> SweepState:
    """Return how the sweep did in the 24 hours before `now`, and who waits."""
    held = SweepBatch.held
    recent = session.execute(
        select(
            func.sum(SweepBatch.answered).label("answered"),
            func.sum(SweepBatch.failed).label("failed"),
            func.sum(SweepBatch.triggered).label("triggered"),
            func.sum(case((held, SweepBatch.changed), else_=0)).label("doubted"),
            func.sum(case((held, SweepBatch.answered), else_=0)).label("doubted_of"),
            func.max(case((held, SweepBatch.swept_at))).label("doubted_at"),
        ).where(SweepBatch.swept_at > now - WINDOW, SweepBatch.swept_at <= now)
    ).one()
    waiting = session.execute(
        select(
            func.count().label("domains"),
            func.sum(case((Sweep.failures > 0, 1), else_=0)).label("failing"),
            func.sum(case((Sweep.next_at < now - LATE, 1), else_=0)).label("late"),
        ).select_from(Sweep)
    ).one()
    return SweepState(
        answered=int(recent.answered or 0),
        failed=int(recent.failed or 0),
        triggered=int(recent.triggered or 0),
        doubted=int(recent.doubted or 0),
        doubted_of=int(recent.doubted_of or 0),
        doubted_at=recent.doubted_at,
        domains=waiting.domains,
        failing=int(waiting.failing or 0),
        late=int(waiting.late or 0),
    )


def last_doubt(session: Session, now: datetime) -> SweepBatch | None:
    """Return the last batch within 24 hours in which more had changed than can be believed."""
    return session.scalar(
        select(SweepBatch)
        .where(SweepBatch.swept_at > now - WINDOW, SweepBatch.held)
        .order_by(SweepBatch.swept_at.desc(), SweepBatch.id.desc())
        .limit(1)
    )

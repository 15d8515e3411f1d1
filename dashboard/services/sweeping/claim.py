"""Claim domains for the DNS sweep, a batch a job: leases, as for full checks (see `services.checking.claim`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dashboard.models import Domain, Sweep, SweepBatch


@dataclass(frozen=True, slots=True)
class Turn:
    """A claimed domain whose turn it is."""

    domain_id: int
    name: str


def sweeps_in_flight(session: Session, wall_now: datetime) -> int:
    """Count the batches whose lease still runs."""
    running = select(func.count(func.distinct(Sweep.batch_id))).where(
        Sweep.batch_id.is_not(None), Sweep.leased_until >= wall_now
    )
    return session.scalar(running) or 0


def claim_turns(session: Session, *, now: datetime, wall_now: datetime, size: int, lease: timedelta) -> int | None:
    """Claim up to `size` domains whose turn has come and return the batch's id, or None when there are none."""
    due = (
        select(Sweep.domain_id)
        .where(Sweep.next_at <= now, or_(Sweep.batch_id.is_(None), Sweep.leased_until < wall_now))
        .order_by(Sweep.next_at, Sweep.domain_id)
        .limit(size)
        .with_for_update(skip_locked=True)
    )
    ids = list(session.scalars(due))
    if not ids:
        return None
    batch = SweepBatch(claimed_at=wall_now, size=len(ids))
    session.add(batch)
    session.flush()
    claimed = update(Sweep).where(Sweep.domain_id.in_(ids))
    session.execute(claimed.values(batch_id=batch.id, leased_until=wall_now + lease))
    return batch.id


def open_turns(session: Session, batch_id: int, *, wall_now: datetime, lease: timedelta) -> list[Turn]:
    """Renew the lease of what the batch still holds and return it: empty when it was swept, or taken over."""
    held = session.execute(
        select(Sweep.domain_id, Domain.name)
        .join(Domain, Domain.id == Sweep.domain_id)
        .where(Sweep.batch_id == batch_id)
        .order_by(Sweep.domain_id)
        .with_for_update(of=Sweep)
    ).all()
    session.execute(update(Sweep).where(Sweep.batch_id == batch_id).values(leased_until=wall_now + lease))
    return [Turn(*row) for row in held]


def let_go(session: Session, batch_id: int) -> None:
    """Let go of what the batch did not come to: it is claimed again."""
    session.execute(update(Sweep).where(Sweep.batch_id == batch_id).values(batch_id=None, leased_until=None))

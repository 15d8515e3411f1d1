"""Claim due domains in the database, a batch a job.

The claim is a lease (wall clock): a worker that dies lets it run out and the next sweep finds the same rows, so
Redis may lose any job. Due times and leases are different clocks on purpose (DESIGN 1). Rows are locked so that an
import may refer to them meanwhile (`key_share`): else the two would wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Confidence
from dashboard.lifecycle.current import CURRENT_FOR
from dashboard.lifecycle.evidence import Outcome, Phase, Provider
from dashboard.models import CheckBatch, Domain, EvidenceRecord

PAID = frozenset({Provider.FASTLY, Provider.DOMAINR})
"""Status APIs: each look-up counts against a quota, or costs."""


@dataclass(frozen=True, slots=True)
class DueDomain:
    """A claimed domain: its row, its name, and the due time the check is for.

    `closely`: what is known of it is not plain health, so that every provider has to say anew what it says. `urgent`:
    where a server's day is nearly spent, the rest is for it. `answered`: where the check only completes the last one,
    the paid providers that have spoken already.
    """

    id: int
    name: str
    due_at: datetime
    closely: bool = False
    urgent: bool = False
    answered: frozenset[Provider] = frozenset()


def batches_in_flight(session: Session, wall_now: datetime) -> int:
    """Count the batches whose lease still runs: the sweep claims no more than the workers can take in time."""
    found = session.scalar(
        select(func.count(func.distinct(Domain.batch_id))).where(
            Domain.batch_id.is_not(None), Domain.leased_until >= wall_now
        )
    )
    return found or 0


def claim_batch(session: Session, *, now: datetime, wall_now: datetime, size: int, lease: timedelta) -> int | None:
    """Claim up to `size` due domains and return the batch's id, or None when nothing is due.

    The urgent ones come first, whatever an import brought; a quarter of a batch is for those due the longest. Two
    sweeps at once never claim the same row (`FOR UPDATE SKIP LOCKED`; on SQLite writers stand in line).
    """
    ids = _due(session, now, wall_now, size - size // 4, Domain.urgent.expression)
    ids += _due(session, now, wall_now, size - len(ids), Domain.id.not_in(ids))
    if not ids:
        return None
    batch = CheckBatch(created_at=wall_now, size=len(ids))
    session.add(batch)
    session.flush()
    session.execute(update(Domain).where(Domain.id.in_(ids)).values(batch_id=batch.id, leased_until=wall_now + lease))
    return batch.id


def _due(
    session: Session, now: datetime, wall_now: datetime, size: int, *conditions: ColumnElement[bool]
) -> list[int]:
    """Lock due domains that no batch holds, those due the longest first."""
    free = or_(Domain.batch_id.is_(None), Domain.leased_until < wall_now)
    due = (
        select(Domain.id)
        .where(Domain.next_check_at <= now, free, *conditions)
        .order_by(Domain.next_check_at, Domain.id)
        .limit(size)
        .with_for_update(skip_locked=True, key_share=True)
    )
    return list(session.scalars(due))


def open_batch(session: Session, batch_id: int, *, wall_now: datetime, lease: timedelta) -> list[DueDomain]:
    """Renew the lease of what the batch still holds and return it: empty when another took over."""
    held = session.execute(
        select(
            Domain.id,
            Domain.name,
            Domain.next_check_at,
            Domain.urgent,
            _closely().label("closely"),
            (Domain.completion_due_at == Domain.next_check_at).label("completes"),
        )
        .where(Domain.batch_id == batch_id)
        .order_by(Domain.id)
        .with_for_update(key_share=True)
    ).all()
    renew_lease(session, batch_id, wall_now=wall_now, lease=lease)
    answered = _answered(session, [row.id for row in held if row.completes])
    return [
        DueDomain(
            row.id, row.name, row.next_check_at, bool(row.closely), row.urgent, frozenset(answered.get(row.id, ()))
        )
        for row in held
    ]


def _answered(session: Session, ids: Sequence[int]) -> dict[int, set[Provider]]:
    """Return the paid providers that have spoken of each domain since its last complete check, not too long ago."""
    if not ids:
        return {}
    seen_at, said = EvidenceRecord.last_seen_at, EvidenceRecord.normalised["outcome"].as_string()
    rows = session.execute(
        select(EvidenceRecord.domain_id, EvidenceRecord.provider, seen_at, Domain.next_check_at)
        .join(Domain, Domain.id == EvidenceRecord.domain_id)
        .where(
            EvidenceRecord.domain_id.in_(ids),
            EvidenceRecord.provider.in_([provider.value for provider in PAID]),
            said != Outcome.ERROR.value,
            or_(Domain.completed_at.is_(None), seen_at > Domain.completed_at),
        )
    )
    found: dict[int, set[Provider]] = {}
    for row in rows:
        if row.last_seen_at > row.next_check_at - CURRENT_FOR:
            found.setdefault(row.domain_id, set()).add(Provider(row.provider))
    return found


def _closely() -> ColumnElement[bool]:
    """An old word of a provider that is not asked again would stand against the new ones of the others."""
    is_healthy = and_(Domain.phase == Phase.ACTIVE.value, Domain.confidence != Confidence.CONFLICTING.value)
    return and_(Domain.last_checked_at.is_not(None), not_(is_healthy))


def renew_lease(session: Session, batch_id: int, *, wall_now: datetime, lease: timedelta) -> None:
    """Keep what the batch holds for another `lease`; while three quarters of it are left, no row is written."""
    session.execute(
        update(Domain)
        .where(Domain.batch_id == batch_id, Domain.leased_until < wall_now + lease * 3 / 4)
        .values(leased_until=wall_now + lease)
    )


def finish_batch(session: Session, batch_id: int, *, wall_now: datetime) -> None:
    """Mark the batch done and let go of what it did not come to: the next sweep claims it again."""
    session.execute(update(Domain).where(Domain.batch_id == batch_id).values(batch_id=None, leased_until=None))
    session.execute(update(CheckBatch).where(CheckBatch.id == batch_id).values(finished_at=wall_now))

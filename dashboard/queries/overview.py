"""What needs somebody now: overdue checks, stuck deliveries, failing look-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.models import Domain, ProviderCount, Source, Unverification, UnverificationState
from dashboard.queries.paging import Count, capped_count

PROMISE = timedelta(days=30)
"""No check may be older (DESIGN 3)."""
STUCK_AFTER = timedelta(hours=24)
"""A delivery that was not acknowledged for so long is shown."""
LOOKUP_DAYS = 7
ASKED = "-"
"""The `error` under which all look-ups of a provider are counted."""


@dataclass(frozen=True, slots=True)
class StuckDeliveries:
    """Un-verifications of one source that were not acknowledged in time."""

    source: str
    state: str
    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Lookups:
    """One provider's look-ups of the last days: how many were asked, how many failed, and how."""

    provider: str
    asked: int
    failed: int
    errors: Sequence[tuple[str, int]]


def overdue_count(session: Session, now: datetime) -> Count:
    """Count the domains whose last check is older than promised, and those never checked for as long."""
    # A domain is due 30 days after its check at the latest, so whatever is overdue is among those due.
    last = func.coalesce(Domain.last_checked_at, Domain.created_at)
    return capped_count(session, select(Domain.id).where(Domain.next_check_at <= now, last < now - PROMISE))


def stuck_deliveries(session: Session, now: datetime) -> list[StuckDeliveries]:
    """Count what the sources have not acknowledged within `STUCK_AFTER`, by source and state."""
    waiting = (UnverificationState.QUEUED, UnverificationState.SENT)
    oldest = func.min(Unverification.decided_at)
    rows = session.execute(
        select(Source.name, Unverification.state, func.count(), oldest)
        .join(Source, Source.id == Unverification.source_id)
        .where(Unverification.state.in_(waiting), Unverification.decided_at < now - STUCK_AFTER)
        .group_by(Source.name, Unverification.state)
        .order_by(oldest)
    )
    return [StuckDeliveries(*row) for row in rows]


def lookups(session: Session, now: datetime) -> list[Lookups]:
    """Sum each provider's look-ups of the last `LOOKUP_DAYS` days, the most failing first."""
    since = (now - timedelta(days=LOOKUP_DAYS - 1)).strftime("%Y-%m-%d")
    rows = session.execute(
        select(ProviderCount.provider, ProviderCount.error, func.sum(ProviderCount.count))
        .where(ProviderCount.day >= since)
        .group_by(ProviderCount.provider, ProviderCount.error)
    ).all()
    found = [_lookups(name, [(e, int(n)) for p, e, n in rows if p == name]) for name in sorted({r[0] for r in rows})]
    return sorted(found, key=lambda item: -item.failed)


def _lookups(provider: str, counts: Sequence[tuple[str, int]]) -> Lookups:
    """Part the number of questions from the kinds of failure."""
    errors = sorted(((error, count) for error, count in counts if error != ASKED), key=lambda pair: -pair[1])
    asked = sum(count for error, count in counts if error == ASKED)
    return Lookups(provider, asked, sum(count for _, count in errors), errors)

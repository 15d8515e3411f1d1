"""What needs somebody now: stuck deliveries and failing look-ups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import ErrorKind
from dashboard.models import (
    CaseOpening,
    Decision,
    DecisionKind,
    Notice,
    ProviderCount,
    Source,
    Unverification,
    UnverificationState,
)

_APPLIED = (UnverificationState.APPLIED, UnverificationState.REVERT_QUEUED, UnverificationState.REVERTED)
_WAITING = (UnverificationState.QUEUED, UnverificationState.RECHECKING, UnverificationState.SENT)
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


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """What happened in a month over all sources, as far as the desk itself is concerned."""

    flagged: int
    approved: int
    overridden: int
    unverified: int


def month_figures(session: Session, start: datetime, end: datetime) -> MonthFigures:
    """Count what happened from `start` to `end` (excluded)."""
    kinds = select(Decision.kind, func.count()).where(Decision.decided_at >= start, Decision.decided_at < end)
    decided = {row.kind: row[1] for row in session.execute(kinds.group_by(Decision.kind))}
    flagged = select(func.count(CaseOpening.id)).where(CaseOpening.opened_at >= start, CaseOpening.opened_at < end)
    applied = select(func.count(Unverification.id)).where(
        Unverification.state.in_(_APPLIED),
        Unverification.kind == "unverify",
        Unverification.effect == "unverify",
        Unverification.settled_at >= start,
        Unverification.settled_at < end,
    )
    return MonthFigures(
        flagged=session.scalar(flagged) or 0,
        approved=decided.get(DecisionKind.APPROVE, 0),
        overridden=decided.get(DecisionKind.OVERRIDE, 0),
        unverified=session.scalar(applied) or 0,
    )


def stuck_deliveries(session: Session, now: datetime) -> list[StuckDeliveries]:
    """Count what the sources have not acknowledged within `STUCK_AFTER`, notices too, by source and state."""
    item, waiting = Unverification, [state.value for state in _WAITING]
    effects = select(item.source_id, item.state, item.decided_at.label("at")).where(item.state.in_(waiting))
    notices = select(Notice.source_id, Notice.state, Notice.raised_at).where(Notice.state.in_(waiting))
    both = union_all(effects, notices).subquery()
    oldest = func.min(both.c.at)
    rows = session.execute(
        select(Source.name, both.c.state, func.count(), oldest)
        .join(Source, Source.id == both.c.source_id)
        .where(both.c.at < now - STUCK_AFTER)
        .group_by(Source.name, both.c.state)
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
    # What our own pace held back is shown, but did not fail.
    failed = sum(count for error, count in errors if error != ErrorKind.NOT_ASKED)
    return Lookups(provider, asked, failed, errors)

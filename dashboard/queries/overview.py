"""What needs somebody now: stuck deliveries and failing look-ups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, func, select, union_all
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import ErrorKind
from dashboard.models import (
    CaseOpening,
    Decision,
    DecisionKind,
    Domain,
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
    slug: str
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


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What is done of what a new desk needs."""

    has_source: bool


def first_steps(session: Session) -> FirstSteps | None:
    """Tell how far the setting up is; None as soon as there is a domain to watch."""
    has_domain, has_source = session.execute(select(select(Domain.id).exists(), select(Source.id).exists())).one()
    return None if has_domain else FirstSteps(bool(has_source))


def month_figures(session: Session, spans: Sequence[tuple[datetime, datetime]]) -> list[MonthFigures]:
    """Count what happened in each of `spans` (from a time to another, excluded), in one statement."""
    found = session.execute(select(*(count for span in spans for count in _counts(*span)))).one()
    size = len(found) // len(spans)
    return [MonthFigures(*found[start : start + size]) for start in range(0, len(found), size)]


def _counts(start: datetime, end: datetime) -> Iterator[ScalarSelect[int]]:
    """One count for each field of `MonthFigures`."""
    opened = CaseOpening.opened_at >= start, CaseOpening.opened_at < end
    decided = Decision.decided_at >= start, Decision.decided_at < end
    settled = Unverification.settled_at >= start, Unverification.settled_at < end
    effect = Unverification.kind == "unverify", Unverification.effect == "unverify"
    applied = Unverification.state.in_(_APPLIED)
    yield select(func.count(CaseOpening.id)).where(*opened).scalar_subquery()
    for kind in (DecisionKind.APPROVE, DecisionKind.OVERRIDE):
        yield select(func.count(Decision.id)).where(*decided, Decision.kind == kind).scalar_subquery()
    yield select(func.count(Unverification.id)).where(*settled, *effect, applied).scalar_subquery()


def stuck_deliveries(session: Session, now: datetime) -> list[StuckDeliveries]:
    """Count what the sources have not acknowledged within `STUCK_AFTER`, notices too, by source and state."""
    item, waiting = Unverification, [state.value for state in _WAITING]
    effects = select(item.source_id, item.state, item.decided_at.label("at")).where(item.state.in_(waiting))
    notices = select(Notice.source_id, Notice.state, Notice.raised_at).where(Notice.state.in_(waiting))
    both = union_all(effects, notices).subquery()
    oldest = func.min(both.c.at)
    rows = session.execute(
        select(Source.name, Source.slug, both.c.state, func.count(), oldest)
        .join(Source, Source.id == both.c.source_id)
        .where(both.c.at < now - STUCK_AFTER)
        .group_by(Source.name, Source.slug, both.c.state)
        .order_by(oldest, Source.slug, both.c.state)
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
    failures = ((error, count) for error, count in counts if error != ASKED)
    errors = sorted(failures, key=lambda pair: (-pair[1], pair[0]))
    asked = sum(count for error, count in counts if error == ASKED)
    # What our own pace held back is shown, but did not fail.
    failed = sum(count for error, count in errors if error != ErrorKind.NOT_ASKED)
    return Lookups(provider, asked, failed, errors)

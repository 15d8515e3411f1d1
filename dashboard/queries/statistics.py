"""The monthly figures of each source: of a frozen month as they were kept, of any other as they are counted now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.models import CaseOpening, Check, Decision, MonthFigures, Source, Unverification
from dashboard.queries.month_counts import Span, count_month, month_start, span_of

__all__ = [
    "COLUMNS",
    "BesideRow",
    "Month",
    "MonthRow",
    "Span",
    "figures_of",
    "month_rows",
    "months",
    "recent_months",
    "span_of",
    "to_be_frozen",
    "to_rows",
]


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One source's figures of one month (`YYYY-MM`); the median is None where nothing was decided."""

    month: str
    source: str
    domains_checked: int
    flagged: int
    approved: int
    overridden: int
    addresses_unverified: int
    stale: int
    rejected: int
    reverted: int
    median_hours_to_decision: float | None


@dataclass(frozen=True, slots=True)
class BesideRow:
    """What a source answered `applied` to in a month that un-verified nobody, counted by address."""

    month: str
    source: str
    resets_refused: int
    early_warnings: int
    takeovers_reported: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month on the screen; `frozen_at` None: its figures may still change. `beside` leaves out who has none."""

    name: str
    frozen_at: datetime | None
    rows: Sequence[MonthRow]
    beside: Sequence[BesideRow]


Counting = Callable[[Session, Span], Sequence[MonthFigures]]
COLUMNS = tuple(field.name for field in fields(MonthRow))
_COUNTS = COLUMNS[2:]
_BESIDE = tuple(field.name for field in fields(BesideRow))[2:]


def months(session: Session) -> list[str]:
    """Return the months from the first check or case to the last, the latest first."""
    columns = (Check.checked_at, CaseOpening.opened_at, Decision.decided_at, Unverification.settled_at)
    # each by itself within the statement, so that it is a look into its index
    edges = (select(edge(column)).scalar_subquery() for column in columns for edge in (func.min, func.max))
    times = session.execute(select(*(edge.label(f"edge_{place}") for place, edge in enumerate(edges)))).one()
    known = [time for time in times if time is not None]
    return _between(min(known), max(known))[::-1] if known else []


def _between(first: datetime, last: datetime) -> list[str]:
    found, month = [], month_start(first)
    while month <= last:
        found.append(f"{month:%Y-%m}")
        month = month_start(month + timedelta(days=32))
    return found


def figures_of(session: Session, month: str) -> list[MonthFigures]:
    """Return each source's figures of `month`; `ValueError` when `month` is not like `2026-11`.

    Those of a frozen month have their `frozen_at`, others are counted now.
    """
    span = span_of(month)
    frozen = session.scalars(select(MonthFigures).where(MonthFigures.month == month)).all()
    return list(frozen) or count_month(session, span)


def to_rows(session: Session, figures: Sequence[MonthFigures]) -> list[MonthRow]:
    """Return the figures as rows, by slug."""
    slugs = _slugs(session)
    rows = [
        MonthRow(each.month, slugs[each.source_id], **{name: getattr(each, name) for name in _COUNTS})
        for each in figures
    ]
    return sorted(rows, key=lambda row: row.source)


def month_rows(session: Session, month: str) -> list[MonthRow]:
    """Return each source's figures of `month`, by slug; `ValueError` when `month` is not like `2026-11`."""
    return to_rows(session, figures_of(session, month))


def recent_months(session: Session, count: int = 24, counting: Counting = count_month) -> list[Month]:
    """Return the latest `count` months, as far as there is anything in them or before, the latest first.

    `counting` counts those that are not frozen.
    """
    latest = months(session)[:count]
    kept: dict[str, list[MonthFigures]] = {name: [] for name in latest}
    for each in session.scalars(select(MonthFigures).where(MonthFigures.month.in_(latest))):
        kept[each.month].append(each)
    return [_month(session, name, kept[name] or counting(session, span_of(name))) for name in latest]


def _month(session: Session, name: str, figures: Sequence[MonthFigures]) -> Month:
    slugs = _slugs(session)
    beside = [
        BesideRow(name, slugs[each.source_id], **counts)
        for each in sorted(figures, key=lambda each: slugs[each.source_id])
        if any((counts := {column: getattr(each, column) for column in _BESIDE}).values())
    ]
    return Month(name, figures[0].frozen_at if figures else None, to_rows(session, figures), beside)


def _slugs(session: Session) -> dict[int, str]:
    return {row.id: row.slug for row in session.execute(select(Source.id, Source.slug))}


def to_be_frozen(session: Session, before: datetime) -> list[str]:
    """Return the months that ended at or before `before` and are not frozen yet, the earliest first."""
    frozen = set(session.scalars(select(MonthFigures.month).distinct()))
    ended = [month for month in months(session) if span_of(month).end <= before]
    return sorted(set(ended) - frozen)

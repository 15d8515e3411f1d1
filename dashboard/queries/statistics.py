"""The monthly figures of each source, by the domain clock, months in UTC.

A check, a case or a decision belongs to every source that has an address at the domain. `flagged` counts each time a
case was opened; `addresses_unverified`, `stale`, `rejected` and `reverted` count by the month of the source's answer,
and only the effect `unverify`: refused password resets and notices are counted beside (`beside_rows`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Select, and_, distinct, func, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dashboard.models import (
    Address,
    Case,
    CaseOpening,
    Check,
    Decision,
    DecisionKind,
    Notice,
    NoticeKind,
    Source,
    Unverification,
    UnverificationState,
)

HOUR = timedelta(hours=1)
_MONTH = re.compile(r"(?:1\d|2\d)\d\d-(?:0[1-9]|1[0-2])", re.ASCII)

Key = tuple[str, int]
"""Month and source id."""
Counts = Mapping[Key, int]


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


COLUMNS = tuple(field.name for field in fields(MonthRow))


@dataclass(frozen=True, slots=True)
class Span:
    """From the start of the first month to the end of the last."""

    start: datetime
    end: datetime

    def has(self, time: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """Return the condition that `time` lies within."""
        return and_(time >= self.start, time < self.end)

    @property
    def months(self) -> list[str]:
        """The months within, the earliest first."""
        found, month = [], self.start
        while month < self.end:
            found.append(f"{month:%Y-%m}")
            month = _next(month)
        return found


def span_of(month: str) -> Span:
    """Return the span of a month; `ValueError` when `month` is not like `2026-11`."""
    if not _MONTH.fullmatch(month):
        raise ValueError("the month must be like 2026-11")
    start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
    return Span(start, _next(start))


def months(session: Session) -> list[str]:
    """Return the months from the first check or case to the last, the latest first."""
    columns = (Check.checked_at, CaseOpening.opened_at, Decision.decided_at, Unverification.settled_at)
    # one after the other, so that each is a look into its index
    times = [session.scalar(select(edge(column))) for column in columns for edge in (func.min, func.max)]
    known = [time for time in times if time is not None]
    if not known:
        return []
    return Span(_month_start(min(known)), max(known) + timedelta(microseconds=1)).months[::-1]


def month_rows(session: Session, month: str) -> list[MonthRow]:
    """Return each source's figures of `month`, by slug; `ValueError` when `month` is not like `2026-11`."""
    return span_rows(session, span_of(month))


def recent_rows(session: Session, count: int = 24) -> list[MonthRow]:
    """Return the figures of the latest `count` months with anything in them, the latest first."""
    latest = months(session)[:count]
    if not latest:
        return []
    rows = span_rows(session, Span(span_of(latest[-1]).start, span_of(latest[0]).end))
    return sorted(rows, key=lambda row: row.month, reverse=True)


def span_rows(session: Session, span: Span) -> list[MonthRow]:
    """Return every source's figures of every month of `span`, a row also where all are zero."""
    month = _MonthOf(session.get_bind().dialect)
    counted = {
        "domains_checked": _count(session, _checked(span, month)),
        "flagged": _count(session, _flagged(span, month)),
        "approved": _count(session, _decided(span, month, DecisionKind.APPROVE)),
        "overridden": _count(session, _decided(span, month, DecisionKind.OVERRIDE)),
        "addresses_unverified": _count(session, _settled(span, month, UnverificationState.APPLIED)),
        "stale": _count(session, _settled(span, month, UnverificationState.STALE)),
        "rejected": _count(session, _settled(span, month, UnverificationState.REJECTED)),
        "reverted": _count(session, _settled(span, month, UnverificationState.APPLIED, kind="revert")),
    }
    medians = _medians(session, span)
    sources = session.execute(select(Source.id, Source.slug).order_by(Source.slug)).all()
    return [
        MonthRow(
            month=name,
            source=slug,
            median_hours_to_decision=medians.get((name, ident)),
            **{column: counts.get((name, ident), 0) for column, counts in counted.items()},
        )
        for name in span.months
        for ident, slug in sources
    ]


def beside_rows(session: Session, span: Span) -> list[BesideRow]:
    """Return every source's milder effects and notices of every month of `span`; months without any are left out."""
    month = _MonthOf(session.get_bind().dialect)
    counted = [
        _count(session, _settled(span, month, UnverificationState.APPLIED, effect="block_reset")),
        *(_count(session, _noticed(span, month, kind)) for kind in NoticeKind),
    ]
    slugs = {row.id: row.slug for row in session.execute(select(Source.id, Source.slug))}
    keys = sorted({key for counts in counted for key in counts}, key=lambda key: (key[0], slugs[key[1]]))
    return [
        BesideRow(name, slugs[ident], *(counts.get((name, ident), 0) for counts in counted)) for name, ident in keys
    ]


class _MonthOf:
    """Makes the month of a time column in SQL, each database in its own words."""

    def __init__(self, dialect: Dialect) -> None:
        self._postgresql = dialect.name == "postgresql"

    def __call__(self, time: InstrumentedAttribute[Any]) -> ColumnElement[str]:
        if not self._postgresql:
            return func.strftime("%Y-%m", time)
        # Constants, not parameters: PostgreSQL must see that what is selected is what is grouped by.
        return func.to_char(func.timezone(literal_column("'UTC'"), time), literal_column("'YYYY-MM'"))


_watching = select(Address.source_id, Address.domain_id).distinct().subquery("watching")
"""Which source has addresses at which domain."""

_Counting = Select[str, int, int]


def _checked(span: Span, month: _MonthOf) -> _Counting:
    when = month(Check.checked_at)
    return (
        select(when, _watching.c.source_id, func.count(distinct(Check.domain_id)))
        .join(_watching, _watching.c.domain_id == Check.domain_id)
        .where(span.has(Check.checked_at), Check.failed.is_(False))
        .group_by(when, _watching.c.source_id)
    )


def _flagged(span: Span, month: _MonthOf) -> _Counting:
    when = month(CaseOpening.opened_at)
    return (
        select(when, _watching.c.source_id, func.count())
        .select_from(CaseOpening)
        .join(Case, Case.id == CaseOpening.case_id)
        .join(_watching, _watching.c.domain_id == Case.domain_id)
        .where(span.has(CaseOpening.opened_at))
        .group_by(when, _watching.c.source_id)
    )


def _decided(span: Span, month: _MonthOf, kind: DecisionKind) -> _Counting:
    when = month(Decision.decided_at)
    return (
        select(when, _watching.c.source_id, func.count())
        .select_from(Decision)
        .join(Case, Case.id == Decision.case_id)
        .join(_watching, _watching.c.domain_id == Case.domain_id)
        .where(span.has(Decision.decided_at), Decision.kind == kind.value)
        .group_by(when, _watching.c.source_id)
    )


def _settled(
    span: Span, month: _MonthOf, state: UnverificationState, *, kind: str = "unverify", effect: str = "unverify"
) -> _Counting:
    """Count effects that the source answered with `state`; a blocked reset is none of these."""
    when = month(Unverification.settled_at)
    return (
        select(when, Unverification.source_id, func.count())
        .where(span.has(Unverification.settled_at), _ended(state), Unverification.kind == kind)
        .where(Unverification.effect == effect)
        .group_by(when, Unverification.source_id)
    )


def _noticed(span: Span, month: _MonthOf, kind: NoticeKind) -> _Counting:
    when = month(Notice.settled_at)
    return (
        select(when, Notice.source_id, func.count())
        .where(span.has(Notice.settled_at), Notice.state == UnverificationState.APPLIED.value)
        .where(Notice.kind == kind.value)
        .group_by(when, Notice.source_id)
    )


def _ended(state: UnverificationState) -> ColumnElement[bool]:
    """Whether the source answered with `state`: what was taken back since had been applied, in its own month."""
    if state is not UnverificationState.APPLIED:
        return Unverification.state == state.value
    since = (UnverificationState.REVERT_QUEUED, UnverificationState.REVERTED)
    return Unverification.state.in_([state.value, *(each.value for each in since)])


def _count(session: Session, query: _Counting) -> Counts:
    return {(month, source_id): count for month, source_id, count in session.execute(query)}


def _medians(session: Session, span: Span) -> dict[Key, float]:
    """Return the median hours from a case's opening to its decision, to a tenth (SQLite has no median of its own)."""
    hours: dict[Key, list[float]] = defaultdict(list)
    rows = session.execute(
        select(Decision.decided_at, CaseOpening.opened_at, _watching.c.source_id)
        .join(CaseOpening, CaseOpening.id == Decision.opening_id)
        .join(Case, Case.id == Decision.case_id)
        .join(_watching, _watching.c.domain_id == Case.domain_id)
        .where(span.has(Decision.decided_at))
    )
    for decided, opened, source_id in rows:
        hours[f"{decided:%Y-%m}", source_id].append((decided - opened) / HOUR)
    return {key: round(median(found), 1) for key, found in hours.items()}


def _month_start(time: datetime) -> datetime:
    return time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next(month: datetime) -> datetime:
    return _month_start(month + timedelta(days=32))

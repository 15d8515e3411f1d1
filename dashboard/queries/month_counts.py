"""Counting a month: each source's figures from the rows themselves, by the domain clock, months in UTC.

A check, a case or a decision belongs to every source that has an address at the domain. `flagged` counts each time a
case was opened; `addresses_unverified`, `stale`, `rejected` and `reverted` count by the month of the source's answer,
and only the effect `unverify`: refused password resets and notices are counted beside.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, distinct, func, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from dashboard.models import (
    Address,
    Case,
    CaseOpening,
    Check,
    Decision,
    DecisionKind,
    MonthFigures,
    Notice,
    NoticeKind,
    Source,
    Unverification,
    UnverificationState,
)

HOUR = timedelta(hours=1)
_MONTH = re.compile(r"(?:1\d|2\d)\d\d-(?:0[1-9]|1[0-2])", re.ASCII)

_Counting = Select[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """A month, from its start to the start of the next."""

    start: datetime
    end: datetime

    def has(self, time: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """Return the condition that `time` lies within."""
        return and_(time >= self.start, time < self.end)

    @property
    def month(self) -> str:
        """The month as `YYYY-MM`."""
        return f"{self.start:%Y-%m}"


def span_of(month: str) -> Span:
    """Return the span of a month; `ValueError` when `month` is not like `2026-11`."""
    if not _MONTH.fullmatch(month):
        raise ValueError("the month must be like 2026-11")
    start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
    return Span(start, month_start(start + timedelta(days=32)))


def month_start(time: datetime) -> datetime:
    """Return the start of the month that `time` lies in."""
    return time.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def count_month(session: Session, span: Span) -> list[MonthFigures]:
    """Count a month for every source, a row also where all is zero. The rows are new, and in no session."""
    counted = {
        "domains_checked": _checked(span),
        "flagged": _flagged(span),
        "approved": _decided(span, DecisionKind.APPROVE),
        "overridden": _decided(span, DecisionKind.OVERRIDE),
        "addresses_unverified": _settled(span, UnverificationState.APPLIED),
        "stale": _settled(span, UnverificationState.STALE),
        "rejected": _settled(span, UnverificationState.REJECTED),
        "reverted": _settled(span, UnverificationState.APPLIED, kind="revert"),
        "resets_refused": _settled(span, UnverificationState.APPLIED, effect="block_reset"),
        "early_warnings": _noticed(span, NoticeKind.EARLY_WARNING),
        "takeovers_reported": _noticed(span, NoticeKind.TAKEOVER_SUSPECTED),
    }
    found: dict[str, dict[int, int]] = {column: {} for column in counted}
    each = (query.add_columns(literal(column).label("figure")) for column, query in counted.items())
    for source_id, count, column in session.execute(union_all(*each)):
        found[column][source_id] = count
    medians = _medians(session, span)
    return [
        MonthFigures(
            month=span.month,
            source_id=ident,
            median_hours_to_decision=medians.get(ident),
            **{column: counts.get(ident, 0) for column, counts in found.items()},
        )
        for ident in session.scalars(select(Source.id).order_by(Source.id))
    ]


# Most domains are checked in a month: both indexes hold all that is asked, and neither table is read.
def _checked(span: Span) -> _Counting:
    checked = select(Check.domain_id).where(span.has(Check.checked_at), Check.failed.is_(False))
    return (
        select(Address.source_id, func.count(distinct(Address.domain_id)))
        .where(Address.domain_id.in_(checked))
        .group_by(Address.source_id)
    )


# Cases are few: their addresses are looked up one by one, and each case is counted once.
def _flagged(span: Span) -> _Counting:
    return (
        select(Address.source_id, func.count(distinct(CaseOpening.id)))
        .join(Case, Case.domain_id == Address.domain_id)
        .join(CaseOpening, CaseOpening.case_id == Case.id)
        .where(span.has(CaseOpening.opened_at))
        .group_by(Address.source_id)
    )


def _decided(span: Span, kind: DecisionKind) -> _Counting:
    return (
        select(Address.source_id, func.count(distinct(Decision.id)))
        .join(Case, Case.domain_id == Address.domain_id)
        .join(Decision, Decision.case_id == Case.id)
        .where(span.has(Decision.decided_at), Decision.kind == kind.value)
        .group_by(Address.source_id)
    )


def _settled(
    span: Span, state: UnverificationState, *, kind: str = "unverify", effect: str = "unverify"
) -> _Counting:
    """Count effects that the source answered with `state`; a blocked reset is none of these."""
    return (
        select(Unverification.source_id, func.count())
        .where(span.has(Unverification.settled_at), _ended(state), Unverification.kind == kind)
        .where(Unverification.effect == effect)
        .group_by(Unverification.source_id)
    )


def _noticed(span: Span, kind: NoticeKind) -> _Counting:
    return (
        select(Notice.source_id, func.count())
        .where(span.has(Notice.settled_at), Notice.state == UnverificationState.APPLIED.value)
        .where(Notice.kind == kind.value)
        .group_by(Notice.source_id)
    )


def _ended(state: UnverificationState) -> ColumnElement[bool]:
    """Whether the source answered with `state`: what was taken back since had been applied, in its own month."""
    if state is not UnverificationState.APPLIED:
        return Unverification.state == state.value
    since = (UnverificationState.REVERT_QUEUED, UnverificationState.REVERTED)
    return Unverification.state.in_([state.value, *(each.value for each in since)])


def _medians(session: Session, span: Span) -> dict[int, float]:
    """Return the median hours from a case's opening to its decision, to a tenth (SQLite has no median of its own)."""
    hours: dict[int, list[float]] = defaultdict(list)
    rows = session.execute(
        select(Decision.id, Decision.decided_at, CaseOpening.opened_at, Address.source_id)
        .join(CaseOpening, CaseOpening.id == Decision.opening_id)
        .join(Case, Case.id == Decision.case_id)
        .join(Address, Address.domain_id == Case.domain_id)
        .where(span.has(Decision.decided_at))
        .distinct()
    )
    for _, decided, opened, source_id in rows:
        hours[source_id].append((decided - opened) / HOUR)
    return {source_id: round(median(found), 1) for source_id, found in hours.items()}

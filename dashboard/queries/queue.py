"""The queue of cases: filters, pages in order of risk, and the next case after a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select, tuple_
from sqlalchemy.orm import Session

from dashboard.models import Address, Case, CaseState, Domain, Source
from dashboard.queries.paging import Count, Page, capped_count, cut, int_pair

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """What the queue shows: each None means all. `drop_days`: predicted to drop within so many days."""

    state: str | None = CaseState.OPEN.value
    phase: str | None = None
    source_id: int | None = None
    holder_change: str | None = None
    drop_days: int | None = None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One case as a row of the queue."""

    id: int
    domain_id: int
    name: str
    state: str
    phase: str
    confidence: str
    recommendation: str
    holder_change: str
    risk: int
    addresses: int
    accounts: int
    only_address_accounts: int
    no_second_factor_accounts: int
    packages: int
    downloads_30d: int
    drop_at: datetime | None
    opened_at: datetime


_COLUMNS = (
    Case.id,
    Case.domain_id,
    Domain.name,
    Case.state,
    Case.phase,
    Case.confidence,
    Case.recommendation,
    Case.holder_change,
    Case.risk,
    Case.addresses,
    Case.accounts,
    Case.only_address_accounts,
    Case.no_second_factor_accounts,
    Case.packages,
    Case.downloads_30d,
    Case.drop_at,
    Case.opened_at,
)
_ORDER = (Case.risk.desc(), Case.id.desc())
_REVERSED = (Case.risk.asc(), Case.id.asc())


def queue_page(
    session: Session,
    filters: QueueFilters,
    now: datetime,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[QueueRow]:
    """Return the cases after (or before) a cursor `RISK.ID`, the riskiest first; a bad cursor is the first page."""
    start, end = int_pair(after), int_pair(before)
    query: Select[*tuple[Any, ...]] = (
        select(*_COLUMNS).join(Domain, Domain.id == Case.domain_id).where(*_conditions(filters, now))
    )
    if end is not None:
        query = query.where(tuple_(Case.risk, Case.id) > end).order_by(*_REVERSED)
    else:
        query = query.order_by(*_ORDER)
        query = query if start is None else query.where(tuple_(Case.risk, Case.id) < start)
    rows = [QueueRow(*row) for row in session.execute(query.limit(size + 1))]
    return cut(rows, size, _cursor, after=start is not None, before=end is not None)


def queue_count(session: Session, filters: QueueFilters, now: datetime) -> Count:
    """Count what the filters show, up to the cap."""
    return capped_count(session, select(Case.id).where(*_conditions(filters, now)))


def next_case(session: Session, after: tuple[int, int] | None) -> int | None:
    """Return the open case behind `(risk, id)` in the queue, else the riskiest one left; None in an empty queue."""
    query = select(Case.id).where(Case.state == CaseState.OPEN).order_by(*_ORDER).limit(1)
    if after is not None:
        found = session.scalar(query.where(tuple_(Case.risk, Case.id) < after))
        if found is not None:
            return found
    return session.scalar(query)


def phase_counts(session: Session) -> dict[str, int]:
    """Count the open cases by phase."""
    query = select(Case.phase, func.count()).where(Case.state == CaseState.OPEN).group_by(Case.phase)
    return {row.phase: row[1] for row in session.execute(query)}


def dropping_count(session: Session, now: datetime, days: int) -> Count:
    """Count the open cases whose domain is predicted to drop within `days`."""
    return queue_count(session, replace(QueueFilters(), drop_days=days), now)


def sources(session: Session) -> Sequence[Row[int, str, str]]:
    """Return `(id, slug, name)` of every source, by name."""
    return session.execute(select(Source.id, Source.slug, Source.name).order_by(Source.name)).all()


def _cursor(row: QueueRow) -> str:
    return f"{row.risk}.{row.id}"


def _conditions(filters: QueueFilters, now: datetime) -> list[ColumnElement[Any]]:
    """Turn the filters into conditions; `state = 'open'` is literally the partial index's condition."""
    conditions: list[ColumnElement[Any]] = []
    if filters.state is not None:
        conditions.append(Case.state == filters.state)
    if filters.phase is not None:
        conditions.append(Case.phase == filters.phase)
    if filters.holder_change is not None:
        conditions.append(Case.holder_change == filters.holder_change)
    if filters.drop_days is not None:
        conditions.append(Case.drop_at.between(now, now + timedelta(days=filters.drop_days)))
    if filters.source_id is not None:
        at_source = exists().where(Address.domain_id == Case.domain_id, Address.source_id == filters.source_id)
        conditions.append(at_source)
    return conditions

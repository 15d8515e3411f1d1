"""Pages of the queue by keyset: the same few statements and the same work on page 1 and on page 500."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from dashboard.models import Case, Domain
from dashboard.queries.paging import Page, cut, int_pair, whole
from dashboard.queries.queue.conditions import conditions
from dashboard.queries.queue.filters import QueueFilters, Viewer

PAGE_SIZE = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One case as a row of the queue."""

    id: int
    version: int
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
    wake_at: datetime | None
    brake_id: int | None


_COLUMNS = tuple(Domain.name if name == "name" else getattr(Case, name) for name in QueueRow.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the queue: by `column`, then by id the same way round; empty values come last."""

    column: InstrumentedAttribute[Any]
    descending: bool

    @property
    def key(self) -> str:
        """The row's attribute."""
        return self.column.key


ORDERS: Mapping[str, Order] = {
    "risk": Order(Case.risk, descending=True),
    "drop": Order(Case.drop_at, descending=False),
    "age": Order(Case.opened_at, descending=False),
    "addresses": Order(Case.addresses, descending=True),
}


def queue_page(
    session: Session,
    filters: QueueFilters,
    viewer: Viewer,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[QueueRow]:
    """Return the cases after (or before) a cursor, in the order of the filters; a bad cursor is the first page.

    A cursor is `VALUE.ID` of a row, or `none.ID` of one without a value (times in microseconds).
    """
    order = ORDERS[filters.sort]
    start, end = _Cursor.read(after), _Cursor.read(before)
    query = select(*_COLUMNS).join(Domain, Domain.id == Case.domain_id).where(*conditions(filters, viewer))
    rows = _fetch(session, query, order, end or start, size + 1, back=end is not None)
    return cut(rows, size, lambda row: _cursor(row, order), after=start is not None, before=end is not None)


def next_case(session: Session, filters: QueueFilters, viewer: Viewer, after: Case | None = None) -> int | None:
    """Return the case behind `after` in the order of the filters, else the first one left; None in an empty queue.

    What somebody else works on is passed over.
    """
    free = filters if filters.claimed else replace(filters, claimed="free")
    starts = [None] if after is None else [_cursor(after, ORDERS[filters.sort]), None]
    for start in starts:
        page = queue_page(session, free, viewer, after=start, size=1)
        if page.rows:
            return page.rows[0].id
    return None


def neighbour(
    session: Session, filters: QueueFilters, viewer: Viewer, case: Case, *, back: bool = False
) -> int | None:
    """Return the case behind `case` in the order of the filters, or with `back` the one before; None at the end.

    Whoever leafs through the queue sees what its rows show, also what others work on.
    """
    at = _cursor(case, ORDERS[filters.sort])
    cursor = {"before": at} if back else {"after": at}
    page = queue_page(session, filters, viewer, **cursor, size=1)
    return page.rows[0].id if page.rows else None


@dataclass(frozen=True, slots=True)
class _Cursor:
    value: int | None
    id: int

    @classmethod
    def read(cls, text: str | None) -> _Cursor | None:
        if text and text.startswith("none."):
            found = whole(text.removeprefix("none."))
            return None if found is None else cls(None, found)
        pair = int_pair(text)
        return None if pair is None else cls(*pair)


def _cursor(row: QueueRow | Case, order: Order) -> str:
    value = getattr(row, order.key)
    if isinstance(value, datetime):
        value = (value - _EPOCH) // _TICK
    return f"{'none' if value is None else value}.{row.id}"


def _fetch(
    session: Session, query: Select[*tuple[Any, ...]], order: Order, at: _Cursor | None, limit: int, *, back: bool
) -> list[QueueRow]:
    """Fetch up to `limit` rows behind `at` (walking back: before it), first of one section, then of the next.

    Rows with a value and rows without are two sections, each read from its own end of the index.
    """
    nullable = order.column.property.columns[0].nullable
    sections = [True, False] if nullable else [True]
    if back:
        sections.reverse()
    if at is not None:
        sections = sections[sections.index(at.value is not None) if nullable else 0 :]
    rows: list[QueueRow] = []
    for valued in sections:
        if len(rows) < limit:
            part = _section(query, order, at, valued=valued if nullable else None, back=back)
            rows += [QueueRow(*row) for row in session.execute(part.limit(limit - len(rows)))]
        at = None
    return rows


def _section(
    query: Select[*tuple[Any, ...]], order: Order, at: _Cursor | None, *, valued: bool | None, back: bool
) -> Select[*tuple[Any, ...]]:
    columns: list[ColumnElement[Any] | InstrumentedAttribute[Any]] = [order.column, Case.id]
    if valued is not None:
        query = query.where(order.column.is_not(None) if valued else order.column.is_(None))
    if valued is False:
        columns = [Case.id]
    falling = order.descending != back
    if at is not None:
        here = tuple_(*columns)
        there = (at.id,) if valued is False else (_value(at.value, order), at.id)
        query = query.where(here < there if falling else here > there)
    return query.order_by(*(column.desc() if falling else column.asc() for column in columns))


def _value(value: int | None, order: Order) -> Any:
    """Turn a cursor's number back into what the column holds; none of ours is beyond what that can."""
    if value is None or order.column.type.python_type is int:
        return None if value is None else min(value, _LARGEST)
    try:
        return _EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return _EPOCH

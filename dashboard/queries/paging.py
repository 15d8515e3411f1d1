"""Keyset pages and capped counts: both cost the same on page 1 and on page 500."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

T = TypeVar("T")
COUNT_CAP = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows, counted up to a cap: `str()` says `10,000+` beyond it."""

    value: int
    capped: bool = False

    def __str__(self) -> str:
        return f"{self.value:,}{'+' if self.capped else ''}"


def capped_count(session: Session, rows: Select[Any], cap: int = COUNT_CAP) -> Count:
    """Count `rows` up to `cap`; ordering and limits of the select should not be set."""
    found = session.scalar(select(func.count()).select_from(rows.limit(cap + 1).subquery())) or 0
    return Count(min(found, cap), found > cap)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows in order, with the cursors of the pages after and before; None where there is none."""

    rows: Sequence[T]
    next: str | None = None
    previous: str | None = None


def cut(rows: Sequence[T], size: int, cursor: Callable[[T], str], *, after: bool, before: bool) -> Page[T]:
    """Make a page of up to `size + 1` fetched rows.

    With `before`, the rows came in reverse order, walking back from a later page; `after` says that an earlier page
    exists because the reader came from there.
    """
    more = len(rows) > size
    kept = list(rows[:size])
    if before:
        kept.reverse()
    has_next, has_previous = (True, more) if before else (more, after)
    return Page(
        kept,
        next=cursor(kept[-1]) if kept and has_next else None,
        previous=cursor(kept[0]) if kept and has_previous else None,
    )


def int_pair(cursor: str | None) -> tuple[int, int] | None:
    """Read a cursor `A.B` of two whole numbers that fit the database; anything else is no cursor."""
    first, _, second = (cursor or "").partition(".")
    a, b = whole(first), whole(second)
    return None if a is None or b is None else (a, b)


def whole(text: str | None) -> int | None:
    """Read a whole number from 0 to 2**63 - 1; anything else is None."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    value = int(text)
    return value if value < 2**63 else None

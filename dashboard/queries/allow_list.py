"""The allow-list as its screen shows it: entries by age, the preset by name, and one entry with what it closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.mailboxes import LARGE_MAILBOX_PROVIDERS
from dashboard.models import AllowKind, AllowListEntry, Case, Domain, Staff
from dashboard.queries.paging import Page, cut, whole

PAGE_SIZE = 50
MOST_CASES = 50


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry as a row; `closed` counts the cases it closed that are still closed."""

    id: int
    kind: str
    value: str
    reason: str
    author: str | None
    created_at: datetime
    expires_at: datetime | None
    hits: int
    last_hit_at: datetime | None
    ended_at: datetime | None
    ended_how: str | None
    ended_reason: str | None
    ender: str | None
    settled: bool
    changed_at: datetime | None
    changer: str | None
    closed: int


@dataclass(frozen=True, slots=True)
class PresetRow:
    """One part of the shipped preset; `off` says since when it is switched off, and why."""

    value: str
    hits: int = 0
    last_hit_at: datetime | None = None
    off: datetime | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ClosedCase:
    """A case that an entry closed."""

    id: int
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EntryFilters:
    """What the list shows: `ended` entries in the place of those that hold, of one kind."""

    kind: str | None = None
    ended: bool = False


def entry_page(
    session: Session, filters: EntryFilters, *, after: str | None = None, before: str | None = None
) -> Page[EntryRow]:
    """Return entries of staff, the newest first, after (or before) the id of one."""
    start, end = whole(after), whole(before)
    query = _entries().where(AllowListEntry.kind != AllowKind.PRESET)
    ended = AllowListEntry.ended_at
    query = query.where(ended.is_not(None) if filters.ended else ended.is_(None))
    if filters.kind:
        query = query.where(AllowListEntry.kind == filters.kind)
    if end is not None:
        query = query.where(AllowListEntry.id > end).order_by(AllowListEntry.id)
    else:
        query = query.where(AllowListEntry.id < (2**63 - 1 if start is None else start))
        query = query.order_by(AllowListEntry.id.desc())
    rows = [_row(row) for row in session.execute(query.limit(PAGE_SIZE + 1))]
    return cut(rows, PAGE_SIZE, lambda row: str(row.id), after=start is not None, before=end is not None)


def entry(session: Session, entry_id: int) -> EntryRow | None:
    """Return one entry, None when there is none of this id."""
    found = session.execute(_entries().where(AllowListEntry.id == entry_id)).first()
    return None if found is None else _row(found)


def closed_cases(session: Session, entry_id: int) -> Sequence[ClosedCase]:
    """Return the cases that the entry closed and that are still closed, the newest first, up to `MOST_CASES`."""
    query = (
        select(Case.id, Domain.name, Case.updated_at)
        .join(Domain, Domain.id == Case.domain_id)
        .where(Case.allow_entry_id == entry_id)
        .order_by(Case.updated_at.desc(), Case.id)
        .limit(MOST_CASES)
    )
    return [ClosedCase(*row) for row in session.execute(query)]


def preset(session: Session) -> list[PresetRow]:
    """Return the whole preset by name, with hits and what is switched off."""
    rows = {row.value: row for row in session.execute(_preset_rows())}
    return [_preset_row(name, rows.get(name)) for name in sorted(LARGE_MAILBOX_PROVIDERS)]


def preset_part(session: Session, name: str) -> PresetRow | None:
    """Return one part of the preset, None when it has no such domain."""
    if name not in LARGE_MAILBOX_PROVIDERS:
        return None
    return _preset_row(name, session.execute(_preset_rows().where(AllowListEntry.value == name)).first())


def export_entries(session: Session) -> list[tuple[str, str, str, str]]:
    """Return kind, value, reason and day of expiry of every entry of staff that holds, by kind and value."""
    query = (
        select(AllowListEntry.kind, AllowListEntry.value, AllowListEntry.reason, AllowListEntry.expires_at)
        .where(AllowListEntry.kind != AllowKind.PRESET, AllowListEntry.ended_at.is_(None))
        .order_by(AllowListEntry.kind, AllowListEntry.value)
    )
    return [
        (row.kind, row.value, row.reason, f"{row.expires_at:%Y-%m-%d}" if row.expires_at else "")
        for row in session.execute(query)
    ]


def _entries() -> Select[*tuple[Any, ...]]:
    author, ender, changer = aliased(Staff), aliased(Staff), aliased(Staff)
    closed = select(func.count(Case.id)).where(Case.allow_entry_id == AllowListEntry.id).scalar_subquery()
    return (
        select(
            AllowListEntry,
            author.email.label("author"),
            ender.email.label("ender"),
            changer.email.label("changer"),
            closed.label("closed"),
        )
        .outerjoin(author, author.id == AllowListEntry.created_by)
        .outerjoin(ender, ender.id == AllowListEntry.ended_by)
        .outerjoin(changer, changer.id == AllowListEntry.changed_by)
    )


def _row(row: Row[*tuple[Any, ...]]) -> EntryRow:
    found: AllowListEntry = row.AllowListEntry
    return EntryRow(
        id=found.id,
        kind=found.kind,
        value=found.value,
        reason=found.reason,
        author=row.author,
        created_at=found.created_at,
        expires_at=found.expires_at,
        hits=found.hits,
        last_hit_at=found.last_hit_at,
        ended_at=found.ended_at,
        ended_how=found.ended_how,
        ended_reason=found.ended_reason,
        ender=row.ender,
        settled=found.settled_at is not None,
        changed_at=found.changed_at,
        changer=row.changer,
        closed=row.closed,
    )


def _preset_rows() -> Select[*tuple[Any, ...]]:
    found = AllowListEntry
    return select(found.value, found.hits, found.last_hit_at, found.ended_at, found.ended_reason).where(
        found.kind == AllowKind.PRESET
    )


def _preset_row(name: str, row: Row[*tuple[Any, ...]] | None) -> PresetRow:
    if row is None:
        return PresetRow(name)
    return PresetRow(name, row.hits, row.last_hit_at, row.ended_at, row.ended_reason)

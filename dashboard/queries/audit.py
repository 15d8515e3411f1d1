"""Reading the audit log: filters, keyset pages from the newest back, one entry with its hashed bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dashboard.models import AuditEntry, Staff
from dashboard.queries.paging import Page, cut, whole

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """What the log shows: each None means all; `since` is included, `until` is not."""

    actor: str | None = None
    event: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One entry as a row."""

    seq: int
    event: str
    actor: str
    object_type: str
    object_id: str
    occurred_at: datetime


def audit_page(
    session: Session,
    filters: AuditFilters,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[AuditRow]:
    """Return the entries after (older) or before (newer) a cursor `SEQ`, the newest first."""
    start, end = whole(after), whole(before)
    query = select(
        AuditEntry.seq,
        AuditEntry.event,
        AuditEntry.actor,
        AuditEntry.object_type,
        AuditEntry.object_id,
        AuditEntry.occurred_at,
    ).where(*_conditions(filters))
    if end is not None:
        query = query.where(AuditEntry.seq > end).order_by(AuditEntry.seq)
    else:
        query = query.order_by(AuditEntry.seq.desc())
        query = query if start is None else query.where(AuditEntry.seq < start)
    rows = [AuditRow(*row) for row in session.execute(query.limit(size + 1))]
    return cut(rows, size, lambda row: str(row.seq), after=start is not None, before=end is not None)


def audit_entry(session: Session, seq: int) -> AuditEntry | None:
    """Return one entry with its hashed bytes."""
    return session.get(AuditEntry, seq)


def staff_names(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """Return the sign-in names of those `actors` that are staff: `staff:3` -> `ana@desk.org`."""
    kinds = (actor.partition(":") for actor in set(actors))
    ids = [number for kind, _, ident in kinds if kind == "staff" and (number := whole(ident)) is not None]
    if not ids:
        return {}
    query = select(Staff.id, Staff.email).where(Staff.id.in_(ids))
    return {f"staff:{row.id}": row.email for row in session.execute(query)}


def staff_actor(session: Session, email: str) -> str | None:
    """Return the actor that a sign-in name stands for, or None when nobody has it."""
    ident = session.scalar(select(Staff.id).where(Staff.email == email.strip().lower()))
    return None if ident is None else f"staff:{ident}"


def _conditions(filters: AuditFilters) -> list[ColumnElement[Any]]:
    equal = {
        AuditEntry.actor: filters.actor,
        AuditEntry.event: filters.event,
        AuditEntry.object_type: filters.object_type,
        AuditEntry.object_id: filters.object_id,
    }
    conditions: list[ColumnElement[Any]] = [column == value for column, value in equal.items() if value]
    if filters.since is not None:
        conditions.append(AuditEntry.occurred_at >= filters.since)
    if filters.until is not None:
        conditions.append(AuditEntry.occurred_at < filters.until)
    return conditions

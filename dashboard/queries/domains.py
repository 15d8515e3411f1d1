"""Monitored domains: search by the start of the name, and one domain with its case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.hosts import reduce_host
from dashboard.models import Address, Case, Dependency, Domain
from dashboard.queries.paging import Count, Page, capped_count, cut

PAGE_SIZE = 50
PROMISE = timedelta(days=30)
"""No check may be older (DESIGN 3)."""
QUEUE = timedelta(hours=1)
"""What is due waits its turn for a while: only then is it overdue."""
# Sorts after every character a domain name may hold, and is itself none of them.
_BEYOND = "\x7f"


@dataclass(frozen=True, slots=True)
class DomainRow:
    """One monitored domain as a row."""

    id: int
    name: str
    phase: str
    confidence: str
    holder_change: str
    registered_at: datetime | None
    expires_at: datetime | None
    last_checked_at: datetime | None
    next_check_at: datetime
    failures: int
    case_id: int | None
    case_state: str | None


def search_text(text: str) -> str:
    """Turn what was typed into the start of an A-label name: `Bücher.example` -> `xn--bcher-kva.example`.

    An unfinished name stays as typed, lower-case; of a pasted address only the host is taken.
    """
    typed = text.strip().lower().rpartition("@")[2][:253]
    return typed if typed.isascii() else reduce_host(typed).host


@dataclass(frozen=True, slots=True)
class DomainFilters:
    """What the list shows: names that start with `prefix`; with `overdue_at`, checks overdue at that time only.

    `relies_on`: only those that rely on the domain of this name now.
    """

    prefix: str = ""
    overdue_at: datetime | None = None
    relies_on: str = ""


def domain_page(
    session: Session,
    filters: DomainFilters,
    *,
    after: str | None = None,
    before: str | None = None,
    size: int = PAGE_SIZE,
) -> Page[DomainRow]:
    """Return the domains that the filters let through, by name, after (or before) a name."""
    query = _rows().where(*_conditions(filters))
    if before:
        query = query.where(Domain.name < before).order_by(Domain.name.desc())
    else:
        query = query.where(Domain.name > (after or "")).order_by(Domain.name)
    rows = [DomainRow(*row) for row in session.execute(query.limit(size + 1))]
    return cut(rows, size, lambda row: row.name, after=bool(after), before=bool(before))


def domain_count(session: Session, filters: DomainFilters) -> Count:
    """Count the domains that the filters let through, up to the cap."""
    return capped_count(session, select(Domain.id).where(*_conditions(filters)))


def find_domain(session: Session, name: str) -> Domain | None:
    """Return a monitored domain by its A-label name."""
    return session.scalar(select(Domain).where(Domain.name == name)) if name.isprintable() else None


def case_of(session: Session, domain_id: int) -> Case | None:
    """Return the case of a domain, open or not."""
    return session.scalar(select(Case).where(Case.domain_id == domain_id))


def address_counts(session: Session, domain_id: int) -> tuple[int, int]:
    """Return how many verified addresses, of how many accounts, are at a domain."""
    query = select(func.count(), func.count(Address.account_id.distinct()))
    row = session.execute(query.where(Address.domain_id == domain_id, Address.verified)).one()
    return row[0], row[1]


def overdue(now: datetime) -> list[ColumnElement[bool]]:
    """Conditions of a domain whose last complete check is older than promised, or that had none for as long.

    A check that failed, or in which the registry's directory was held back, is none. The DNS sweep is none either.
    """
    last = func.coalesce(Domain.completed_at, Domain.created_at)
    # Whatever is overdue is due, or waits to be tried again: two indexes know these.
    waiting = or_(Domain.next_check_at <= now, Domain.failures > 0)
    return [waiting, last < now - PROMISE - QUEUE]


def _conditions(filters: DomainFilters) -> list[ColumnElement[bool]]:
    """Turn a prefix into a range, which the index on the name answers; LIKE would need one of its own."""
    prefix = filters.prefix
    conditions = [Domain.name >= prefix, Domain.name < prefix + _BEYOND] if prefix else []
    if filters.relies_on:
        conditions.append(_relies_on(filters.relies_on))
    return conditions + (overdue(filters.overdue_at) if filters.overdue_at else [])


def _relies_on(name: str) -> ColumnElement[bool]:
    other = aliased(Domain)
    named = select(other.id).where(other.name == name).scalar_subquery()
    return exists().where(
        Dependency.domain_id == Domain.id, Dependency.depends_on_id == named, Dependency.last_seen_at.is_(None)
    )


def _rows() -> Select[*tuple[Any, ...]]:
    return select(
        Domain.id,
        Domain.name,
        Domain.phase,
        Domain.confidence,
        Domain.holder_change,
        Domain.registered_at,
        Domain.expires_at,
        Domain.last_checked_at,
        Domain.next_check_at,
        Domain.failures,
        Case.id,
        Case.state,
    ).outerjoin(Case, Case.domain_id == Domain.id)

"""What a domain relies on for its mail and names, and who relies on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, Select, case, func, select
from sqlalchemy.orm import Session

from dashboard.models import Address, Case, Dependency, Domain
from dashboard.queries.paging import Count, capped_count

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Relied:
    """A domain that another relies on: what for (`mx`, `ns`), since when, and until when where it no longer does."""

    name: str
    kind: str
    phase: str
    holder_change: str
    first_seen_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Relying:
    """A domain that relies on another, with its verified addresses and its case."""

    name: str
    phase: str
    holder_change: str
    kinds: tuple[str, ...]
    addresses: int
    case_id: int | None
    case_state: str | None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Both directions; of who relies on a domain the first few by name, and how many there are."""

    relies_on: Sequence[Relied]
    relied_on_by: Sequence[Relying]
    relying: Count


def dependencies(session: Session, domain_id: int) -> Dependencies:
    """Return both directions of one domain."""
    users = dependents(domain_id)
    relying = capped_count(session, users)
    return Dependencies(
        _relies_on(session, domain_id), _relied_on_by(session, domain_id) if relying.value else (), relying
    )


def dependents(domain_id: int) -> Select[int]:
    """Select the ids of the domains that rely on one now."""
    used = (Dependency.depends_on_id == domain_id, Dependency.last_seen_at.is_(None))
    return select(Dependency.domain_id).where(*used).distinct()


def _relies_on(session: Session, domain_id: int) -> list[Relied]:
    """What it relies on now comes first, then what it did."""
    ended = case((Dependency.last_seen_at.is_(None), 0), else_=1)
    rows = session.execute(
        select(
            Domain.name,
            Dependency.kind,
            Domain.phase,
            Domain.holder_change,
            Dependency.first_seen_at,
            Dependency.last_seen_at,
        )
        .join(Domain, Domain.id == Dependency.depends_on_id)
        .where(Dependency.domain_id == domain_id)
        .order_by(ended, Dependency.last_seen_at.desc(), Dependency.kind, Domain.name)
        .limit(MAX_SHOWN)
    )
    return [Relied(*row) for row in rows]


def _relied_on_by(session: Session, domain_id: int) -> list[Relying]:
    rows = session.execute(
        select(
            Domain.name,
            Domain.phase,
            Domain.holder_change,
            func.min(Dependency.kind).label("first"),
            func.max(Dependency.kind).label("last"),
            _verified().label("addresses"),
            Case.id.label("case_id"),
            Case.state.label("case_state"),
        )
        .join(Domain, Domain.id == Dependency.domain_id)
        .outerjoin(Case, Case.domain_id == Domain.id)
        .where(Dependency.depends_on_id == domain_id, Dependency.last_seen_at.is_(None))
        .group_by(Domain.id, Domain.name, Domain.phase, Domain.holder_change, Case.id, Case.state)
        .order_by(Domain.name)
        .limit(MAX_SHOWN)
    )
    return [
        Relying(
            row.name,
            row.phase,
            row.holder_change,
            tuple(sorted({row.first, row.last})),
            row.addresses,
            row.case_id,
            row.case_state,
        )
        for row in rows
    ]


def _verified() -> ScalarSelect[int]:
    """Count the verified addresses of a row's domain."""
    of_domain = (Address.domain_id == Domain.id, Address.verified)
    return select(func.count()).select_from(Address).where(*of_domain).correlate(Domain).scalar_subquery()

"""What some domains rely on now, with what of it has lapsed; and how to ask who is relied on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import HolderChange, LapsedDependency, Reliance
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.reliance import concerns
from dashboard.models import Dependency, DependencyLapse, Domain
from dashboard.services.sql import among


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that a domain relies on; `lapse` is None while all is well with it, or where it does not concern."""

    id: int
    kind: Reliance
    name: str
    first_seen_at: datetime
    lapse: LapsedDependency | None


def load_relations(session: Session, domain_ids: Collection[int]) -> dict[int, list[Relation]]:
    """Return what each of `domain_ids` relies on now, in one statement; those that rely on nothing are left out."""
    lapse, other = DependencyLapse, Domain
    rows = session.execute(
        select(
            Dependency.id,
            Dependency.domain_id,
            Dependency.kind,
            Dependency.first_seen_at,
            other.name,
            lapse.phase,
            lapse.holder_change,
            lapse.since,
        )
        .join(other, other.id == Dependency.depends_on_id)
        .outerjoin(lapse, and_(lapse.domain_id == Dependency.depends_on_id, lapse.cleared_at.is_(None)))
        .where(among(Dependency.domain_id, domain_ids), Dependency.last_seen_at.is_(None))
        .order_by(Dependency.id)
    )
    found: dict[int, list[Relation]] = defaultdict(list)
    for row in rows:
        kind = Reliance(row.kind)
        known = row.phase is not None and _lapse(row.name, kind, row.phase, row.holder_change, row.since)
        lapsed = known if known and concerns(known, row.first_seen_at) else None
        found[row.domain_id].append(Relation(row.id, kind, row.name, row.first_seen_at, lapsed))
    return found


def _lapse(name: str, kind: Reliance, phase: str, holder_change: str, since: datetime) -> LapsedDependency:
    return LapsedDependency(name, (kind,), Phase(phase), HolderChange(holder_change), since)


def lapsed(relations: Iterable[Relation]) -> list[LapsedDependency]:
    """Return what has lapsed, once for each domain, whatever it is relied on for."""
    by_name: dict[str, list[LapsedDependency]] = defaultdict(list)
    for relation in relations:
        if relation.lapse is not None:
            by_name[relation.name].append(relation.lapse)
    return [_merged(each) for each in by_name.values()]


def _merged(same: list[LapsedDependency]) -> LapsedDependency:
    kinds = tuple(sorted({kind for each in same for kind in each.kinds}))
    first = same[0]
    return LapsedDependency(first.domain, kinds, first.phase, first.holder_change, first.since)


def relied_on() -> ColumnElement[bool]:
    """Whether another domain relies on the one of a query, now."""
    return exists().where(Dependency.depends_on_id == Domain.id, Dependency.last_seen_at.is_(None))

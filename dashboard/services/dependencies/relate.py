"""Note what domains rely on, as DNS names it; what is new there becomes a watched domain, due at once."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, and_, func, or_, select, update
from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.lifecycle.assessment import Reliance
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Outcome, Provider
from dashboard.lifecycle.reliance import CHANGED_HANDS, targets
from dashboard.models import Dependency, Domain
from dashboard.services.checking.facts import DomainFacts
from dashboard.services.checking.request import make_due
from dashboard.services.dependencies.load import load_relations, relied_on
from dashboard.services.sql import among

NEW_AT_MOST, WITHIN = 16, timedelta(days=30)
"""A domain that names new ones every day would have us check any number of them; what is above this waits."""

_log = logging.getLogger(__name__)

UNWELL = [phase.value for phase in LEAVING | LOST]
Target = tuple[Reliance, str]


@dataclass(frozen=True, slots=True)
class _Change:
    """What a domain relies on since its newest answer, and what no longer."""

    facts: DomainFacts
    added: frozenset[Target]
    ended: tuple[int, ...]


def relate(session: Session, checked: Iterable[DomainFacts], now: datetime) -> None:
    """Bring the relations of `checked` in line with their newest DNS answers, and their facts with the relations.

    Only domains with verified addresses rely on anything, so that what is relied on draws in no more. A check that
    finds what was known writes nothing.
    """
    changes = [change for facts in checked if (change := _change(facts)) is not None]
    if not changes:
        return
    for change in changes:
        _end(session, change, now)
    _add(session, _bounded(session, changes, now), now)
    relations = load_relations(session, [change.facts.id for change in changes])
    for change in changes:
        change.facts.relations = relations.get(change.facts.id, [])


def _change(facts: DomainFacts) -> _Change | None:
    wanted = targets([kept.reading for kept in facts.readings], facts.name)
    if wanted is None:
        return None
    wanted = wanted if facts.addresses else frozenset()
    known = {(relation.kind, relation.name): relation.id for relation in facts.relations}
    added, ended = wanted - known.keys(), known.keys() - wanted
    return _Change(facts, added, tuple(sorted(known[key] for key in ended))) if added or ended else None


def _end(session: Session, change: _Change, now: datetime) -> None:
    """Say when what is no longer named was named last: in the answer before this one."""
    if change.ended:
        values = {"last_seen_at": _seen_before(change.facts) or now}
        session.execute(update(Dependency).where(Dependency.id.in_(change.ended)).values(values))


def _seen_before(facts: DomainFacts) -> datetime | None:
    readings = [kept.reading for kept in facts.readings if kept.reading.evidence.provider is Provider.DNS]
    times = sorted(r.last_seen_at for r in readings if r.evidence.outcome is Outcome.FOUND)
    return times[-2] if len(times) > 1 else None


def _bounded(session: Session, changes: Collection[_Change], now: datetime) -> list[tuple[int, Target]]:
    """Return what to add: of each domain no more than the bound allows."""
    ids = [change.facts.id for change in changes if change.added]
    counts = session.execute(
        select(Dependency.domain_id, func.count())
        .where(among(Dependency.domain_id, ids), Dependency.first_seen_at > now - WITHIN)
        .group_by(Dependency.domain_id)
    )
    lately = {row.domain_id: row[1] for row in counts}
    found: list[tuple[int, Target]] = []
    for change in changes:
        room = max(NEW_AT_MOST - lately.get(change.facts.id, 0), 0)
        if room < len(change.added):
            _log.info("domain %d names more than %d new dependencies a month", change.facts.id, NEW_AT_MOST)
        found += [(change.facts.id, target) for target in sorted(change.added)[:room]]
    return found


def _add(session: Session, added: Collection[tuple[int, Target]], now: datetime) -> None:
    """Add relations, or take up again those that had ended."""
    if not added:
        return
    ids = _domains(session, sorted({name for _, (_, name) in added}), now)
    rows = [
        {"domain_id": ident, "kind": kind.value, "depends_on_id": ids[name], "first_seen_at": now}
        for ident, (kind, name) in added
    ]
    statement = dialect_insert(session)(Dependency)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["domain_id", "kind", "depends_on_id"], set_={"last_seen_at": None}
        ),
        rows,
    )


def _domains(session: Session, names: Collection[str], now: datetime) -> dict[str, int]:
    """Return the ids of domains, adding those that are new: watched from now on, and due at once."""
    found = _find(session, names, now)
    _look_again(session, [row.id for row in found if row.unwell], now)
    ids = {row.name: row.id for row in found}
    missing = [name for name in names if name not in ids]
    if not missing:
        return ids
    rows = [{"name": name, "created_at": now, "next_check_at": now} for name in missing]
    # An import may add one of them at this moment.
    session.execute(dialect_insert(session)(Domain).on_conflict_do_nothing(index_elements=["name"]), rows)
    return ids | {row.name: row.id for row in _find(session, missing, now)}


def _find(session: Session, names: Collection[str], now: datetime) -> Sequence[Row[str, int, bool]]:
    """Return what is stored of `names`: name, id, and whether it is `unwell` and would not be looked at soon."""
    lapsing = or_(Domain.phase.in_(UNWELL), Domain.holder_change.in_([change.value for change in CHANGED_HANDS]))
    idle = Domain.batch_id.is_(None), Domain.next_check_at > now
    query = select(Domain.name, Domain.id, and_(lapsing, *idle).label("unwell"))
    return session.execute(query.where(Domain.name.in_(names))).all()


def _look_again(session: Session, ids: Collection[int], now: datetime) -> None:
    """Make due what is unwell and others rely on from now on: its lapse was nobody's until now.

    What another worker holds is left: to wait for it, while it may wait for us, would be a circle.
    """
    if not ids:
        return
    unused = select(Domain.id).where(among(Domain.id, ids), ~relied_on())
    free = session.scalars(unused.with_for_update(skip_locked=True, key_share=True)).all()
    make_due(session, free, now)

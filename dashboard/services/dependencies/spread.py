"""Bring what became of a domain to all that rely on it: a chunk a transaction, each case judged by its own rules.

No provider is asked: the dependents' stored evidence is weighed anew, with the lapse among the facts. A spreading
that dies goes on where it was; one that runs twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.lifecycle.reliance import explain
from dashboard.models import Dependency, DependencyLapse, Domain, LifecycleEvent
from dashboard.services.brakes.hold import brake_over, open_brakes
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.flag import flag
from dashboard.services.checking.facts import load_facts
from dashboard.services.checking.snapshot import snapshot

TASKS = 50
CHUNK = 100
"""Dependents in a transaction: an eighth of a second of one core where each of them gets a case."""


@dataclass(frozen=True, slots=True)
class Spread:
    """What one chunk came to: dependents looked at, cases opened."""

    dependents: int
    opened: int


@dataclass(frozen=True, slots=True)
class _Task:
    """A lapse as it stood when the chunk began."""

    domain_id: int
    name: str
    phase: str
    after: int
    revision: int
    cleared: bool


def spread_next(session: Session, now: datetime, size: int = CHUNK) -> Spread | None:
    """Judge the next `size` dependents of a lapse; None when nothing is left to spread."""
    task = _next_task(session)
    if task is None:
        return None
    ids = _dependents(session, task, size)
    if not _move_on(session, task, ids[-1] if len(ids) == size else None):
        return Spread(0, 0)  # it changed at this very moment: its spreading begins anew
    return Spread(len(ids), _judge(session, task, ids, now) if ids else 0)


def _next_task(session: Session) -> _Task | None:
    """Return the next lapse; what a brake has come over waits, and holds up no other."""
    lapse = DependencyLapse
    rows = session.execute(
        select(lapse.domain_id, Domain.name, lapse.phase, lapse.spread_after, lapse.revision, lapse.cleared_at)
        .join(Domain, Domain.id == lapse.domain_id)
        .where(lapse.spread_after.is_not(None))
        .order_by(lapse.domain_id)
        .limit(TASKS)
    ).all()
    brakes = open_brakes(session) if rows else []
    facts = load_facts(session, [row.domain_id for row in rows]) if brakes else {}
    for row in rows:
        if row.cleared_at is not None or not brakes or brake_over(brakes, facts[row.domain_id]) is None:
            cleared = row.cleared_at is not None
            return _Task(row.domain_id, row.name, row.phase, row.spread_after or 0, row.revision, cleared)
    return None


def _dependents(session: Session, task: _Task, size: int) -> Sequence[int]:
    """Lock the next dependents, in order of id as checks do; the lapse's row after them, and cases last."""
    ids = session.scalars(
        select(Dependency.domain_id)
        .where(
            Dependency.depends_on_id == task.domain_id,
            Dependency.last_seen_at.is_(None),
            Dependency.domain_id > task.after,
        )
        .distinct()
        .order_by(Dependency.domain_id)
        .limit(size)
    ).all()
    session.execute(select(Domain.id).where(Domain.id.in_(ids)).order_by(Domain.id).with_for_update(key_share=True))
    return ids


def _judge(session: Session, task: _Task, ids: Sequence[int], now: datetime) -> int:
    facts = load_facts(session, ids)
    assessed = [Assessed(facts[ident], facts[ident].current(now), facts[ident].readings) for ident in ids]
    concerned = [item for item in assessed if item.facts.addresses]
    _write_events(session, task, concerned, now)
    _write_domains(session, concerned)
    return flag(session, concerned, now)


def _write_events(session: Session, task: _Task, assessed: Sequence[Assessed], now: datetime) -> None:
    """Draw it on the timeline of every dependent, once."""
    rows = [
        {
            "domain_id": item.facts.id,
            "key": f"dependency:{task.domain_id}:{task.revision}",
            "kind": "dependency",
            "at": now,
            "summary": words,
            "detail": {"domain": task.name, "phase": task.phase},
        }
        for item in assessed
        if (words := _words(task, item)) is not None
    ]
    if rows:
        insert = dialect_insert(session)
        statement = insert(LifecycleEvent).on_conflict_do_nothing(index_elements=["domain_id", "key"])
        session.execute(statement, rows)


def _words(task: _Task, item: Assessed) -> str | None:
    if task.cleared:
        return f"{task.name}, which it relies on, is its holder's again"
    lapsed = [each for each in item.assessment.lapsed_dependencies if each.domain == task.name]
    return explain(lapsed[0]).removesuffix(".") if lapsed else None


def _write_domains(session: Session, assessed: Sequence[Assessed]) -> None:
    """Show it on the dependents' pages; the phase is a check's to change, and waits for the next one."""
    values = [
        {
            "id": item.facts.id,
            "recommendation": item.assessment.recommendation.value,
            "assessment": snapshot(item.assessment),
        }
        for item in assessed
        if item.assessment.phase is item.facts.phase
    ]
    if values:
        session.execute(update(Domain), values)


def _move_on(session: Session, task: _Task, after: int | None) -> bool:
    """Note how far it comes; False when the lapse changed meanwhile. One that is over, and known to all, goes."""
    lapse = DependencyLapse
    same = (lapse.domain_id == task.domain_id, lapse.revision == task.revision)
    found = session.scalar(select(lapse.domain_id).where(*same).with_for_update())
    if found is None:
        return False
    if after is None and task.cleared:
        session.execute(delete(lapse).where(*same))
    else:
        session.execute(update(lapse).where(*same).values(spread_after=after))
    return True


def pending(session: Session) -> int:
    """Count the lapses that are not yet brought to all dependents."""
    query = select(func.count()).select_from(DependencyLapse).where(DependencyLapse.spread_after.is_not(None))
    return session.scalar(query) or 0

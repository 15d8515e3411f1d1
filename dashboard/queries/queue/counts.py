"""How many cases there are of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from dashboard.models import PENDING, Case, CaseState, Source
from dashboard.queries.paging import COUNT_CAP, Count, capped_count
from dashboard.queries.queue.conditions import conditions, in_state
from dashboard.queries.queue.filters import QueueFilters, Viewer


def queue_count(session: Session, filters: QueueFilters, viewer: Viewer) -> Count:
    """Count what the filters show, up to the cap."""
    return capped_count(session, select(Case.id).where(*conditions(filters, viewer)))


def phase_counts(session: Session) -> dict[str, int]:
    """Count the open cases by phase."""
    query = select(Case.phase, func.count()).where(Case.state == CaseState.OPEN).group_by(Case.phase)
    return {row.phase: row[1] for row in session.execute(query)}


def state_counts(session: Session) -> dict[str, Count]:
    """Count the cases that wait for a decision by state (open, snoozed, escalated), each up to the cap."""
    # One statement, in which each state is counted by the index that is partial on it.
    parts = [
        select(func.count())
        .select_from(select(Case.id).where(in_state(state)).limit(COUNT_CAP + 1).subquery())
        .scalar_subquery()
        for state in PENDING
    ]
    found = session.execute(select(*parts)).one()
    return {state.value: Count(min(n, COUNT_CAP), n > COUNT_CAP) for state, n in zip(PENDING, found, strict=True)}


def dropping_count(session: Session, now: datetime, days: int) -> Count:
    """Count the open cases whose domain is predicted to drop within `days`."""
    return queue_count(session, replace(QueueFilters(), drop_days=days), Viewer(now, now))


def sources(session: Session) -> Sequence[Row[int, str, str]]:
    """Return `(id, slug, name)` of every source, by name."""
    return session.execute(select(Source.id, Source.slug, Source.name).order_by(Source.name)).all()

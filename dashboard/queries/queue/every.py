"""All that a filter shows, across pages: what a bulk action freezes."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from dashboard.models import Case
from dashboard.queries.queue.conditions import conditions
from dashboard.queries.queue.filters import QueueFilters, Viewer

CHUNK = 5000


def case_ids(session: Session, filters: QueueFilters, viewer: Viewer) -> Iterator[Row[int, int]]:
    """Yield `(id, version)` of every case that the filters show the viewer, by id, fetched in chunks."""
    after = 0
    query = select(Case.id, Case.version).where(*conditions(filters, viewer)).order_by(Case.id).limit(CHUNK)
    while rows := session.execute(query.where(Case.id > after)).all():
        yield from rows
        after = rows[-1].id

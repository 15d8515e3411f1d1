"""Have the domains checked whose evidence was too old for a bulk action."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import BulkItem, Case
from dashboard.services.bulk.judging import Why
from dashboard.services.bulk.prepare import Person
from dashboard.services.checking.request import make_due


def request_checks(session: Session, bulk_id: int, person: Person, now: datetime) -> int:
    """Make the domains due at once whose cases were left out for old evidence; return how many they are.

    The due time of a domain that a batch holds stays: the batch's own answers will serve.
    """
    stale = select(Case.domain_id).join(BulkItem, BulkItem.case_id == Case.id)
    domains = session.scalars(stale.where(BulkItem.bulk_id == bulk_id, BulkItem.why == Why.STALE.value)).all()
    make_due(session, domains, now)
    record(
        session,
        Event.BULK_CHECK_REQUESTED,
        actor=person.actor,
        object_type="bulk",
        object_id=str(bulk_id),
        data={"domains": len(domains)},
        now=now,
    )
    return len(domains)

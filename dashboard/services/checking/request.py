"""Have domains checked at once, because a person asks for it or facts about them changed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Domain
from dashboard.services.sql import among


def make_due(session: Session, domain_ids: Collection[int], now: datetime) -> None:
    """Make domains due at `now` that would be later. A batch that holds one already serves as well.

    The due time of a domain that a batch holds stays: moving it would make the batch's answers late.
    """
    idle = among(Domain.id, domain_ids), Domain.batch_id.is_(None), Domain.next_check_at > now
    unsynchronised = {"synchronize_session": False}
    session.execute(update(Domain).where(*idle).values(next_check_at=now), execution_options=unsynchronised)


def request_check(session: Session, name: str, actor: Actor, now: datetime) -> bool:
    """Make the domain due at `now`, with an audit entry; False when it is not monitored."""
    domain_id = session.scalar(select(Domain.id).where(Domain.name == name))
    if domain_id is None:
        return False
    make_due(session, [domain_id], now)
    record(
        session,
        Event.DOMAIN_CHECK_REQUESTED,
        actor=actor,
        object_type="domain",
        object_id=name,
        data={},
        now=now,
    )
    return True

"""Have a domain checked at once because a person asks for it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Domain


def request_check(session: Session, name: str, actor: Actor, now: datetime) -> bool:
    """Make the domain due at `now`; False when it is not monitored. A batch that holds it already serves as well.

    The due time of a domain that a batch holds stays: moving it would make the batch's answers late.
    """
    domain = session.scalar(select(Domain).where(Domain.name == name).with_for_update())
    if domain is None:
        return False
    if domain.batch_id is None and domain.next_check_at > now:
        domain.next_check_at = now
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

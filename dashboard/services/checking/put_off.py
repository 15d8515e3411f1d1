"""A check whose answers cannot be recorded: counted as failed and tried again later, so that it holds nobody up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.schedule import next_check_at
from dashboard.models import Domain
from dashboard.services.checking.served import write_checks


def put_off(
    session: Session, batch_id: int, domain_id: int, due_at: datetime, now: datetime, *, recheck_days: int
) -> bool:
    """Write a failed check of a domain and its next due time; False when the batch no longer holds it for `due_at`.

    Nothing is said of the domain: its phase, evidence and case stay as they are.
    """
    held = (Domain.id == domain_id, Domain.batch_id == batch_id, Domain.next_check_at == due_at)
    domain = session.scalar(select(Domain).where(*held).with_for_update(key_share=True))
    if domain is None:
        return False
    domain.failures += 1
    domain.last_checked_at, domain.batch_id, domain.leased_until = now, None, None
    domain.next_check_at = next_check_at(
        Phase(domain.phase), now, failures=domain.failures, recheck_days=recheck_days, key=domain.name
    )
    check = {"domain_id": domain_id, "due_at": due_at, "checked_at": now, "phase": domain.phase, "failed": True}
    write_checks(session, [check])
    return True

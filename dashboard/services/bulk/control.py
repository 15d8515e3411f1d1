"""Pause, resume, cancel, stop everything: each takes hold between two chunks, for a chunk holds the action's row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.events import JSON, Data, Event
from dashboard.audit.record import record
from dashboard.models import BulkAction, BulkState
from dashboard.services.bulk.confirm import tell
from dashboard.services.bulk.outcome import Outcome, Refusal, locked, moved, refused
from dashboard.services.bulk.prepare import Person

BY_HAND = "by_hand"
STAGE = "stage"
STOPPED = "all_stopped"


def progress(bulk: BulkAction) -> dict[str, JSON]:
    """Return how far the action came, as audit entries tell it."""
    return {
        "done_items": bulk.done_items,
        "done_addresses": bulk.done_addresses,
        "skipped_items": bulk.skipped_items,
        "failed_items": bulk.failed_items,
    }


def pause(session: Session, bulk_id: int, person: Person, now: datetime) -> Outcome:
    """Stop after the chunk that is running; what is done stays done."""
    bulk = locked(session, bulk_id)
    if bulk.state != BulkState.RUNNING:
        return refused(bulk, Refusal.CONFLICT)
    tell(session, bulk, Event.BULK_PAUSED, {"why": BY_HAND} | progress(bulk), person, now)
    return halt(bulk, BulkState.PAUSED, BY_HAND)


def resume(session: Session, bulk_id: int, version: int, person: Person, now: datetime) -> Outcome:
    """Go on where the action stopped; of a staged one, with the next stage."""
    bulk = locked(session, bulk_id)
    if bulk.state != BulkState.PAUSED or bulk.version != version:
        return refused(bulk, Refusal.CONFLICT)
    if bulk.stopped_why == STAGE:
        bulk.stage += 1
    bulk.stopped_why = ""
    tell(session, bulk, Event.BULK_RESUMED, {"stage": bulk.stage} | progress(bulk), person, now)
    return moved(bulk, BulkState.RUNNING)


def cancel(session: Session, bulk_id: int, person: Person, now: datetime) -> Outcome:
    """End the action for good where it is; what it did can be taken back."""
    bulk = locked(session, bulk_id)
    if bulk.state not in {BulkState.RUNNING, BulkState.PAUSED}:
        return refused(bulk, Refusal.CONFLICT)
    tell(session, bulk, Event.BULK_CANCELLED, progress(bulk), person, now)
    bulk.finished_at = now
    return halt(bulk, BulkState.CANCELLED, BY_HAND)


def stop_all(session: Session, person: Person, now: datetime) -> list[int]:
    """Pause every action that runs, in one transaction with one audit entry; return their ids."""
    running = (
        select(BulkAction)
        .where(BulkAction.state == BulkState.RUNNING.value)
        .order_by(BulkAction.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    stopped = session.scalars(running).all()
    for bulk in stopped:
        halt(bulk, BulkState.PAUSED, STOPPED)
    ids = [bulk.id for bulk in stopped]
    data: Data = {"ids": ids}
    record(session, Event.BULK_STOPPED, actor=person.actor, object_type="bulk", object_id="-", data=data, now=now)
    return ids


def halt(bulk: BulkAction, state: BulkState, why: str) -> Outcome:
    """Take the action out of the hands of whoever works on it."""
    bulk.stopped_why, bulk.lease, bulk.leased_until = why, None, None
    return moved(bulk, state)

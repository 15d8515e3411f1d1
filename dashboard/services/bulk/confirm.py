"""The author's word and the second person's: what is confirmed is exactly what the preview showed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.models import BulkAction, BulkKind, BulkState, DecisionKind
from dashboard.services.bulk.judging import policy_of
from dashboard.services.bulk.outcome import Outcome, Refusal, locked, moved, objection, refused
from dashboard.services.bulk.prepare import EXPIRY, Person
from dashboard.services.cases.reasons import find_reason
from dashboard.services.decide import EFFECTS, MAX_NOTE

REVERT_REASON = "taken_back"
"""A bulk action that takes another back has one reason only; the note says more."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the author sends: the action's `version` and `digest` as they were shown, and the decision."""

    version: int
    digest: str
    reason_code: str = ""
    note: str = ""
    effect: str = "unverify"
    typed_count: int | None = None
    is_staged: bool = False


def confirm(
    session: Session, bulk_id: int, given: Confirmation, author: Person, now: datetime, wall_now: datetime
) -> Outcome:
    """Take the author's word: it runs, or waits for a second person. `LookupError` when there is no such action.

    Only the author confirms. Above `type_above` addresses their number must have been typed.
    """
    bulk = locked(session, bulk_id)
    if refusal := _why_not(session, bulk, given, author, wall_now):
        return refused(bulk, refusal)
    bulk.reason_code = REVERT_REASON if bulk.kind == BulkKind.REVERT else given.reason_code
    bulk.note, bulk.is_staged = given.note.strip()[:MAX_NOTE], given.is_staged
    bulk.effect, bulk.confirmed_at = given.effect, now
    data: Data = {
        "digest": bulk.digest,
        "items": bulk.items,
        "addresses": bulk.addresses,
        "reason_code": bulk.reason_code,
        "effect": bulk.effect,
        "staged": bulk.is_staged,
        "needs_second": bulk.needs_second,
    }
    tell(session, bulk, Event.BULK_CONFIRMED, data, author, now)
    if bulk.needs_second:
        bulk.expires_at = wall_now + EXPIRY
        return moved(bulk, BulkState.AWAITING_SECOND)
    return _run(bulk, now)


def _why_not(
    session: Session, bulk: BulkAction, given: Confirmation, author: Person, wall_now: datetime
) -> Refusal | None:
    if refusal := objection(bulk, given.version, [BulkState.PREVIEWED], wall_now):
        return refusal
    if bulk.digest != given.digest or bulk.author_id != author.staff_id:
        return Refusal.CONFLICT
    if bulk.items == 0:
        return Refusal.NOTHING_TO_DO
    if refusal := _unreasoned(session, bulk, given):
        return refusal
    if bulk.addresses > policy_of(bulk).type_above and given.typed_count != bulk.addresses:
        return Refusal.COUNT_MISMATCH
    return None


def _unreasoned(session: Session, bulk: BulkAction, given: Confirmation) -> Refusal | None:
    if given.effect not in EFFECTS:
        return Refusal.UNKNOWN_REASON
    if bulk.kind == BulkKind.REVERT:
        return None if given.note.strip() else Refusal.NOTE_REQUIRED
    reason = find_reason(session, DecisionKind(bulk.kind), given.reason_code)
    if reason is None:
        return Refusal.UNKNOWN_REASON
    return Refusal.NOTE_REQUIRED if reason.needs_note and not given.note.strip() else None


def approve(
    session: Session, bulk_id: int, version: int, shown_digest: str, second: Person, now: datetime, wall_now: datetime
) -> Outcome:
    """Take the second person's word, who is never the author and saw the same preview; then it runs."""
    bulk = locked(session, bulk_id)
    if refusal := objection(bulk, version, [BulkState.AWAITING_SECOND], wall_now):
        return refused(bulk, refusal)
    if bulk.author_id == second.staff_id:
        return refused(bulk, Refusal.OWN_ACTION)
    if bulk.digest != shown_digest:
        return refused(bulk, Refusal.CONFLICT)
    bulk.second_id = second.staff_id
    data: Data = {"digest": bulk.digest, "items": bulk.items, "addresses": bulk.addresses}
    tell(session, bulk, Event.BULK_APPROVED, data, second, now)
    return _run(bulk, now)


def withdraw(session: Session, bulk_id: int, version: int, person: Person, now: datetime) -> Outcome:
    """Give the action up before it runs: its author changed their mind, or the second person said no."""
    bulk = locked(session, bulk_id)
    before = {BulkState.PREPARING, BulkState.PREVIEWED, BulkState.AWAITING_SECOND}
    if bulk.version != version or bulk.state not in before:
        return refused(bulk, Refusal.CONFLICT)
    bulk.finished_at, bulk.lease, bulk.leased_until = now, None, None
    tell(session, bulk, Event.BULK_WITHDRAWN, {"digest": bulk.digest}, person, now)
    return moved(bulk, BulkState.WITHDRAWN)


def _run(bulk: BulkAction, now: datetime) -> Outcome:
    bulk.started_at = now
    return moved(bulk, BulkState.RUNNING)


def tell(session: Session, bulk: BulkAction, event: Event, data: Data, person: Person, now: datetime) -> None:
    """Write the one audit entry of a step."""
    record(
        session,
        event,
        actor=person.actor,
        object_type="bulk",
        object_id=str(bulk.id),
        data=data,
        now=now,
    )

"""Show one address in full: for a reason, not too often, and never without an entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record, subject
from dashboard.models import Address, Reveal, Staff

LIMIT, WINDOW = 20, timedelta(hours=1)
"""How many addresses one person may see within how long (wall clock)."""
MAX_NOTE = 1000

REASONS = {
    "support": "The user asked for support",
    "contact": "To write to the user",
    "compare": "To compare it with what somebody told us",
    "other": "Another reason (say it in the note)",
}
NEEDS_NOTE = "other"


class Refusal(StrEnum):
    """Why nothing was shown."""

    NO_REASON = "no_reason"
    NO_NOTE = "no_note"
    TOO_MANY = "too_many"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True)
class Revealed:
    """The address, or why it is not shown; `wait` says how long until another one may be seen."""

    address: str | None = None
    refusal: Refusal | None = None
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Which address somebody wants to see, and what for."""

    address_id: int
    reason_code: str
    note: str = ""


def reveal(session: Session, request: Request, actor: Actor, staff_id: int, wall_now: datetime) -> Revealed:
    """Return an address in full and note who saw it, why. `LookupError` when there is no such address.

    The person's own row is locked, so that many requests at once cannot slip through between count and note.
    """
    address = session.get(Address, request.address_id)
    if address is None:
        raise LookupError(f"no address {request.address_id}")
    note = request.note.strip()[:MAX_NOTE]
    if request.reason_code not in REASONS:
        return Revealed(refusal=Refusal.NO_REASON)
    if request.reason_code == NEEDS_NOTE and not note:
        return Revealed(refusal=Refusal.NO_NOTE)
    if address.local_part is None:
        return Revealed(refusal=Refusal.NOT_KNOWN)
    session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update(key_share=True))
    if wait := _wait(session, staff_id, wall_now):
        _record_refusal(session, actor, wall_now)
        return Revealed(refusal=Refusal.TOO_MANY, wait=wait)
    full = f"{address.local_part}@{address.host}"
    _note(session, address, full, Request(address.id, request.reason_code, note), actor, staff_id, wall_now)
    return Revealed(address=full)


def _wait(session: Session, staff_id: int, wall_now: datetime) -> timedelta | None:
    """Return the time until fewer than `LIMIT` reveals lie within the window, None when that is so already."""
    latest = session.scalars(
        select(Reveal.at)
        .where(Reveal.staff_id == staff_id, Reveal.at > wall_now - WINDOW)
        .order_by(Reveal.at.desc())
        .limit(LIMIT)
    ).all()
    return latest[-1] + WINDOW - wall_now if len(latest) >= LIMIT else None


def _note(
    session: Session, address: Address, full: str, request: Request, actor: Actor, staff_id: int, wall_now: datetime
) -> None:
    row = Reveal(
        staff_id=staff_id,
        address_id=address.id,
        at=wall_now,
        reason_code=request.reason_code,
        note=request.note,
    )
    session.add(row)
    session.flush()
    record(
        session,
        Event.ADDRESS_REVEALED,
        actor=actor,
        object_type="address",
        object_id=str(address.id),
        data={"account_id": address.account_id, "reveal_id": row.id, "reason_code": request.reason_code},
        now=wall_now,
        subjects=[subject("email", full.lower())],
    )


def _record_refusal(session: Session, actor: Actor, wall_now: datetime) -> None:
    record(
        session,
        Event.ACCESS_REFUSED,
        actor=actor,
        object_type="endpoint",
        object_id="reveal.create",
        data={"method": "POST", "needs": f"fewer than {LIMIT} reveals within the hour"},
        now=wall_now,
    )

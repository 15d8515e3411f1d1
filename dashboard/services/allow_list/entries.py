"""Put entries on the allow-list and take them off: each change one audit entry, cases follow in a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, system
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.lifecycle.mailboxes import is_mailbox_provider
from dashboard.models import AllowKind, AllowListEntry
from dashboard.services.allow_list.values import Wanted
from dashboard.times import rfc3339

ACTOR = system("allow-list")
EXPIRED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Added:
    """What came of it: the entry's id, and whether it was there already (then nothing was changed)."""

    id: int
    present: bool


def add_entry(session: Session, wanted: Wanted, actor: Actor, staff_id: int, now: datetime) -> Added:
    """Put one entry on the list; open cases that it covers are closed by the job `settle`."""
    added = put_entry(session, wanted, staff_id, now)
    if not added.present:
        named = wanted.named
        data = {"kind": named.kind.value, "value": named.value, "expires_at": rfc3339(wanted.expires_at)}
        record_many(session, [NewEntry(Event.ALLOW_LIST_ADDED, actor, "allow_list_entry", str(added.id), data)], now)
    return added


def put_entry(session: Session, wanted: Wanted, staff_id: int, now: datetime) -> Added:
    """Write one entry without an audit entry, for callers that record many at once."""
    named = wanted.named
    present = session.scalar(
        select(AllowListEntry.id).where(
            AllowListEntry.kind == named.kind.value,
            AllowListEntry.value == named.value,
            AllowListEntry.ended_at.is_(None),
        )
    )
    if present is not None:
        return Added(present, present=True)
    entry = AllowListEntry(
        kind=named.kind.value,
        value=named.value,
        domain=named.domain,
        reason=wanted.reason,
        created_by=staff_id,
        created_at=now,
        expires_at=wanted.expires_at,
    )
    session.add(entry)
    session.flush()
    return Added(entry.id, present=False)


def end_entry(session: Session, entry_id: int, reason: str, actor: Actor, staff_id: int, now: datetime) -> bool:
    """Take an entry off; False when it had ended already. `LookupError` when there is none of this id.

    What is still lapsed is flagged by the job `settle`. A part of the preset is switched off.
    """
    entry = session.scalar(select(AllowListEntry).where(AllowListEntry.id == entry_id).with_for_update())
    if entry is None:
        raise LookupError(f"no allow-list entry {entry_id}")
    if entry.ended_at is not None:
        return False
    how = "switched_off" if entry.kind == AllowKind.PRESET else "removed"
    entry.ended_by = staff_id
    audit = _end(entry, how, reason, actor, now)
    session.flush()
    record_many(session, [audit], now)
    return True


def switch_preset(
    session: Session, name: str, reason: str, actor: Actor, staff_id: int, now: datetime, *, on: bool
) -> bool:
    """Switch one part of the shipped preset off or on again; False when it is so already.

    `LookupError` when the preset has no such domain.
    """
    if not is_mailbox_provider(name):
        raise LookupError(f"{name} is not in the preset")
    entry = _preset_row(session, name, now)
    if (entry.ended_at is None) == on:
        return False
    if on:
        entry.ended_at = entry.ended_by = entry.ended_how = entry.ended_reason = None
        entry.settled_at, entry.settled_through = None, 0
        entry.created_by, entry.created_at, entry.reason = staff_id, now, reason
        data = {"kind": entry.kind, "value": entry.value}
        audit = NewEntry(Event.ALLOW_LIST_SWITCHED_ON, actor, "allow_list_entry", str(entry.id), data)
    else:
        entry.ended_by = staff_id
        audit = _end(entry, "switched_off", reason, actor, now)
    session.flush()
    record_many(session, [audit], now)
    return True


def expire_entries(session: Session, now: datetime) -> int:
    """End the entries whose time has run out; returns how many."""
    query = (
        select(AllowListEntry)
        .where(AllowListEntry.ended_at.is_(None), AllowListEntry.expires_at <= now)
        .order_by(AllowListEntry.id)
        .limit(EXPIRED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    expired: Sequence[AllowListEntry] = session.scalars(query).all()
    audits = [_end(entry, "expired", None, ACTOR, now) for entry in expired]
    session.flush()
    record_many(session, audits, now)
    return len(audits)


def _end(entry: AllowListEntry, how: str, reason: str | None, actor: Actor, now: datetime) -> NewEntry:
    entry.ended_at, entry.ended_how, entry.ended_reason = now, how, reason
    entry.settled_at, entry.settled_through = None, 0
    data = {"kind": entry.kind, "value": entry.value, "how": how}
    return NewEntry(Event.ALLOW_LIST_ENDED, actor, "allow_list_entry", str(entry.id), data)


def _preset_row(session: Session, name: str, now: datetime) -> AllowListEntry:
    """Return the row of a part of the preset, which is made when it is first needed."""
    query = select(AllowListEntry).where(AllowListEntry.kind == AllowKind.PRESET.value, AllowListEntry.value == name)
    entry = session.scalar(query.with_for_update())
    if entry is None:
        entry = AllowListEntry(
            kind=AllowKind.PRESET.value, value=name, domain=name, reason="", created_at=now, settled_at=now
        )
        session.add(entry)
        session.flush()
    return entry

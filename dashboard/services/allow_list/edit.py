"""Change why an entry is on the allow-list and until when. What it names never changes: that is another entry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import AllowKind, AllowListEntry
from dashboard.services.allow_list.values import Terms
from dashboard.times import rfc3339


class Edit(StrEnum):
    """What came of it. `CONFLICT`: somebody else changed the entry first; `ENDED`: it no longer holds."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes an entry: for the audit log, and by the row of staff."""

    actor: Actor
    staff_id: int


def mark_of(reason: str, expires_at: datetime | None) -> str:
    """Return what a form carries of the terms that it was filled in with: they must still hold when it is sent."""
    return hashlib.sha256(f"{rfc3339(expires_at)} {reason}".encode()).hexdigest()


def edit_entry(session: Session, entry_id: int, terms: Terms, seen: str, editor: Editor, now: datetime) -> Edit:
    """Give an entry other terms, if its present ones are those of which `seen` is the mark.

    Cases need nothing: what it keeps stays kept, until it expires. `LookupError` when staff have no entry of this id.
    """
    query = select(AllowListEntry).where(AllowListEntry.id == entry_id, AllowListEntry.kind != AllowKind.PRESET)
    entry = session.scalar(query.with_for_update())
    if entry is None:
        raise LookupError(f"no allow-list entry {entry_id}")
    if entry.ended_at is not None or (entry.expires_at is not None and entry.expires_at <= now):
        return Edit.ENDED
    if mark_of(entry.reason, entry.expires_at) != seen:
        return Edit.CONFLICT
    if terms == Terms(entry.reason, entry.expires_at):
        return Edit.UNCHANGED
    before, is_reworded = entry.expires_at, terms.reason != entry.reason
    entry.reason, entry.expires_at = terms.reason, terms.expires_at
    entry.changed_at, entry.changed_by = now, editor.staff_id
    session.flush()
    record(
        session,
        Event.ALLOW_LIST_CHANGED,
        actor=editor.actor,
        object_type="allow_list_entry",
        object_id=str(entry_id),
        data={
            "kind": entry.kind,
            "value": entry.value,
            "expires_before": rfc3339(before),
            "expires_at": rfc3339(entry.expires_at),
            "reworded": is_reworded,
        },
        now=now,
    )
    return Edit.CHANGED

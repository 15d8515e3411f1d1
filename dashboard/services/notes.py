"""Notes on a case, apart from decisions; `@name` brings a member of staff to it.

The words stay in the row: the audit log names that row and whom it mentions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.models import Case, CaseNote, Mention, Staff

MAX_NOTE = 4000
MAX_MENTIONS = 20
_MENTION = re.compile(r"(?<![\w@.+-])@([a-z0-9][\w.+-]*(?:@[\w.-]+)?)", re.IGNORECASE)


class Refusal(StrEnum):
    """Why no note was written."""

    EMPTY = "empty"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Written:
    """A note that was written: whom it mentions (sign-in names), and which `@names` are nobody's, or several's."""

    note_id: int | None = None
    refusal: Refusal | None = None
    mentioned: Sequence[str] = ()
    unknown: Sequence[str] = ()


def write_note(session: Session, case_id: int, body: str, actor: Actor, staff_id: int, now: datetime) -> Written:
    """Write a note on a case with one audit entry; `LookupError` when there is no such case."""
    body = body.strip()
    if not body or len(body) > MAX_NOTE:
        return Written(refusal=Refusal.TOO_LONG if body else Refusal.EMPTY)
    if session.scalar(select(Case.id).where(Case.id == case_id)) is None:
        raise LookupError(f"no case {case_id}")
    note = CaseNote(case_id=case_id, staff_id=staff_id, at=now, body=body)
    session.add(note)
    session.flush()
    found, unknown = _people(session, body)
    people = {ident: email for ident, email in found.items() if ident != staff_id}
    if people:
        session.execute(insert(Mention), [{"note_id": note.id, "staff_id": ident} for ident in people])
    data: Data = {"note_id": note.id, "mentions": sorted(people)}
    record(session, Event.NOTE_WRITTEN, actor=actor, object_type="case", object_id=str(case_id), data=data, now=now)
    return Written(note.id, None, list(people.values()), unknown)


def see_mention(session: Session, note_id: int, actor: Actor, staff_id: int, now: datetime) -> bool:
    """Tick off that a note mentions oneself; False when there is nothing to tick off."""
    mine = Mention.note_id == note_id, Mention.staff_id == staff_id, Mention.seen_at.is_(None)
    seen = session.execute(update(Mention).where(*mine).values(seen_at=now).returning(Mention.note_id)).first()
    if seen is None:
        return False
    case_id = session.scalars(select(CaseNote.case_id).where(CaseNote.id == note_id)).one()
    data = {"note_id": note_id}
    record(session, Event.MENTION_SEEN, actor=actor, object_type="case", object_id=str(case_id), data=data, now=now)
    return True


def names_in(body: str) -> list[str]:
    """Return the names that a text mentions, lower-case, each once, in their order."""
    return list(dict.fromkeys(found.rstrip(".-").lower() for found in _MENTION.findall(body)))[:MAX_MENTIONS]


def _people(session: Session, body: str) -> tuple[dict[int, str], list[str]]:
    """Find whom `@name` means: a sign-in name, or what stands before the `@` of only one."""
    names = names_in(body)
    if not names:
        return {}, []
    known: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for ident, email in session.execute(select(Staff.id, Staff.email).where(Staff.active)):
        for name in (email, email.partition("@")[0]):
            known[name].append((ident, email))
    found = {name: known[name][0] for name in names if len(known[name]) == 1}
    return dict(found.values()), [name for name in names if name not in found]

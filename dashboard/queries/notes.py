"""What waits for somebody because a note names them, and the templates to begin a note with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import Case, CaseNote, Domain, Mention, NoteTemplate, Staff

MAX_MENTIONS = 20


@dataclass(frozen=True, slots=True)
class ShownMention:
    """A note that names somebody and that they have not ticked off."""

    note_id: int
    case_id: int
    domain: str
    by: str
    at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class ShownTemplate:
    """Words to begin a note with."""

    id: int
    title: str
    body: str


def unseen_mentions(session: Session, staff_id: int) -> Sequence[ShownMention]:
    """Return the notes that mention somebody and wait to be ticked off, the newest first."""
    query = (
        select(CaseNote.id, CaseNote.case_id, Domain.name, Staff.email, CaseNote.at, CaseNote.body)
        .join(Mention, Mention.note_id == CaseNote.id)
        .join(Case, Case.id == CaseNote.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .join(Staff, Staff.id == CaseNote.staff_id)
        .where(Mention.staff_id == staff_id, Mention.seen_at.is_(None))
        .order_by(Mention.note_id.desc())
        .limit(MAX_MENTIONS)
    )
    return [ShownMention(*row) for row in session.execute(query)]


def live_templates(session: Session) -> Mapping[str, Sequence[ShownTemplate]]:
    """Return the templates that may be chosen, by kind of decision."""
    found: dict[str, list[ShownTemplate]] = {}
    rows = session.scalars(select(NoteTemplate).where(NoteTemplate.retired_at.is_(None)).order_by(NoteTemplate.id))
    for row in rows:
        found.setdefault(row.kind, []).append(ShownTemplate(row.id, row.title, row.body))
    return found

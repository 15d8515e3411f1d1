"""Admins keep the reasons of decisions and the templates of notes; nothing that was used loses its words.

Neither is ever changed: a reason with other words is another reason (its code is its own), and the one it replaces is
retired. Audit entries name the rows; their words are in these.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.models import DecisionKind, NoteTemplate, ReasonCode

MAX_LABEL = 120
MAX_TITLE = 80
MAX_BODY = 2000
MAX_CODE = 48


class Refusal(StrEnum):
    """Why nothing was changed."""

    NO_WORDS = "no_words"
    TOO_LONG = "too_long"
    THE_LAST = "the_last"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who changes the list, and when (domain clock)."""

    actor: Actor
    staff_id: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of it: the row that was added or changed, or a refusal."""

    id: int | None = None
    refusal: Refusal | None = None


def add_reason(
    session: Session,
    kind: DecisionKind,
    label: str,
    keeper: Keeper,
    *,
    needs_note: bool,
    replaces: int | None = None,
) -> Kept:
    """Add a reason; `replaces`: the row whose place it takes, which is retired. `LookupError` when there is none."""
    label = " ".join(label.split())
    old = None if replaces is None else _reason(session, replaces)
    kind = kind if old is None else DecisionKind(old.kind)
    if refusal := _unusable(label, MAX_LABEL):
        return Kept(refusal=refusal)
    live = select(ReasonCode.id).where(ReasonCode.kind == kind.value, ReasonCode.retired_at.is_(None))
    if session.scalar(live.where(ReasonCode.label == label, ReasonCode.needs_note == needs_note)) is not None:
        return Kept(refusal=Refusal.EXISTS)
    row = ReasonCode(kind=kind.value, code=_code(session, label), label=label, needs_note=needs_note)
    row.added_by, row.added_at = keeper.staff_id, keeper.now
    session.add(row)
    if old is not None and old.retired_at is None:
        old.retired_by, old.retired_at = keeper.staff_id, keeper.now
    session.flush()
    data: Data = {"kind": row.kind, "code": row.code, "needs_note": needs_note, "replaces": old.code if old else None}
    return _tell(session, Event.REASON_ADDED, "reason", row.id, data, keeper)


def retire_reason(session: Session, reason_id: int, keeper: Keeper) -> Kept:
    """Take a reason off the list; never the last of its kind, without which nothing could be decided."""
    row = _reason(session, reason_id)
    if row.retired_at is not None:
        return Kept(row.id)
    others = select(ReasonCode.id).where(
        ReasonCode.kind == row.kind, ReasonCode.retired_at.is_(None), ReasonCode.id != row.id
    )
    if session.scalar(others.limit(1)) is None:
        return Kept(refusal=Refusal.THE_LAST)
    row.retired_by, row.retired_at = keeper.staff_id, keeper.now
    return _tell(session, Event.REASON_RETIRED, "reason", row.id, {"kind": row.kind, "code": row.code}, keeper)


def restore_reason(session: Session, reason_id: int, keeper: Keeper) -> Kept:
    """Put a retired reason on the list again."""
    row = _reason(session, reason_id)
    if row.retired_at is None:
        return Kept(row.id)
    row.retired_by = row.retired_at = None
    return _tell(session, Event.REASON_RESTORED, "reason", row.id, {"kind": row.kind, "code": row.code}, keeper)


def add_template(session: Session, kind: DecisionKind, title: str, body: str, keeper: Keeper) -> Kept:
    """Add words that notes of decisions of this kind may begin with."""
    title, body = " ".join(title.split()), body.strip()
    if refusal := _unusable(title, MAX_TITLE) or _unusable(body, MAX_BODY):
        return Kept(refusal=refusal)
    row = NoteTemplate(kind=kind.value, title=title, body=body, added_by=keeper.staff_id, added_at=keeper.now)
    session.add(row)
    session.flush()
    return _tell(session, Event.TEMPLATE_ADDED, "note_template", row.id, {"kind": row.kind}, keeper)


def retire_template(session: Session, template_id: int, keeper: Keeper) -> Kept:
    """Take a template off the list; notes that were begun with it keep its words. `LookupError`: there is none."""
    row = session.scalar(select(NoteTemplate).where(NoteTemplate.id == template_id).with_for_update())
    if row is None:
        raise LookupError(f"no template {template_id}")
    if row.retired_at is not None:
        return Kept(row.id)
    row.retired_by, row.retired_at = keeper.staff_id, keeper.now
    return _tell(session, Event.TEMPLATE_RETIRED, "note_template", row.id, {"kind": row.kind}, keeper)


def template_words(session: Session, kind: DecisionKind, template_id: int) -> str:
    """Return the words of a template that may be chosen; empty where it may not."""
    mine = NoteTemplate.id == template_id, NoteTemplate.kind == kind.value, NoteTemplate.retired_at.is_(None)
    return session.scalar(select(NoteTemplate.body).where(*mine)) or ""


def _reason(session: Session, reason_id: int) -> ReasonCode:
    row = session.scalar(select(ReasonCode).where(ReasonCode.id == reason_id).with_for_update())
    if row is None:
        raise LookupError(f"no reason {reason_id}")
    return row


def _unusable(words: str, most: int) -> Refusal | None:
    if not words:
        return Refusal.NO_WORDS
    return Refusal.TOO_LONG if len(words) > most else None


def _code(session: Session, label: str) -> str:
    """Make a code out of the words, one that was never used."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:MAX_CODE].rstrip("_") or "reason"
    used = set(session.scalars(select(ReasonCode.code)))
    number = 1
    while (code := stem if number == 1 else f"{stem}_{number}") in used:
        number += 1
    return code


def _tell(session: Session, event: Event, what: str, row_id: int, data: Data, keeper: Keeper) -> Kept:
    actor, now = keeper.actor, keeper.now
    record(session, event, actor=actor, object_type=what, object_id=str(row_id), data=data, now=now)
    return Kept(row_id)

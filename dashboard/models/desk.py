"""What reviewers write with: reasons and note templates that admins keep, and notes in which people are mentioned."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId

_LIVE = text("retired_at IS NULL")
_UNSEEN = text("seen_at IS NULL")


class ReasonCode(Base):
    """Why a case is decided as it is. Its words never change: it is retired and another takes its place.

    So a decision keeps the words it was made with, and what is counted by code is one thing for ever. `added_by` is
    None for those that were shipped.
    """

    __tablename__ = "reasons"
    __table_args__ = (Index("uq_reasons_kind_code", "kind", "code", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(64))
    label: Mapped[str] = mapped_column(String(120))
    needs_note: Mapped[bool]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    added_at: Mapped[datetime | None]
    retired_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    retired_at: Mapped[datetime | None]


class NoteTemplate(Base):
    """Words to begin a note with; `kind` is that of the decision. Decisions keep a copy, so a template may go."""

    __tablename__ = "note_templates"
    __table_args__ = (Index("ix_note_templates_live", "kind", "id", postgresql_where=_LIVE, sqlite_where=_LIVE),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(80))
    body: Mapped[str] = mapped_column(Text)
    added_by: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    added_at: Mapped[datetime]
    retired_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    retired_at: Mapped[datetime | None]


class CaseNote(Base):
    """What somebody wrote on a case, apart from any decision: plain text, never changed."""

    __tablename__ = "case_notes"
    __table_args__ = (Index("ix_case_notes_case_id", "case_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)


class Mention(Base):
    """That a note names a member of staff; `seen_at`: when they ticked it off."""

    __tablename__ = "mentions"
    __table_args__ = (
        Index("ix_mentions_unseen", "staff_id", "note_id", postgresql_where=_UNSEEN, sqlite_where=_UNSEEN),
    )

    note_id: Mapped[int] = mapped_column(ForeignKey("case_notes.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    seen_at: Mapped[datetime | None]

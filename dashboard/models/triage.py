"""Who works on a case, what was set aside and why, what somebody skips, and the views people keep of the queue."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.staff import Staff


class Claim(Base):
    """That a member of staff works on a case: a lease by the wall clock, which ends by itself."""

    __tablename__ = "claims"
    __table_args__ = (Index("ix_claims_staff_id", "staff_id", "expires_at"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    claimed_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    staff: Mapped[Staff] = relationship()


class SetAsideKind(StrEnum):
    """How a case is set aside: for later, or for an admin."""

    SNOOZE = "snooze"
    ESCALATE = "escalate"


class SetAside(Base):
    """Each time a case was snoozed or escalated, and how that ended.

    `until` is None for a snooze that only new facts end. `ended_how`: `date`, `facts`, `lifted`,
    `taken_up`, `closed`.
    """

    __tablename__ = "set_asides"
    __table_args__ = (Index("ix_set_asides_case_id", "case_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(16))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime]
    until: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[str | None] = mapped_column(String(16))
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class CaseSkip(Base):
    """That one person does not want to see a case while it is as it was: `phase` and `holder_change` at the time."""

    __tablename__ = "case_skips"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(32))
    holder_change: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]


class SavedView(Base):
    """Filters of the queue under a name: `query` stands after the `?`. At most one is the default of a role."""

    __tablename__ = "saved_views"
    __table_args__ = (
        Index("ix_saved_views_staff_id", "staff_id"),
        Index(
            "uq_saved_views_default_role",
            "default_role",
            unique=True,
            postgresql_where=text("default_role IS NOT NULL"),
            sqlite_where=text("default_role IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(String(1000))
    shared: Mapped[bool] = mapped_column(default=False)
    default_role: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime]

    staff: Mapped[Staff] = relationship()

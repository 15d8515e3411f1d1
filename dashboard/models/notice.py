"""What a source is told beside un-verifications: early warnings and suspected takeovers. They change nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.account import Address
from dashboard.models.case import Case
from dashboard.models.domain import Domain
from dashboard.models.source import Source
from dashboard.models.staff import Staff


class NoticeKind(StrEnum):
    """What the source is told."""

    EARLY_WARNING = "early_warning"
    TAKEOVER_SUSPECTED = "takeover_suspected"


class EarlyWarning(Base):
    """One domain's way towards its expiry, of which each verified address is told once; at most one is running.

    `expires_at` is the date it began with (None where the registry gives none). A renewal ends it, so does a loss:
    from then on a case tells the story.
    """

    __tablename__ = "early_warnings"
    __table_args__ = (
        Index(
            "uq_early_warnings_running",
            "domain_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index("ix_early_warnings_domain_id", "domain_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    why: Mapped[str] = mapped_column(String(32))
    expires_at: Mapped[datetime | None]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[str | None] = mapped_column(String(16))

    domain: Mapped[Domain] = relationship()


class TakeoverReport(Base):
    """A reviewer's word that accounts were probably taken over, with the evidence it rests on, frozen for ever."""

    __tablename__ = "takeover_reports"
    __table_args__ = (Index("ix_takeover_reports_case_id", "case_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    reported_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
    case_version: Mapped[int]
    frozen: Mapped[dict[str, Any]]

    case: Mapped[Case] = relationship()
    staff: Mapped[Staff] = relationship()


class Notice(Base):
    """One thing said of one address, which is also its outbox row, in the states of an un-verification.

    `seq` is counted together with those of un-verifications: a source has one feed.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("source_id", "seq"),
        UniqueConstraint("address_id", "warning_id"),
        UniqueConstraint("address_id", "report_id"),
        Index("ix_notices_warning_id", "warning_id"),
        Index("ix_notices_report_id", "report_id"),
        Index("ix_notices_source_id_kind_raised_at", "source_id", "kind", "raised_at"),
        Index(
            "ix_notices_queued",
            "id",
            postgresql_where=text("state = 'queued'"),
            sqlite_where=text("state = 'queued'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    warning_id: Mapped[int | None] = mapped_column(ForeignKey("early_warnings.id"))
    report_id: Mapped[int | None] = mapped_column(ForeignKey("takeover_reports.id"))
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    state: Mapped[str] = mapped_column(String(16))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    judged: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(64))
    raised_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_why: Mapped[str | None] = mapped_column(Text)

    address: Mapped[Address] = relationship()
    source: Mapped[Source] = relationship()

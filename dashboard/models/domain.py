"""Monitored domains and what is known of them: batches, checks, evidence, periods and life-cycle events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId

DomainName = String(253).with_variant(String(253, collation="C"), "postgresql")
"""Sorted by bytes on every database, so that a search by prefix is a range of the index, whatever the locale."""


class Domain(Base):
    """A registrable domain (A-label), checked once for all sources.

    `next_check_at` is the due time (domain clock); `batch_id` with `leased_until` (wall clock) says that a batch
    holds it. `urgent`: it goes before others where there is not enough for all. `completed_at`: the last check in
    which nobody failed or was held back who could have known. `completion_due_at`: the due time that only completes
    the last check. `assessment` is the last answer as JSON for the screens; its columns are for filters.
    """

    __tablename__ = "domains"
    __table_args__ = (
        Index("ix_domains_next_check_at", "next_check_at", "id"),
        Index(
            "ix_domains_batch_id",
            "batch_id",
            postgresql_where=text("batch_id IS NOT NULL"),
            sqlite_where=text("batch_id IS NOT NULL"),
        ),
        Index(
            "ix_domains_urgent",
            "next_check_at",
            "id",
            postgresql_where=text("urgent"),
            sqlite_where=text("urgent = 1"),
        ),
        Index(
            "ix_domains_failing",
            "id",
            postgresql_where=text("failures > 0"),
            sqlite_where=text("failures > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(DomainName, unique=True)
    created_at: Mapped[datetime]
    next_check_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(BigId)
    leased_until: Mapped[datetime | None]
    last_checked_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    completion_due_at: Mapped[datetime | None]
    urgent: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    phase: Mapped[str] = mapped_column(String(32), default="unknown", server_default="unknown")
    confidence: Mapped[str] = mapped_column(String(16), default="insufficient", server_default="insufficient")
    recommendation: Mapped[str] = mapped_column(String(16), default="none", server_default="none")
    holder_change: Mapped[str] = mapped_column(String(32), default="none", server_default="none")
    registered_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    drop_at: Mapped[datetime | None]
    assessment: Mapped[dict[str, Any] | None]


class CheckBatch(Base):
    """Domains claimed together for one job; `finished_at` is None while it runs or after its worker died."""

    __tablename__ = "check_batches"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    created_at: Mapped[datetime]
    size: Mapped[int]
    finished_at: Mapped[datetime | None]


class Check(Base):
    """One committed check for one due time: unique, so that a job that runs twice leaves one."""

    __tablename__ = "checks"
    __table_args__ = (
        UniqueConstraint("domain_id", "due_at"),
        Index("ix_checks_checked_at", "checked_at", "domain_id", "failed"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    due_at: Mapped[datetime]
    checked_at: Mapped[datetime]
    phase: Mapped[str] = mapped_column(String(32))
    failed: Mapped[bool]


class EvidenceRecord(Base):
    """A provider's reading, compacted: an unchanged one only moves `last_seen_at` and counts `readings`."""

    __tablename__ = "evidence"
    __table_args__ = (Index("ix_evidence_domain_id_provider", "domain_id", "provider", "last_seen_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    provider: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    normalised: Mapped[dict[str, Any]]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    raw_digest: Mapped[str | None] = mapped_column(String(64))
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    readings: Mapped[int] = mapped_column(default=1, server_default=text("1"))


class RegistrationPeriod(Base):
    """One holder's time with a domain: a resurrection shows as a second period."""

    __tablename__ = "registration_periods"
    __table_args__ = (UniqueConstraint("domain_id", "started_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    registrar: Mapped[str | None] = mapped_column(String(255))
    handle: Mapped[str | None] = mapped_column(String(255))


class LifecycleEvent(Base):
    """Something that changed: phase, registrar, name servers, mail hosts, dates, holder. `key` keeps it single."""

    __tablename__ = "lifecycle_events"
    __table_args__ = (
        UniqueConstraint("domain_id", "key"),
        Index("ix_lifecycle_events_domain_id_at", "domain_id", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    key: Mapped[str] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    summary: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]]


class ProviderCount(Base):
    """How many look-ups a provider's server answered or failed, by day (domain clock) and kind of error."""

    __tablename__ = "provider_counts"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    provider: Mapped[str] = mapped_column(String(16), primary_key=True)
    server: Mapped[str] = mapped_column(String(253), primary_key=True)
    error: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)

"""The audit chain's tables; `dashboard.audit` is their only writer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId


class AuditEntry(Base):
    """One entry. `canonical` are the hashed bytes (RFC 8785); the other columns only serve filters."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_event", "event", "seq"),
        Index("ix_audit_entries_actor", "actor", "seq"),
        Index("ix_audit_entries_object", "object_type", "object_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    canonical: Mapped[bytes] = mapped_column(LargeBinary)
    event: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(String(255))
    occurred_at: Mapped[datetime]


class AuditHead(Base):
    """The chain's one head row: locking it, not the tail entry, is what keeps the chain from forking."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))

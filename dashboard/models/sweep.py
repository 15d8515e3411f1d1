"""The daily DNS sweep: whose turn is when, what was seen last, and how every batch went."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId


class Sweep(Base):
    """A domain's place in the sweep; the row comes with the domain's first full check.

    Apart from `domains`, because it is written once a day and a domain's row is wide. `next_at`, `swept_at` (the last
    answer that was believed) and `changed_at` are domain clock, `leased_until` is wall clock. `seen`: digests of what
    DNS said lately, the newest first, with commas (`lifecycle.sweep`).
    """

    __tablename__ = "sweeps"
    __table_args__ = (
        Index("ix_sweeps_next_at", "next_at", "domain_id"),
        Index(
            "ix_sweeps_batch_id",
            "batch_id",
            postgresql_where=text("batch_id IS NOT NULL"),
            sqlite_where=text("batch_id IS NOT NULL"),
        ),
    )

    domain_id: Mapped[int] = mapped_column(BigId, ForeignKey("domains.id"), primary_key=True, autoincrement=False)
    next_at: Mapped[datetime]
    swept_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    seen: Mapped[str] = mapped_column(String(128), default="", server_default="")
    failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    batch_id: Mapped[int | None] = mapped_column(BigId)
    leased_until: Mapped[datetime | None]


class SweepBatch(Base):
    """Domains swept together. `swept_at` (domain clock) is None while it runs or after its worker died.

    `changed` answers were news, `triggered` full checks became due; where `held`, more had changed than can be
    believed, and none did.
    """

    __tablename__ = "sweep_batches"
    __table_args__ = (Index("ix_sweep_batches_swept_at", "swept_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    claimed_at: Mapped[datetime]
    size: Mapped[int]
    swept_at: Mapped[datetime | None]
    answered: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    failed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    changed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    triggered: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    held: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

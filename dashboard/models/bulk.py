"""Bulk actions: one decision applied to a frozen list of cases, from its preview to its result."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.staff import Staff


class BulkKind(StrEnum):
    """What is done to every case: un-verify, keep verified, or take a bulk action's un-verifications back."""

    APPROVE = "approve"
    OVERRIDE = "override"
    REVERT = "revert"


class BulkState(StrEnum):
    """Where a bulk action stands (DESIGN 5); `preparing`: its preview is still being counted."""

    PREPARING = "preparing"
    PREVIEWED = "previewed"
    AWAITING_SECOND = "awaiting_second"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ABORTED = "aborted"
    WITHDRAWN = "withdrawn"


class ItemState(StrEnum):
    """One case of a bulk action: left out at the preview, waiting, done, skipped at its turn, or failed."""

    EXCLUDED = "excluded"
    PENDING = "pending"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class BulkAction(Base):
    """One bulk action. `version` grows with every step a person takes; forms carry it.

    Frozen at the preview: the items and addresses with their versions and states, `counts`, `policy` (its version and
    the values that were in force) and `digest` over all of them. `created_at`, `started_at` and `finished_at` are
    domain clock; `expires_at` (of the preview) and `leased_until` are wall clock. `lease` names the job that works on
    it, `round` counts the jobs that began to. `busy_ms` is the time spent working, from which the rate follows.
    """

    __tablename__ = "bulk_actions"
    __table_args__ = (
        Index(
            "ix_bulk_actions_working",
            "id",
            postgresql_where=text("state IN ('preparing', 'running')"),
            sqlite_where=text("state IN ('preparing', 'running')"),
        ),
        Index("ix_bulk_actions_reverts_id", "reverts_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(default=1)
    scope: Mapped[str] = mapped_column(String(16))
    filters: Mapped[dict[str, Any] | None]
    shown_count: Mapped[int | None]
    author_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    second_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    reverts_id: Mapped[int | None] = mapped_column(ForeignKey("bulk_actions.id"))
    reason_code: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    effect: Mapped[str] = mapped_column(String(32), default="unverify")
    policy: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64), default="")
    counts: Mapped[dict[str, Any]]
    needs_second: Mapped[bool] = mapped_column(default=False)
    is_staged: Mapped[bool] = mapped_column(default=False)
    stage: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    stopped_why: Mapped[str] = mapped_column(String(32), default="")
    items: Mapped[int] = mapped_column(default=0)
    addresses: Mapped[int] = mapped_column(default=0)
    done_items: Mapped[int] = mapped_column(default=0)
    done_addresses: Mapped[int] = mapped_column(default=0)
    skipped_items: Mapped[int] = mapped_column(default=0)
    skipped_addresses: Mapped[int] = mapped_column(default=0)
    failed_items: Mapped[int] = mapped_column(default=0)
    busy_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    round: Mapped[int] = mapped_column(default=0)

    author: Mapped[Staff] = relationship(foreign_keys=[author_id])
    second: Mapped[Staff | None] = relationship(foreign_keys=[second_id])


class BulkItem(Base):
    """One case of a bulk action, with what was judged of it at the preview.

    `position` is its place in the order of work. `why` says why it was excluded, skipped or failed. `frozen`, `facts`
    and `evidence_sha256` become the decision's; `frozen` moves there. `decision_id` is the decision made, or the one
    that is reverted. `addresses` were previewed, `changed` of them were left out at the item's turn.
    """

    __tablename__ = "bulk_items"
    __table_args__ = (
        UniqueConstraint("bulk_id", "case_id"),
        Index("ix_bulk_items_bulk_id", "bulk_id", "state", "position"),
        Index("ix_bulk_items_case_id", "case_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulk_actions.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    case_version: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16))
    why: Mapped[str] = mapped_column(String(32), default="")
    judged: Mapped[bool] = mapped_column(default=False)
    addresses: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    is_high_profile: Mapped[bool] = mapped_column(default=False)
    evidence_at: Mapped[datetime | None]
    evidence_sha256: Mapped[str] = mapped_column(String(64), default="")
    frozen: Mapped[dict[str, Any] | None]
    facts: Mapped[dict[str, Any] | None]
    decision_id: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))


class BulkAddress(Base):
    """One address of an item, in the state that was judged; `is_chosen`: it is part of the action.

    `judged` is that state as an un-verification names it, to be copied there without leaving the database.
    Addresses of high-profile accounts are left out until somebody ticks the account.
    """

    __tablename__ = "bulk_addresses"
    __table_args__ = (
        Index("ix_bulk_addresses_item_id", "item_id"),
        Index("ix_bulk_addresses_account_id", "bulk_id", "account_id"),
    )

    bulk_id: Mapped[int] = mapped_column(ForeignKey("bulk_actions.id"), primary_key=True)
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("bulk_items.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    is_high_profile: Mapped[bool] = mapped_column(default=False)
    is_chosen: Mapped[bool] = mapped_column(default=True)
    verified_at: Mapped[datetime | None]
    state_token: Mapped[str | None] = mapped_column(String(255))
    judged: Mapped[dict[str, Any] | None]

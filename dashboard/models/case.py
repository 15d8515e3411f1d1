"""Cases, the decisions on them, and the un-verifications that follow."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.account import Address
from dashboard.models.allow_list import AllowListEntry
from dashboard.models.brake import Brake
from dashboard.models.domain import Domain
from dashboard.models.source import Source
from dashboard.models.staff import Staff


class CaseState(StrEnum):
    """Where a case stands (DESIGN 5)."""

    OPEN = "open"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    DECIDED = "decided"
    CLOSED_RENEWED = "closed_renewed"
    CLOSED_NO_ADDRESSES = "closed_no_addresses"
    CLOSED_DISCARDED = "closed_discarded"
    CLOSED_ALLOW_LISTED = "closed_allow_listed"


PENDING = (CaseState.OPEN, CaseState.SNOOZED, CaseState.ESCALATED)
"""The states in which a case still waits for a decision."""
DECIDED = text("closed_how IN ('approve', 'override')")
"""Condition of an opening that a decision ended, as its index has it."""
_OPEN, _SNOOZED, _ESCALATED = (text(f"state = '{state.value}'") for state in PENDING)


class DecisionKind(StrEnum):
    """What was decided: un-verify, or keep verified."""

    APPROVE = "approve"
    OVERRIDE = "override"


class UnverificationState(StrEnum):
    """The effect of an approval on one address until the source acknowledged it (DESIGN 5)."""

    QUEUED = "queued"
    RECHECKING = "rechecking"
    SENT = "sent"
    APPLIED = "applied"
    ALREADY = "already"
    STALE = "stale"
    REJECTED = "rejected"
    WITHHELD = "withheld"
    WITHDRAWN = "withdrawn"
    REVERT_QUEUED = "revert_queued"
    REVERTED = "reverted"


class Case(Base):
    """A flagged domain waiting for, or carrying, a human decision; at most one a domain.

    `version` grows with every change a reviewer could miss; forms carry it. `decided_facts` are phase and holder at
    the decision: when they change, the case opens again. `brake_id`: the brake that holds the case; it is
    not approved until that is released. `allow_entry_id`: the allow-list entry that closed it.
    `wake_at`: when a snoozed case comes back by itself. `term_at`: when a decided one is looked at again, because its
    decision holds until then. `tld`: the last label of the domain, for the queue's filter.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "ix_cases_open_risk",
            text("risk DESC"),
            text("id DESC"),
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
        Index("ix_cases_opened_at", "opened_at"),
        Index("ix_cases_open_drop", "drop_at", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_cases_open_age", "opened_at", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_cases_open_addresses", "addresses", "id", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_cases_snoozed", "risk", "id", postgresql_where=_SNOOZED, sqlite_where=_SNOOZED),
        Index("ix_cases_escalated", "risk", "id", postgresql_where=_ESCALATED, sqlite_where=_ESCALATED),
        Index(
            "ix_cases_wake_at",
            "wake_at",
            postgresql_where=text("wake_at IS NOT NULL"),
            sqlite_where=text("wake_at IS NOT NULL"),
        ),
        Index(
            "ix_cases_term_at",
            "term_at",
            postgresql_where=text("term_at IS NOT NULL"),
            sqlite_where=text("term_at IS NOT NULL"),
        ),
        Index(
            "ix_cases_held",
            "brake_id",
            postgresql_where=text("brake_id IS NOT NULL"),
            sqlite_where=text("brake_id IS NOT NULL"),
        ),
        Index(
            "ix_cases_allowed",
            "allow_entry_id",
            postgresql_where=text("allow_entry_id IS NOT NULL"),
            sqlite_where=text("allow_entry_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"), unique=True)
    state: Mapped[str] = mapped_column(String(32))
    version: Mapped[int] = mapped_column(default=1)
    phase: Mapped[str] = mapped_column(String(32))
    confidence: Mapped[str] = mapped_column(String(16))
    recommendation: Mapped[str] = mapped_column(String(16))
    holder_change: Mapped[str] = mapped_column(String(32))
    risk: Mapped[int]
    risk_parts: Mapped[list[Any]]
    opened_at: Mapped[datetime]
    opened_why: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]
    decided_facts: Mapped[dict[str, Any] | None]
    drop_at: Mapped[datetime | None]
    brake_id: Mapped[int | None] = mapped_column(ForeignKey("brakes.id"))
    allow_entry_id: Mapped[int | None] = mapped_column(ForeignKey("allow_list_entries.id"))
    addresses: Mapped[int] = mapped_column(default=0)
    accounts: Mapped[int] = mapped_column(default=0)
    only_address_accounts: Mapped[int] = mapped_column(default=0)
    no_second_factor_accounts: Mapped[int] = mapped_column(default=0)
    packages: Mapped[int] = mapped_column(default=0)
    downloads_30d: Mapped[int] = mapped_column(BigInteger, default=0)
    wake_at: Mapped[datetime | None]
    term_at: Mapped[datetime | None]
    tld: Mapped[str | None] = mapped_column(String(63))

    domain: Mapped[Domain] = relationship()
    brake: Mapped[Brake | None] = relationship()
    allow_entry: Mapped[AllowListEntry | None] = relationship()
    decisions: Mapped[list[Decision]] = relationship(back_populates="case", order_by="Decision.id")


class CaseOpening(Base):
    """Each time a case was opened or opened again, and each time it closed: the history and the monthly figures.

    `phase`, `confidence` and `holder_change` are those at the opening, `recommended_at` when to un-verify was first
    recommended; None of openings from before these were kept.
    """

    __tablename__ = "case_openings"
    __table_args__ = (
        Index("ix_case_openings_opened_at", "opened_at"),
        Index("ix_case_openings_case_id", "case_id"),
        Index(
            "ix_case_openings_decided",
            "phase",
            "holder_change",
            "id",
            postgresql_where=DECIDED,
            sqlite_where=DECIDED,
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    opened_at: Mapped[datetime]
    why: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[datetime | None]
    closed_how: Mapped[str | None] = mapped_column(String(32))
    phase: Mapped[str | None] = mapped_column(String(32))
    confidence: Mapped[str | None] = mapped_column(String(16))
    holder_change: Mapped[str | None] = mapped_column(String(32))
    recommended_at: Mapped[datetime | None]


class Decision(Base):
    """What was decided, with the exact evidence it rests on, frozen for ever.

    Either a person decided (`staff_id`), or the policy that an admin had switched on (`policy_version`). `bulk_id`:
    the bulk action it is part of. `until`: when it runs out; None: it holds until the facts change. `reverted_at` and
    `reverted_by`: when somebody took it back, and who.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint("(staff_id IS NULL) <> (policy_version IS NULL)", name="decider"),
        Index("ix_decisions_case_id", "case_id"),
        Index("ix_decisions_opening_id", "opening_id"),
        Index("ix_decisions_decided_at", "decided_at"),
        Index(
            "ix_decisions_automatic",
            "decided_at",
            postgresql_where=text("policy_version IS NOT NULL"),
            sqlite_where=text("policy_version IS NOT NULL"),
        ),
        Index(
            "ix_decisions_bulk_id",
            "bulk_id",
            postgresql_where=text("bulk_id IS NOT NULL"),
            sqlite_where=text("bulk_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    opening_id: Mapped[int] = mapped_column(ForeignKey("case_openings.id"))
    kind: Mapped[str] = mapped_column(String(16))
    reason_code: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    policy_version: Mapped[int | None] = mapped_column(ForeignKey("policies.version"))
    decided_at: Mapped[datetime]
    case_version: Mapped[int]
    frozen: Mapped[dict[str, Any]]
    bulk_id: Mapped[int | None] = mapped_column(ForeignKey("bulk_actions.id"))
    until: Mapped[datetime | None]
    reverted_at: Mapped[datetime | None]
    reverted_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    case: Mapped[Case] = relationship(back_populates="decisions")
    staff: Mapped[Staff | None] = relationship(foreign_keys=[staff_id])
    unverifications: Mapped[list[Unverification]] = relationship(back_populates="decision")


def decided_by(email: str | None, policy_version: int | None) -> str:
    """Say who made a decision: a member of staff, or the policy."""
    return email or f"automatic approval, policy version {policy_version}"


class Unverification(Base):
    """One effect on one address, which is also its outbox row: `seq` is given at publishing, per source.

    `kind` is `unverify`, or `revert` for one that takes the un-verification `reverts_id` back. `revert_asked_at`: it
    was to be taken back while the source had not answered yet, and will be as soon as it has.
    """

    __tablename__ = "unverifications"
    __table_args__ = (
        UniqueConstraint("source_id", "seq"),
        UniqueConstraint("decision_id", "address_id", "kind"),
        Index("ix_unverifications_address_id", "address_id"),
        Index(
            "ix_unverifications_queued",
            "id",
            postgresql_where=text("state = 'queued'"),
            sqlite_where=text("state = 'queued'"),
        ),
        Index(
            "ix_unverifications_rechecking",
            "id",
            postgresql_where=text("state = 'rechecking'"),
            sqlite_where=text("state = 'rechecking'"),
        ),
        Index(
            "ix_unverifications_reverts_id",
            "reverts_id",
            postgresql_where=text("reverts_id IS NOT NULL"),
            sqlite_where=text("reverts_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    kind: Mapped[str] = mapped_column(String(32))
    effect: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    judged: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    settled_why: Mapped[str | None] = mapped_column(Text)
    reverts_id: Mapped[int | None] = mapped_column(ForeignKey("unverifications.id"))
    revert_asked_at: Mapped[datetime | None]

    decision: Mapped[Decision] = relationship(back_populates="unverifications")
    address: Mapped[Address] = relationship()
    source: Mapped[Source] = relationship()

"""The allow-list, and the reveals of addresses: both say who wanted what, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.domain import DomainName
from dashboard.models.staff import Staff


class AllowKind(StrEnum):
    """What an entry names."""

    DOMAIN = "domain"
    HOST = "host"
    SUFFIX = "suffix"
    MX = "mx"
    PRESET = "preset"


_LIVE = "ended_at IS NULL OR kind = 'preset'"
_UNSETTLED = "settled_at IS NULL"


class AllowListEntry(Base):
    """Addresses that are never un-verified: those of a domain, at a host, below a suffix, or behind a mail operator.

    `domain` is the registrable domain that `value` belongs to, None for a suffix above all of them. An entry that
    ended stays, for the record. A `preset` row only exists once it was hit or switched off, and is the only one of
    its value; the preset itself is code. `settled_at` is None until open cases were brought in line with the entry's
    beginning or its end, `settled_through` how far that came (a domain's id). `changed_at` and `changed_by`: when
    reason or expiry were last changed, and by whom. Times are domain clock.
    """

    __tablename__ = "allow_list_entries"
    __table_args__ = (
        Index(
            "uq_allow_list_entries_live",
            "kind",
            "value",
            unique=True,
            postgresql_where=text(_LIVE),
            sqlite_where=text(_LIVE),
        ),
        Index("ix_allow_list_entries_domain", "domain"),
        Index(
            "ix_allow_list_entries_unsettled",
            "id",
            postgresql_where=text(_UNSETTLED),
            sqlite_where=text(_UNSETTLED),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(DomainName)
    domain: Mapped[str | None] = mapped_column(DomainName)
    reason: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    hits: Mapped[int] = mapped_column(BigInteger, default=0)
    last_hit_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_how: Mapped[str | None] = mapped_column(String(16))
    ended_reason: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
    settled_through: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_at: Mapped[datetime | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    author: Mapped[Staff | None] = relationship(foreign_keys=[created_by])
    ender: Mapped[Staff | None] = relationship(foreign_keys=[ended_by])


class Reveal(Base):
    """One look at one address in full, and what for. `at` is wall clock: the limit by the hour counts these rows."""

    __tablename__ = "reveals"
    __table_args__ = (Index("ix_reveals_staff_id_at", "staff_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    address_id: Mapped[int] = mapped_column(ForeignKey("addresses.id"))
    at: Mapped[datetime]
    reason_code: Mapped[str] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text)

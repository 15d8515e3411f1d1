"""Which domains rely on which, for their mail or their names, and what of these has lapsed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId

_CURRENT = "last_seen_at IS NULL"
_SPREADING = "spread_after IS NOT NULL"


class Dependency(Base):
    """`domain_id` relies on `depends_on_id`, whose hosts take its mail (`mx`) or serve its names (`ns`).

    `last_seen_at` is None while the newest DNS answer names it, so that a check that finds nothing new writes
    nothing; then it is when that was seen last. Only domains with verified addresses have any.
    """

    __tablename__ = "dependencies"
    __table_args__ = (
        UniqueConstraint("domain_id", "kind", "depends_on_id"),
        Index(
            "ix_dependencies_relied_on",
            "depends_on_id",
            "domain_id",
            postgresql_where=text(_CURRENT),
            sqlite_where=text(_CURRENT),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    kind: Mapped[str] = mapped_column(String(2))
    depends_on_id: Mapped[int] = mapped_column(ForeignKey("domains.id"))
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]


class DependencyLapse(Base):
    """A domain that others rely on and that lapses, is lost or changed hands.

    `since`: when it changed hands, else when the lapse was noted. `cleared_at`: when its directory showed that its
    holder had renewed it. `spread_after`: the last dependent (by id) to whom this was brought, None when all of them
    know; `revision` grows with every change, so that a spreading that began before it cannot mark it as spread.
    """

    __tablename__ = "dependency_lapses"
    __table_args__ = (
        Index(
            "ix_dependency_lapses_spreading",
            "domain_id",
            postgresql_where=text(_SPREADING),
            sqlite_where=text(_SPREADING),
        ),
    )

    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(32))
    holder_change: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    spread_after: Mapped[int | None] = mapped_column(BigId)
    revision: Mapped[int] = mapped_column(default=1, server_default=text("1"))

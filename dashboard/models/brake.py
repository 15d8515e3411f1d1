"""Brakes, and the counts of new lapses that they measure."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId
from dashboard.models.staff import Staff


class Brake(Base):
    """An automatic stop (DESIGN 1): `provider` and `tld` are empty where it covers all of them; one on a scope.

    `lapsed` new lapses among `checked` names against a `limit_per_mille` of believable ones (thousandths, so that no
    fraction is rounded away) tripped it, measured as `mode` says. `released_how` is `released` or `discarded`.
    """

    __tablename__ = "brakes"
    __table_args__ = (
        Index(
            "uq_brakes_on",
            "provider",
            "tld",
            unique=True,
            postgresql_where=text("released_at IS NULL"),
            sqlite_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    scope: Mapped[str] = mapped_column(String(16))
    provider: Mapped[str] = mapped_column(String(16))
    tld: Mapped[str] = mapped_column(String(63))
    mode: Mapped[str] = mapped_column(String(16))
    lapsed: Mapped[int]
    checked: Mapped[int]
    limit_per_mille: Mapped[int]
    opened_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    released_how: Mapped[str | None] = mapped_column(String(16))

    releaser: Mapped[Staff | None] = relationship()


WITH_LAPSES = "lapsed + accepted + discarded > 0"
"""One count in a hundred: a dry run of the policy reads four months of them."""


class LapseCount(Base):
    """Good readings and new lapses of one hour (domain clock), by provider and TLD; provider `-`: the assessment.

    `accepted` are new lapses that a released brake had stopped: they count for the baseline, not for the window;
    `discarded` those that an admin called a provider's fault: they count for nothing, and are kept for dry runs.
    """

    __tablename__ = "lapse_counts"
    __table_args__ = (
        Index(
            "ix_lapse_counts_with_lapses",
            "hour",
            postgresql_where=text(WITH_LAPSES),
            sqlite_where=text(WITH_LAPSES),
        ),
    )

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(16), primary_key=True)
    tld: Mapped[str] = mapped_column(String(63), primary_key=True)
    checked: Mapped[int] = mapped_column(default=0)
    lapsed: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    discarded: Mapped[int] = mapped_column(default=0, server_default=text("0"))

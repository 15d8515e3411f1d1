"""The monthly figures of months that are over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.database import Base, BigId
from dashboard.models.case import Unverification
from dashboard.models.notice import Notice


class MonthFigures(Base):
    """One source's figures of one month (`YYYY-MM`, UTC), kept as they were counted when the month was frozen.

    A check or a case belongs to the sources that have addresses at its domain *now*: counted again a year later, an
    old month would tell other numbers than its report did. The median is None where nothing was decided. A source
    that was added after `frozen_at` has no row.
    """

    __tablename__ = "month_figures"

    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    source_id: Mapped[int] = mapped_column(BigId, ForeignKey("sources.id"), primary_key=True, autoincrement=False)
    domains_checked: Mapped[int] = mapped_column(default=0)
    flagged: Mapped[int] = mapped_column(default=0)
    approved: Mapped[int] = mapped_column(default=0)
    overridden: Mapped[int] = mapped_column(default=0)
    addresses_unverified: Mapped[int] = mapped_column(default=0)
    stale: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    reverted: Mapped[int] = mapped_column(default=0)
    median_hours_to_decision: Mapped[float | None]
    resets_refused: Mapped[int] = mapped_column(default=0)
    early_warnings: Mapped[int] = mapped_column(default=0)
    takeovers_reported: Mapped[int] = mapped_column(default=0)
    frozen_at: Mapped[datetime]


# What sources answered is counted by the month of the answer.
Index("ix_unverifications_settled_at", Unverification.settled_at)
Index("ix_notices_settled_at", Notice.settled_at)

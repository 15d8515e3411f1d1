"""The policy, in versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base
from dashboard.models.staff import Staff


class PolicyVersion(Base):
    """One version: all its values (`lifecycle.policy.to_values`), who set them and why. Rows never change.

    The highest `version` is in force; without any row the defaults are, which are version 1.
    """

    __tablename__ = "policies"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    values: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]

    staff: Mapped[Staff] = relationship()

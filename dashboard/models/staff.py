"""Staff, their sessions, the first-start setup code and the throttle of sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dashboard.database import Base, BigId


class Role(StrEnum):
    """What a member of staff may do; the permission map says what each means."""

    REVIEWER = "reviewer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Staff(Base):
    """A person of the trust and safety staff. `email` is their sign-in name, lower-case; `shortcuts`: keys are on."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    created_at: Mapped[datetime]
    shortcuts: Mapped[bool] = mapped_column(default=True, server_default=text("true"))


class StaffSession(Base):
    """A signed-in browser: only the SHA-256 of its token is kept. Times are wall clock."""

    __tablename__ = "staff_sessions"
    __table_args__ = (Index("ix_staff_sessions_staff_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    staff: Mapped[Staff] = relationship()


class SetupCode(Base):
    """The single-use code printed at the first start, with which the first admin is made."""

    __tablename__ = "setup_codes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInThrottle(Base):
    """Failed sign-ins of one key (HMAC of name or network address) in one minute (wall clock)."""

    __tablename__ = "sign_in_throttle"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)


class Marker(Base):
    """A fact about the whole database, e.g. that it belongs to the demo."""

    __tablename__ = "markers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(255))

"""Signed-in browsers: a random token in a cookie, its SHA-256 in the database. All times are wall clock."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from dashboard import runtime
from dashboard.models import Staff, StaffSession

IDLE = timedelta(hours=2)
# A session's use is noted at most this often: a write for every page would make readers writers.
TOUCH_EVERY = timedelta(minutes=1)


def digest_of(token: str) -> str:
    """Return what is kept of a random token. It is long enough that no salt or slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def start_session(session: Session, staff: Staff, now: datetime) -> str:
    """Open a session for `staff` and return its token (256 bits), which is kept nowhere."""
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff.id, StaffSession.expires_at <= now))
    token = secrets.token_urlsafe(32)
    lifetime = timedelta(hours=runtime.settings().session_hours)
    session.add(
        StaffSession(
            digest=digest_of(token), staff_id=staff.id, created_at=now, last_seen_at=now, expires_at=now + lifetime
        )
    )
    session.flush()
    return token


def find_session(session: Session, token: str, now: datetime) -> StaffSession | None:
    """Return the living session of `token` with its member of staff, or None: unknown, expired, idle, or left."""
    found = session.scalars(
        select(StaffSession)
        .join(StaffSession.staff)
        .options(joinedload(StaffSession.staff))
        .where(
            StaffSession.digest == digest_of(token),
            StaffSession.expires_at > now,
            StaffSession.last_seen_at > now - IDLE,
            Staff.active,
        )
    )
    return found.one_or_none()


def needs_touch(found: StaffSession, now: datetime) -> bool:
    """Whether the session's use should be noted again."""
    return now - found.last_seen_at >= TOUCH_EVERY


def touch_session(session: Session, token: str, now: datetime) -> None:
    """Note that the session is in use."""
    session.execute(update(StaffSession).where(StaffSession.digest == digest_of(token)).values(last_seen_at=now))


def end_session(session: Session, token: str) -> None:
    """Revoke one session; an unknown one is already over."""
    session.execute(delete(StaffSession).where(StaffSession.digest == digest_of(token)))


def end_sessions_of(session: Session, staff_id: int) -> None:
    """Revoke every session of a member of staff."""
    session.execute(delete(StaffSession).where(StaffSession.staff_id == staff_id))


def cookie_name() -> str:
    """Return the cookie's name: over HTTPS the `__Host-` prefix binds it to this host and path (RFC 6265bis)."""
    return "__Host-lapsewatch" if runtime.settings().cookie_secure else "lapsewatch"


def set_cookie(response: Response, token: str) -> None:
    """Hand the session's token to the browser."""
    settings = runtime.settings()
    response.set_cookie(
        cookie_name(),
        token,
        max_age=settings.session_hours * 3600,
        path="/",
        secure=settings.cookie_secure,
        httponly=True,
        samesite="Lax",
    )


def clear_cookie(response: Response) -> None:
    """Take the session's token back from the browser."""
    response.delete_cookie(
        cookie_name(), path="/", secure=runtime.settings().cookie_secure, httponly=True, samesite="Lax"
    )

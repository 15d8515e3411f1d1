"""The first admin: made in the browser with a code that only whoever started the program has seen. Wall clock."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from dashboard.audit.events import Event
from dashboard.audit.record import record, subject
from dashboard.auth.identity import identity_of
from dashboard.auth.sessions import digest_of
from dashboard.auth.staff import StaffResult, new_staff
from dashboard.models import Role, SetupCode, Staff

LIFETIME = timedelta(minutes=15)


class SetupProblem(StrEnum):
    """Why the first admin was not made."""

    DONE = "Somebody has set up this console already. Sign in instead."
    WRONG_CODE = "This is not the setup code, or its 15 minutes are over. Restart the program to get a new one."


def is_needed(session: Session) -> bool:
    """Whether there is no staff yet."""
    return not session.scalar(select(exists().select_from(Staff)))


def issue_setup_code(session: Session, now: datetime) -> str:
    """Make the one valid setup code (80 bits, 15 minutes) and return it to be printed; earlier ones are void."""
    session.execute(delete(SetupCode).where(SetupCode.used_at.is_(None)))
    plain = base64.b32encode(secrets.token_bytes(10)).decode()
    session.add(SetupCode(digest=digest_of(plain), expires_at=now + LIFETIME))
    session.flush()
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def complete_setup(
    session: Session, code: str, email: str, password: str, now: datetime
) -> StaffResult | SetupProblem:
    """Make the first admin, once, with one `setup.completed` audit entry.

    The code is used up only when an admin was made; a mistyped address or a short password leave it valid.
    """
    if not is_needed(session):
        return SetupProblem.DONE
    if not _use(session, code, now):
        return SetupProblem.WRONG_CODE
    result = new_staff(session, email, Role.ADMIN, password, now)
    if result.staff is None:
        session.execute(update(SetupCode).where(SetupCode.digest == _digest(code)).values(used_at=None))
        return result
    record(
        session,
        Event.SETUP_COMPLETED,
        actor=identity_of(result.staff).actor,
        object_type="staff",
        object_id=str(result.staff.id),
        data={"role": Role.ADMIN.value},
        now=now,
        subjects=[subject("email", result.staff.email)],
    )
    return result


def _use(session: Session, code: str, now: datetime) -> bool:
    """Mark the code as used; of two at once the second waits for the first, and then finds nothing."""
    live = (SetupCode.digest == _digest(code), SetupCode.used_at.is_(None), SetupCode.expires_at > now)
    used = session.execute(update(SetupCode).where(*live).values(used_at=now).returning(SetupCode.id))
    return used.first() is not None


def _digest(code: str) -> str:
    """Digest a code as people type it: in any case, with spaces or dashes or none."""
    return digest_of("".join(character for character in code.upper() if character.isalnum()))

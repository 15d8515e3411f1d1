"""Members of staff."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record, subject
from dashboard.auth.passwords import MIN_LENGTH, acceptable, passwords
from dashboard.models import Role, Staff

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


class StaffProblem(StrEnum):
    """Why somebody was not added, in words for the screen and the command line."""

    NOT_AN_EMAIL = "Enter an e-mail address, like ann@example.com."
    EMAIL_TAKEN = "Somebody with this e-mail address is already on the staff."
    PASSWORD_LENGTH = f"Choose a password of at least {MIN_LENGTH} characters."


@dataclass(frozen=True, slots=True)
class StaffResult:
    """The new member of staff, or why there is none."""

    staff: Staff | None = None
    problem: StaffProblem | None = None


def add_staff(session: Session, email: str, role: Role, password: str, now: datetime, actor: Actor) -> StaffResult:
    """Add a member of staff, with one `staff.added` audit entry."""
    result = new_staff(session, email, role, password, now)
    if staff := result.staff:
        record(
            session,
            Event.STAFF_ADDED,
            actor=actor,
            object_type="staff",
            object_id=str(staff.id),
            data={"role": role.value},
            now=now,
            subjects=[subject("email", staff.email)],
        )
    return result


def new_staff(session: Session, email: str, role: Role, password: str, now: datetime) -> StaffResult:
    """Add a member of staff without an audit entry, which is the caller's to write."""
    email = normal_email(email)
    if len(email) > 254 or not email.isprintable() or not _EMAIL.fullmatch(email):
        return StaffResult(problem=StaffProblem.NOT_AN_EMAIL)
    if not acceptable(password):
        return StaffResult(problem=StaffProblem.PASSWORD_LENGTH)
    if find_staff(session, email):
        return StaffResult(problem=StaffProblem.EMAIL_TAKEN)
    staff = Staff(email=email, role=role.value, password_hash=passwords().hash(password), active=True, created_at=now)
    session.add(staff)
    session.flush()
    return StaffResult(staff=staff)


def find_staff(session: Session, email: str) -> Staff | None:
    """Return the member of staff who signs in as `email`, active or not."""
    if not email.strip().isprintable():  # nobody does, and PostgreSQL takes no NUL to ask for
        return None
    return session.scalars(select(Staff).where(Staff.email == normal_email(email))).one_or_none()


def normal_email(email: str) -> str:
    """Return a sign-in name in the form that is kept."""
    return email.strip().lower()

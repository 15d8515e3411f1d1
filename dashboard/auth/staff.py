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
from dashboard.auth.sessions import end_sessions_of
from dashboard.models import Role, Staff

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


class StaffProblem(StrEnum):
    """Why somebody was not added, in words for the screen and the command line."""

    NOT_AN_EMAIL = "Enter an e-mail address, like ann@example.com."
    EMAIL_TAKEN = "Somebody with this e-mail address is already on the staff."
    NOT_ON_STAFF = "Nobody with this e-mail address is on the staff."
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


def disable_staff(session: Session, email: str, now: datetime, actor: Actor) -> StaffResult:
    """Let somebody sign in no more and end their sessions; what they decided keeps their name."""
    staff = find_staff(session, email)
    if staff is None:
        return StaffResult(problem=StaffProblem.NOT_ON_STAFF)
    staff.active = False
    _end_sessions_and_tell(session, staff, Event.STAFF_DISABLED, now, actor)
    return StaffResult(staff=staff)


def set_password(session: Session, email: str, password: str, now: datetime, actor: Actor) -> StaffResult:
    """Give somebody a new password, let them sign in (again), and end the sessions of the old one."""
    staff = find_staff(session, email)
    if staff is None:
        return StaffResult(problem=StaffProblem.NOT_ON_STAFF)
    if not acceptable(password):
        return StaffResult(problem=StaffProblem.PASSWORD_LENGTH)
    staff.password_hash, staff.active = passwords().hash(password), True
    _end_sessions_and_tell(session, staff, Event.STAFF_PASSWORD_SET, now, actor)
    return StaffResult(staff=staff)


def _end_sessions_and_tell(session: Session, staff: Staff, event: Event, now: datetime, actor: Actor) -> None:
    end_sessions_of(session, staff.id)
    record(
        session,
        event,
        actor=actor,
        object_type="staff",
        object_id=str(staff.id),
        data={},
        now=now,
        subjects=[subject("email", staff.email)],
    )


def find_staff(session: Session, email: str) -> Staff | None:
    """Return the member of staff who signs in as `email`, active or not."""
    if not email.strip().isprintable():  # nobody does, and PostgreSQL takes no NUL to ask for
        return None
    return session.scalars(select(Staff).where(Staff.email == normal_email(email))).one_or_none()


def normal_email(email: str) -> str:
    """Return a sign-in name in the form that is kept."""
    return email.strip().lower()

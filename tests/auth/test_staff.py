"""Adding members of staff."""

from __future__ import annotations

import pytest
from flask import Flask

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import subject
from dashboard.auth.staff import StaffProblem, add_staff, find_staff
from dashboard.database import db, writing
from dashboard.models import Role
from tests.conftest import START
from tests.support.audit import assert_one_entry, entries
from tests.support.people import CHEAP, PASSWORD, make_staff, use_cheap_passwords

CLI = system("cli")


def test_somebody_is_added_with_one_entry_that_does_not_name_them(context: Flask) -> None:
    use_cheap_passwords(context)
    with assert_one_entry(Event.STAFF_ADDED) as entry, writing() as session:
        staff = add_staff(session, " Ann@Example.com ", Role.AUDITOR, PASSWORD, START, CLI).staff
        assert staff
    assert (staff.email, staff.role, staff.active) == ("ann@example.com", "auditor", True)
    assert CHEAP.matches(PASSWORD, staff.password_hash)
    assert entry.object == {"type": "staff", "id": str(staff.id)}
    assert entry.actor == "system:cli"
    assert entry.data == {"role": "auditor"}
    assert entry.subjects == [subject("email", "ann@example.com")]
    assert find_staff(db.session(), "ANN@example.com") is not None


@pytest.mark.parametrize(
    ("email", "password", "problem"),
    [
        ("ann", PASSWORD, StaffProblem.NOT_AN_EMAIL),
        ("ann@", PASSWORD, StaffProblem.NOT_AN_EMAIL),
        ("ann lee@example.com", PASSWORD, StaffProblem.NOT_AN_EMAIL),
        ("ann\u202e@example.com", PASSWORD, StaffProblem.NOT_AN_EMAIL),
        ("ann\0@example.com", PASSWORD, StaffProblem.NOT_AN_EMAIL),
        ("a" * 250 + "@example.com", PASSWORD, StaffProblem.NOT_AN_EMAIL),
        ("ann@example.com", "short", StaffProblem.PASSWORD_LENGTH),
        ("Taken@example.com", PASSWORD, StaffProblem.EMAIL_TAKEN),
    ],
)
def test_what_cannot_be_used_adds_nobody(context: Flask, email: str, password: str, problem: StaffProblem) -> None:
    make_staff(email="taken@example.com")
    before = len(entries(db.session()))
    with writing() as session:
        result = add_staff(session, email, Role.REVIEWER, password, START, CLI)
    assert (result.staff, result.problem) == (None, problem)
    assert len(entries(db.session())) == before

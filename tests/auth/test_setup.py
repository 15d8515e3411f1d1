"""The first admin, once, with the code from the terminal."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.audit.events import Event
from dashboard.auth.setup import LIFETIME, SetupProblem, complete_setup, is_needed, issue_setup_code
from dashboard.auth.staff import StaffProblem, StaffResult
from dashboard.database import db, writing
from dashboard.models import Staff
from tests.conftest import START
from tests.support.audit import assert_one_entry
from tests.support.people import PASSWORD, make_staff, use_cheap_passwords


@pytest.fixture
def code(context: Flask) -> str:
    use_cheap_passwords(context)
    with writing() as session:
        return issue_setup_code(session, START)


def finish(
    code: str, email: str = "ann@example.com", password: str = PASSWORD, after: timedelta = timedelta()
) -> StaffResult | SetupProblem:
    with writing() as session:
        return complete_setup(session, code, email, password, START + after)


def test_the_code_makes_the_first_admin_with_one_entry(code: str) -> None:
    assert is_needed(db.session())
    with assert_one_entry(Event.SETUP_COMPLETED) as entry:
        result = finish(code)
    assert isinstance(result, StaffResult)
    assert result.staff
    assert result.staff.role == "admin"
    assert entry.actor == f"staff:{result.staff.id}"
    assert not is_needed(db.session())


def test_the_code_is_typed_as_people_type(code: str) -> None:
    result = finish(f" {code.lower().replace('-', ' ')} ")
    assert isinstance(result, StaffResult)


@pytest.mark.parametrize("wrong", ["", "AAAA-BBBB-CCCC-DDDD", "-"])
def test_another_code_is_refused(code: str, wrong: str) -> None:
    assert finish(wrong) is SetupProblem.WRONG_CODE
    assert is_needed(db.session())


def test_the_code_runs_out(code: str) -> None:
    assert finish(code, after=LIFETIME) is SetupProblem.WRONG_CODE


def test_a_new_code_voids_the_one_before(code: str) -> None:
    with writing() as session:
        issue_setup_code(session, START)
    assert finish(code) is SetupProblem.WRONG_CODE


def test_a_mistake_does_not_use_the_code_up(code: str) -> None:
    assert finish(code, password="short") == StaffResult(problem=StaffProblem.PASSWORD_LENGTH)
    assert isinstance(finish(code), StaffResult)


def test_there_is_no_set_up_once_there_is_staff(code: str) -> None:
    make_staff()
    assert finish(code) is SetupProblem.DONE


def test_of_two_at_once_one_becomes_admin(app: Flask, code: str) -> None:
    results = []

    def race(number: int) -> None:
        with app.app_context():
            results.append(finish(code, email=f"ann{number}@example.com"))

    db.session.remove()
    threads = [threading.Thread(target=race, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([each for each in results if isinstance(each, StaffResult)]) == 1
    assert db.session.scalar(select(func.count()).select_from(Staff)) == 1

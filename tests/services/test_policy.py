"""The policy in versions: defaults, changes, and two admins at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.database import db, writing
from dashboard.lifecycle.policy import DEFAULTS, Policy, to_values
from dashboard.models import AuditEntry, PolicyVersion
from dashboard.services.policy import change, current, high_profile_accounts
from dashboard.services.policy.versions import Changed
from tests import factories as make
from tests.conftest import START
from tests.support import story

pytestmark = pytest.mark.usefixtures("context")
ACTOR = system("tests")
_numbers = count()


def put(session: Session, wanted: Policy, expected: int, note: str = "because") -> Changed:
    staff = story.add_staff(session, f"admin{next(_numbers)}@desk.test")
    return change(session, wanted, note, ACTOR, staff.id, START, expected_version=expected)


def test_the_defaults_are_version_one() -> None:
    assert current(db.session()) == DEFAULTS
    assert DEFAULTS.version == 1


def test_a_change_is_the_next_version_with_one_audit_entry() -> None:
    with writing() as session:
        done = put(session, replace(DEFAULTS, type_above=5, brake_share=0.015), expected=1)
    assert done.done
    assert done.policy == replace(DEFAULTS, version=2, type_above=5, brake_share=0.015)
    assert current(db.session()) == done.policy
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.event == "policy.changed")).one()
    assert b'"changes":{"brake_share":["0.02","0.015"],"type_above":["10","5"]}' in entry.canonical
    assert entry.object_id == "2"


def test_whoever_comes_second_changes_nothing() -> None:
    with writing() as session:
        put(session, replace(DEFAULTS, type_above=5), expected=1)
        second = put(session, replace(DEFAULTS, type_above=6), expected=1)
    assert second.conflict
    assert not second.done
    assert second.policy.type_above == 5
    assert current(db.session()).version == 2


def test_the_same_values_are_no_new_version() -> None:
    with writing() as session:
        assert put(session, DEFAULTS, expected=1).unchanged
    assert db.session.scalars(select(PolicyVersion.version)).all() == []


def test_what_cannot_be_used_is_told_by_field_and_not_written() -> None:
    with writing() as session:
        done = put(session, replace(DEFAULTS, type_above=0, brake_share=0.5), expected=1, note=" ")
    assert done.problems.keys() == {"type_above", "brake_share", "note"}
    assert db.session.scalars(select(PolicyVersion.version)).all() == []


def test_a_version_from_before_a_value_existed_has_its_default() -> None:
    values = to_values(replace(DEFAULTS, type_above=3))
    del values["abort_share"]
    with writing() as session:
        staff = story.add_staff(session)
        session.add(PolicyVersion(version=2, values=values, note="old", staff_id=staff.id, created_at=START))
    assert current(db.session()) == replace(DEFAULTS, version=2, type_above=3)


def test_high_profile_is_by_downloads_or_by_the_sources_word() -> None:
    with writing() as session:
        source = make.make_source(session)
        big, flagged, small = (make.make_account(session, source) for _ in range(3))
        make.make_package(session, big, downloads_30d=1_000_000)
        make.make_package(session, flagged, downloads_30d=None, critical=True)
        make.make_package(session, small, downloads_30d=999_999)
        everyone = [big.id, flagged.id, small.id]
        assert high_profile_accounts(session, DEFAULTS, everyone) == {big.id, flagged.id}
        by_downloads = replace(DEFAULTS, high_profile_critical=False)
        assert high_profile_accounts(session, by_downloads, everyone) == {big.id}


@pytest.mark.parametrize("changed_before", [False, True])
def test_of_two_admins_at_once_exactly_one_changes_it(app: Flask, *, changed_before: bool) -> None:
    with writing() as session:
        ada, ben = (story.add_staff(session, f"{name}@desk.test").id for name in ("ada", "ben"))
        expected = put(session, replace(DEFAULTS, type_above=9), expected=1).policy.version if changed_before else 1
    db.session.remove()
    start = Barrier(2)

    def work(staff_id: int) -> bool:
        with app.app_context():
            start.wait(60)
            with writing() as session:
                wanted = replace(DEFAULTS, type_above=staff_id)
                return change(session, wanted, "mine", ACTOR, staff_id, START, expected_version=expected).done

    with ThreadPoolExecutor(2) as pool:
        assert sorted(each.result() for each in [pool.submit(work, ada), pool.submit(work, ben)]) == [False, True]
    assert current(db.session()).version == expected + 1

"""The job that wakes snoozed cases: everything that is due, and nothing twice."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select

from dashboard.database import db, writing
from dashboard.models import Case
from jobs import triage
from jobs.schedule import entries
from tests import factories as make
from tests.conftest import START, ManualClock
from tests.support.audit import entries as audit_entries


def test_all_that_is_due_wakes_once(context: Flask, clock: ManualClock) -> None:
    with writing() as session:
        for days in (1, 1, 1, 2, 2, 2, 30):
            make.make_case(session, state="snoozed", wake_at=START + timedelta(days=days))
        make.make_case(session, state="snoozed", wake_at=None)
    assert triage.wake() == {"woken": 0}
    clock.advance(days=3)
    assert triage.wake() == {"woken": 6}
    assert triage.wake() == {"woken": 0}
    open_cases = select(func.count()).select_from(Case).where(Case.state == "open", Case.wake_at.is_(None))
    assert db.session.scalar(open_cases) == 6
    returned = [entry for entry in audit_entries(db.session()) if entry.event == "case.returned"]
    assert len(returned) == 6
    assert {entry.actor for entry in returned} == {"system:wake"}


def test_the_scheduler_knows_it(context: Flask) -> None:
    assert "jobs.triage.wake" in [entry.name for entry in entries(context)]

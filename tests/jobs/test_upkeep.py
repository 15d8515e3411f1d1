"""Periodic upkeep that no request brings about."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from dashboard.auth import throttle
from dashboard.database import db, writing
from dashboard.models import AuditEntry
from jobs.upkeep import record_failures
from tests.conftest import ManualClock


def test_failed_attempts_are_told_of_when_their_minute_is_over_though_nobody_signs_in(
    context: Flask, wall_clock: ManualClock
) -> None:
    with writing() as session:
        throttle.count_failure(session, throttle.Way.PASSWORD, wall_clock.now())
        throttle.count_failure(session, throttle.Way.PASSWORD, wall_clock.now())
    assert record_failures() == {"entries": 0}
    wall_clock.advance(minutes=1)
    assert record_failures() == {"entries": 1}
    assert record_failures() == {"entries": 0}
    entry = db.session.scalars(select(AuditEntry)).one()
    assert entry.event == "staff.sign_in_failed"
    assert b'"failures":2' in entry.canonical

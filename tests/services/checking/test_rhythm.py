"""Each switch of the schedule's policy changes the due time that is stored."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from dashboard.config import load_settings
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Evidence, Phase
from dashboard.lifecycle.schedule import SchedulePolicy
from dashboard.models import Domain
from dashboard.services.checking.claim import claim_batch, open_batch
from dashboard.services.checking.record import Answer, CheckedDomain, record_checks
from tests.conftest import START
from tests.support import story

DAY = timedelta(days=1)


def stored(name: str, evidence: Evidence, policy: SchedulePolicy, recheck_days: int = 30) -> timedelta:
    """Check a new domain with one verified address; return how long it is left alone."""
    with writing() as session:
        domain = story.add_domain(session, name)
        story.add_accounts(session, story.add_source(session, name), domain)
    with writing() as session:
        batch = claim_batch(session, now=START, wall_now=START, size=9, lease=story.LEASE)
        assert batch
        due = open_batch(session, batch, wall_now=START, lease=story.LEASE)
        checked = [CheckedDomain(item.id, item.due_at, [Answer(evidence, None, None)]) for item in due]
        record_checks(session, batch, checked, START, recheck_days=recheck_days, policy=policy)
    return next_check(name) - START


def next_check(name: str) -> datetime:
    return db.session.query(Domain.next_check_at).filter_by(name=name).scalar()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("policy", "name", "phase", "expires_in", "days"),
    [
        (SchedulePolicy(weekly_before_expiry=True), "parcels.net", Phase.ACTIVE, 20, 7),
        (SchedulePolicy(weekly_before_expiry=True), "parcels.net", Phase.ACTIVE, 60, 30),
        (SchedulePolicy(daily_in_grace=True), "parcels.net", Phase.AUTO_RENEW_GRACE, 300, 1),
        (SchedulePolicy(weekly_for_fast_drops=True), "parcels.cn", Phase.ACTIVE, 300, 7),
        (SchedulePolicy(weekly_for_fast_drops=True), "parcels.net", Phase.ACTIVE, 300, 30),
    ],
)
def test_a_switch_changes_the_stored_due_time(
    context: Flask, policy: SchedulePolicy, name: str, phase: Phase, expires_in: int, days: int
) -> None:
    evidence = story.rdap(name, START, phase, expires_at=START + expires_in * DAY)
    if phase is Phase.AUTO_RENEW_GRACE:
        evidence = story.rdap(
            name,
            START,
            phase,
            expires_at=START + expires_in * DAY,
            registrar_expires_at=START - 10 * DAY,
            statuses=("auto renew period",),
        )
    assert stored(name, evidence, policy) == days * DAY


def test_without_a_switch_the_rules_alone_hold(context: Flask) -> None:
    evidence = story.rdap("parcels.cn", START, expires_at=START + 20 * DAY)
    assert stored("parcels.cn", evidence, SchedulePolicy()) == 30 * DAY


def test_the_settings_are_the_policy() -> None:
    assert load_settings({}).schedule_policy == SchedulePolicy()
    said = {
        "LAPSEWATCH_WEEKLY_BEFORE_EXPIRY": "true",
        "LAPSEWATCH_DAILY_IN_GRACE": "yes",
        "LAPSEWATCH_WEEKLY_FOR_FAST_DROPS": "1",
        "LAPSEWATCH_FAST_DROPPING_TLDS": "cn, .TW",
    }
    expected = SchedulePolicy(True, True, True, frozenset({"cn", "tw"}))  # noqa: FBT003 (the three switches)
    assert load_settings(said).schedule_policy == expected

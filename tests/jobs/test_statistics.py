"""The job that freezes months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.models import Domain, MonthFigures
from jobs.statistics import freeze_months
from tests import factories as make
from tests.conftest import START, ManualClock


def test_months_are_frozen_three_days_after_their_end_and_once(context: Flask, clock: ManualClock) -> None:
    with writing() as session:
        domain = make.make_domain(session)
        make.make_address(session, make.make_account(session, make.make_source(session, "pypi")), domain)
        for at in (START - timedelta(days=40), START):
            make.make_check(session, domain, at)
    assert freeze_months() == {"frozen": 1}  # September: it is the first of November
    clock.time = datetime(2026, 11, 3, 23, 59, tzinfo=UTC)
    assert freeze_months() == {"frozen": 0}
    clock.time = datetime(2026, 11, 4, tzinfo=UTC)
    assert freeze_months() == {"frozen": 1}
    assert freeze_months() == {"frozen": 0}
    kept = db.session.execute(select(MonthFigures.month, MonthFigures.domains_checked).order_by(MonthFigures.month))
    assert [tuple(row) for row in kept] == [("2026-09", 1), ("2026-10", 0)]
    assert (
        db.session.scalars(select(MonthFigures.frozen_at).order_by(MonthFigures.month.desc())).first() == clock.time
    )
    assert verify(db.session()).ok


def test_without_sources_there_is_nothing_to_freeze(context: Flask, clock: ManualClock) -> None:
    with writing() as session:
        make.make_check(session, make.make_domain(session), START - timedelta(days=40))
    assert db.session.scalar(select(Domain.id)) is not None
    assert freeze_months() == {"frozen": 0}

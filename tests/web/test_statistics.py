from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from dashboard.database import db, writing
from dashboard.models import CaseOpening
from dashboard.queries.statistics import MonthRow
from dashboard.web import statistics
from dashboard.web.statistics import CHART_HEIGHT, CHART_WIDTH, bar_chart
from tests import factories as make
from tests.conftest import START, ManualClock
from tests.support.audit import entries
from tests.support.people import signed_in_client
from tests.support.statements import recorded_statements


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def add_case(app: Flask) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session)
        make.make_address(session, make.make_account(session, make.make_source(session, "pypi")), domain)
        make.make_case(session, domain, opened_at=START)
        make.make_check(session, domain, START)


def test_before_the_first_check_there_is_nothing_to_count(reviewer: FlaskClient) -> None:
    assert "nothing to count yet" in reviewer.get("/statistics").text


def test_the_table_says_what_the_chart_draws(app: Flask, reviewer: FlaskClient) -> None:
    add_case(app)
    html = reviewer.get("/statistics").text
    assert "<title>2026-11: 1 flagged</title>" in html
    assert ">pypi</td>" in html
    assert 'href="/statistics.csv?month=2026-11"' in html


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_month_is_sent_as_a_file_and_noted(app: Flask, reviewer: FlaskClient, kind: str) -> None:
    add_case(app)
    reply = reviewer.get(f"/statistics.{kind}?month=2026-11")
    assert reply.status_code == 200
    assert reply.headers["Content-Disposition"] == f'attachment; filename="lapsewatch-2026-11.{kind}"'
    rows = reply.json if kind == "json" else list(csv.DictReader(io.StringIO(reply.text)))
    assert rows
    assert str(rows[0]["flagged"]) == "1"
    with app.app_context():
        last = entries(db.session())[-1]
    assert (last.event, last.object["id"], last.data) == (
        "statistics.exported",
        "2026-11",
        {"format": kind, "rows": 1},
    )


def test_a_month_that_has_only_just_ended_is_no_file_yet(
    app: Flask, clock: ManualClock, reviewer: FlaskClient
) -> None:
    add_case(app)
    clock.time = datetime(2026, 12, 1, 0, 59, tzinfo=UTC)
    reply = reviewer.get("/statistics.csv?month=2026-11")
    assert reply.status_code == 409
    assert "2026-11 has only just ended" in reply.text
    assert "statistics.csv?month=2026-11" not in reply.text
    assert "not final" in reply.text
    clock.time = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
    assert reviewer.get("/statistics.csv?month=2026-11").status_code == 200
    html = reviewer.get("/statistics").text
    assert "not final" not in html
    assert "statistics.csv?month=2026-11" in html


def test_a_month_that_takes_long_to_count_is_not_counted_for_every_visitor(
    app: Flask, reviewer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "LONG", 0.0)
    monkeypatch.setattr(statistics, "PATIENCE", 1_000_000)
    add_case(app)
    before = reviewer.get("/statistics").text
    with app.app_context(), writing() as session:
        make.make_check(session, make.make_domain(session, "later.net"), START)
        session.execute(delete(CaseOpening))
    with recorded_statements(app) as statements:
        assert "2026-11: 1 flagged" in reviewer.get("/statistics").text
    assert "2026-11: 1 flagged" in before
    assert not any("FROM checks" in statement and "DISTINCT" in statement for statement in statements)


def test_a_month_that_goes_on_is_marked_and_not_frozen_by_its_file(app: Flask, reviewer: FlaskClient) -> None:
    add_case(app)
    for _ in range(2):
        assert "so far" in reviewer.get("/statistics").text
        assert reviewer.get("/statistics.json?month=2026-11").status_code == 200


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "../../etc", "2026-11\r\nX: y"])
def test_what_is_no_month_is_refused_and_not_noted(app: Flask, reviewer: FlaskClient, month: str) -> None:
    with app.app_context():
        before = len(entries(db.session()))
    assert reviewer.get("/statistics.csv", query_string={"month": month}).status_code == 400
    with app.app_context():
        assert len(entries(db.session())) == before


def test_bars_stay_inside_the_chart_and_sources_are_summed() -> None:
    rows = [MonthRow(f"2026-{m:02}", s, 0, m, m, 1, 0, 0, 0, 0, None) for m in range(1, 13) for s in ("a", "b")]
    chart = bar_chart(rows)
    assert [bar.value for bar in chart.bars[:2]] == [2, 4]
    assert all(0 <= bar.x <= bar.x + bar.width <= CHART_WIDTH for bar in chart.bars)
    assert all(bar.y >= 0 and round(bar.y + bar.height, 1) == CHART_HEIGHT for bar in chart.bars)

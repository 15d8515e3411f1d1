"""Snoozing, escalating, bringing back, and skipping for oneself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.database import db, writing
from dashboard.models import Case, CaseOpening, Role, SetAside
from dashboard.services.set_aside import wake
from tests import factories as make
from tests.conftest import START, ManualClock
from tests.support.audit import entries
from tests.support.people import post, signed_in_client
from tests.web.test_cases import case_ids as all_ids
from tests.web.test_decisions import decide, make_lapsed_case


@pytest.fixture
def case_id(app: Flask) -> int:
    return make_lapsed_case(app, name="waiting.net")


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def case_ids(html: str) -> list[int]:
    """The cases of the table, without what a message links to."""
    return all_ids(html[html.find("<tbody") :])


def aside(client: FlaskClient, case_id: int, **fields: object) -> TestResponse:
    return post(client, f"/cases/{case_id}/set-aside", {"version": 1, "kind": "snooze", "until": "7"} | fields)


def the_case(app: Flask, case_id: int) -> Case:
    with app.app_context():
        case = db.session.get_one(Case, case_id)
        db.session.expunge(case)
        return case


def last_event(app: Flask) -> tuple[str, dict[str, object]]:
    with app.app_context():
        entry = entries(db.session())[-1]
        return entry.event, entry.data


def test_a_snoozed_case_leaves_the_queue_and_comes_back_on_its_day(
    app: Flask, case_id: int, reviewer: FlaskClient, clock: ManualClock
) -> None:
    assert aside(reviewer, case_id, note="asked the owner").status_code == 303
    case = the_case(app, case_id)
    assert (case.state, case.wake_at) == ("snoozed", START + timedelta(days=7))
    assert last_event(app)[0] == "case.snoozed"
    assert case_ids(reviewer.get("/cases").text) == []
    assert case_ids(reviewer.get("/cases?state=snoozed").text) == [case_id]
    page = reviewer.get(f"/cases/{case_id}").text
    assert "snoozed this case" in page
    assert "asked the owner" in page
    with app.app_context():
        for days, woken in ((6, 0), (8, 1), (9, 0)):
            with writing() as session:
                assert wake(session, START + timedelta(days=days)) == woken
    assert the_case(app, case_id).state == "open"
    assert last_event(app) == ("case.returned", {"domain": "waiting.net", "how": "date"})
    with app.app_context():
        assert db.session.scalars(select(SetAside.ended_how)).all() == ["date"]
        assert len(db.session.scalars(select(CaseOpening)).all()) == 1, "it was flagged once"


@pytest.mark.parametrize(
    "fields",
    [
        {"until": "date", "date": "2026-10-31"},
        {"until": "date", "date": "x"},
        {"until": "date", "date": "2030-01-01"},
        {"until": "99"},
    ],
)
def test_a_day_that_is_past_or_far_or_none_is_refused(
    app: Flask, case_id: int, reviewer: FlaskClient, fields: dict[str, str]
) -> None:
    reply = aside(reviewer, case_id, **fields)
    assert reply.location.endswith(f"/cases/{case_id}#set-aside")
    assert "Choose a day after today" in reviewer.get(reply.location).text
    assert the_case(app, case_id).state == "open"


def test_a_day_of_ones_own_is_taken(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    aside(reviewer, case_id, until="date", date="2026-12-24")
    assert f"{the_case(app, case_id).wake_at:%Y-%m-%d %H:%M}" == "2026-12-24 00:00"


def test_who_snoozes_with_a_stale_page_learns_who_was_faster(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    aside(reviewer, case_id, until="facts")
    late = aside(signed_in_client(app), case_id)
    assert late.status_code == 409
    assert "reviewer-" in late.text
    assert "snoozed" in late.text
    stale = decide(signed_in_client(app), case_id)
    assert stale.status_code == 409
    assert "snoozed" in stale.text


def test_a_snoozed_case_is_brought_back_by_hand(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    aside(reviewer, case_id, until="facts")
    assert post(reviewer, f"/cases/{case_id}/wake", {"version": 1}).status_code == 409
    assert post(reviewer, f"/cases/{case_id}/wake", {"version": 2}).status_code == 303
    assert the_case(app, case_id).state == "open"
    assert last_event(app)[1]["how"] == "lifted"
    assert (
        "Brought back" in reviewer.get(f"/cases/{case_id}").text
        or "brought back" in reviewer.get(f"/cases/{case_id}").text
    )


def test_an_escalated_case_is_an_admins(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    assert "Say in the note" in reviewer.get(aside(reviewer, case_id, kind="escalate").location).text
    assert aside(reviewer, case_id, kind="escalate", note="owner is a bank").status_code == 303
    assert the_case(app, case_id).state == "escalated"
    assert last_event(app)[0] == "case.escalated"
    assert "Take it up" not in reviewer.get(f"/cases/{case_id}").text
    assert post(reviewer, f"/cases/{case_id}/take-up", {"version": 2}).status_code == 403
    admin = signed_in_client(app, Role.ADMIN)
    assert "owner is a bank" in admin.get(f"/cases/{case_id}").text
    assert post(admin, f"/cases/{case_id}/take-up", {"version": 2}).status_code == 303
    assert last_event(app)[1]["how"] == "taken_up"
    assert decide(reviewer, case_id, version=3).status_code == 409, "it is the admin's own now"
    assert decide(admin, case_id, version=3).status_code == 303


def test_nobody_sets_aside_what_somebody_else_works_on(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    post(signed_in_client(app), f"/cases/{case_id}/claim")
    reply = aside(reviewer, case_id)
    assert reply.status_code == 409
    assert "Somebody else works on this case" in reply.text
    assert the_case(app, case_id).state == "open"


def test_an_auditor_sets_nothing_aside(app: Flask, case_id: int) -> None:
    auditor = signed_in_client(app, Role.AUDITOR)
    assert aside(auditor, case_id).status_code == 403
    page = auditor.get(f"/cases/{case_id}").text
    assert "/set-aside" not in page
    assert "/claim/" not in page


def test_what_no_form_of_ours_sends_is_refused(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    assert aside(reviewer, case_id, kind="forget").status_code == 400
    assert aside(reviewer, case_id, version="x").status_code == 400
    assert aside(reviewer, 999).status_code == 404


def test_skipping_is_for_oneself_until_the_facts_change(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    other = signed_in_client(app)
    with app.app_context(), writing() as session:
        kept = make.make_case(session).id
    reply = post(reviewer, "/cases/skip", {"case_id": case_id, "return_to": "/cases?sort=age"})
    assert reply.location.endswith("/cases?sort=age")
    assert last_event(app)[1] == {"cases": [case_id], "back": False}
    assert case_ids(reviewer.get("/cases").text) == [kept]
    assert sorted(case_ids(other.get("/cases").text)) == [case_id, kept]
    assert case_ids(reviewer.get("/cases?skipped=yes").text) == [case_id]
    assert case_ids(reviewer.get("/cases?domain=waiting").text) == [case_id], "who looks for it finds it"
    with app.app_context(), writing() as session:
        session.get_one(Case, case_id).phase = "available"
    assert sorted(case_ids(reviewer.get("/cases").text)) == [case_id, kept]


def test_a_skip_is_taken_back(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    post(reviewer, "/cases/skip", {"case_id": case_id})
    post(reviewer, "/cases/skip", {"case_id": case_id, "back": "yes"})
    assert case_ids(reviewer.get("/cases").text) == [case_id]


def test_overview_and_queue_count_what_is_set_aside(app: Flask, case_id: int, reviewer: FlaskClient) -> None:
    aside(reviewer, case_id)
    words = " ".join(reviewer.get("/cases").text.split())
    assert 'Snoozed <span class="count">1</span>' in words
    assert 'Escalated <span class="count">0</span>' in words
    assert "/cases?state=snoozed" in reviewer.get("/").text

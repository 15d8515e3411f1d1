"""Reporting a takeover: the form, what it refuses, and what the case shows of it afterwards."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.audit.events import Event
from dashboard.database import db, writing
from dashboard.models import Account, Notice, Role, TakeoverReport
from tests import factories as make
from tests.conftest import START
from tests.support.audit import assert_one_entry
from tests.support.people import post, signed_in_client
from tests.web.test_decisions import SECRET, decide, make_lapsed_case


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def report(client: FlaskClient, case_id: int, **fields: object) -> TestResponse:
    values = {"version": 1, "shown_count": 1, "whom": "all", "note": "malware"} | fields
    return post(client, f"/cases/{case_id}/takeover/report", values)


def test_the_case_leads_to_the_form_and_the_form_back_to_the_case(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=2)
    assert f'href="/cases/{case}/takeover"' in reviewer.get(f"/cases/{case}").text
    form = reviewer.get(f"/cases/{case}/takeover").text
    assert "All of them: 2 addresses of 2 accounts" in form
    assert "Nothing is un-verified by it" in form
    assert f'href="/cases/{case}"' in form
    assert SECRET not in form


def test_a_report_is_one_audit_entry_and_shown_on_the_case(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=2)
    with app.app_context(), assert_one_entry(Event.TAKEOVER_REPORTED) as entry:
        reply = report(reviewer, case, shown_count=2, note="a release\r\nout of nothing")
    assert (reply.status_code, reply.location) == (303, f"/cases/{case}#takeovers")
    assert (entry.object["id"], entry.data["addresses"]) == (str(case), 2)
    page = reviewer.get(f"/cases/{case}").text
    assert "Takeover reported: 2 addresses of 2 accounts. The source is being told" in page
    assert "a release\nout of nothing" in page
    assert "Waiting to be published" in page
    assert "Takeover reported by" in page  # in the timeline's list
    assert SECRET not in page


def test_accounts_with_signs_are_ticked_beforehand_and_only_ticked_ones_are_told(
    app: Flask, reviewer: FlaskClient
) -> None:
    case = make_lapsed_case(app, addresses=3)
    with app.app_context(), writing() as session:
        quiet, reset, released = session.scalars(select(Account).order_by(Account.id))
        make.make_event(session, quiet, "login", START - timedelta(days=1))
        make.make_event(session, reset, "password_reset", START - timedelta(days=1))
        make.make_package(session, released, last_release_at=START - timedelta(days=1))
        expected = {reset.id, released.id}
    page = reviewer.get(f"/cases/{case}/takeover").text
    ticked = {int(found) for found in re.findall(r'id="account-(\d+)"[^>]*checked', page)}
    assert ticked == expected
    report(reviewer, case, shown_count=3, whom="chosen", account=sorted(ticked))
    with app.app_context():
        assert len(db.session.scalars(select(Notice)).all()) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"note": " "}, "Write a note"),
        ({"whom": "chosen"}, "Tick at least one account"),
        ({"shown_count": 9}, "The number of addresses is no longer 9"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_nothing_is_lost(
    app: Flask, reviewer: FlaskClient, fields: dict[str, object], words: str
) -> None:
    case = make_lapsed_case(app)
    reply = report(reviewer, case, **({"note": "kept words"} | fields))
    assert reply.status_code == 422
    assert words in reply.text
    assert "Nothing was reported" in reply.text
    assert ("kept words" in reply.text) == ("note" not in fields)
    with app.app_context():
        assert db.session.scalars(select(TakeoverReport)).all() == []


def test_many_addresses_want_their_number(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=11)
    reply = report(reviewer, case, shown_count=11)
    assert reply.status_code == 422
    assert "Type the number of addresses that the source will be told of: 11" in reply.text
    assert report(reviewer, case, shown_count=11, typed_count="11").status_code == 303


def test_the_slower_one_gets_a_conflict_with_who_and_when(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    slower = signed_in_client(app)
    report(reviewer, case)
    reply = report(slower, case)
    assert reply.status_code == 409
    assert "reported a takeover on this case" in reply.text
    late = decide(slower, case)
    assert late.status_code == 409
    assert "reported a takeover on this case" in late.text


def test_an_auditor_reads_reports_and_makes_none(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    report(reviewer, case)
    auditor = signed_in_client(app, Role.AUDITOR)
    page = auditor.get(f"/cases/{case}").text
    assert "Takeover reported" in page
    assert f'href="/cases/{case}/takeover"' not in page
    assert auditor.get(f"/cases/{case}/takeover").status_code == 403
    with app.app_context(), assert_one_entry(Event.ACCESS_REFUSED):
        assert report(auditor, case).status_code == 403


def test_what_no_form_of_ours_sends(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    assert report(reviewer, case, whom="nobody").status_code == 400
    assert report(reviewer, case, version="x").status_code == 400
    assert report(reviewer, 999).status_code == 404
    assert reviewer.get("/cases/999/takeover").status_code == 404


def test_a_decided_case_shows_what_was_decided_on_before_what_is_known_today(
    app: Flask, reviewer: FlaskClient
) -> None:
    case = make_lapsed_case(app, addresses=2)
    decide(reviewer, case, effect="block_reset")
    page = reviewer.get(f"/cases/{case}").text
    assert page.index("What was decided on") < page.index("By today's evidence")
    assert "Effect: Only refuse password resets" in page
    assert page.count("resets being refused") == 2
    assert "stays verified" not in page

"""Deciding a case: what is done, said and refused."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.database import db, writing
from dashboard.models import Account, BulkAction, Case, Decision, Role, Unverification
from tests import factories as make
from tests.conftest import START
from tests.support.audit import entries
from tests.support.people import post, signed_in_client

SECRET = "verysecretlocalpart"


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def make_lapsed_case(app: Flask, addresses: int = 1, risk: int = 50, name: str | None = None) -> int:
    """A case whose domain is in redemption by RDAP, so that an approval reaches every address."""
    with app.app_context(), writing() as session:
        domain, source = make.make_domain(session, name), make.make_source(session)
        make.make_evidence(session, domain, expires_at=START - timedelta(days=40))
        for _ in range(addresses):
            make.make_address(session, make.make_account(session, source), domain, SECRET)
        return make.make_case(session, domain, risk=risk, addresses=addresses, accounts=addresses).id


def decide(client: FlaskClient, case_id: int, **fields: object) -> TestResponse:
    shown = re.search(r'name="shown_count" value="(\d+)"', client.get(f"/cases/{case_id}").text)
    values = {"version": 1, "kind": "approve", "reason_code": "lapsed", "note": "seen twice"} | fields
    values = {"shown_count": shown[1] if shown else 1} | values
    return post(client, f"/cases/{case_id}/decision", values)


def test_an_approval_goes_on_to_the_next_case_and_says_what_was_done(app: Flask, reviewer: FlaskClient) -> None:
    first = make_lapsed_case(app, addresses=3, risk=90, name="first.net")
    following = make_lapsed_case(app, risk=60)
    make_lapsed_case(app, risk=95)
    reply = decide(reviewer, first)
    assert reply.status_code == 303
    assert reply.location == f"/cases/{following}"
    page = reviewer.get(reply.location).text
    assert "first.net: 3 addresses of 3 accounts will be un-verified" in page
    assert f'<a href="/cases/{first}">See the decided case</a>' in page
    with app.app_context():
        assert db.session.scalars(select(Unverification.state)).all() == ["queued"] * 3
        told = entries(db.session())[-1]
    assert (told.event, told.object["id"]) == ("case.approved", str(first))


def test_the_last_case_leads_to_the_queue(app: Flask, reviewer: FlaskClient) -> None:
    assert decide(reviewer, make_lapsed_case(app)).location == "/cases"


def test_after_the_least_risky_case_the_riskiest_left_comes_next(app: Flask, reviewer: FlaskClient) -> None:
    riskiest = make_lapsed_case(app, risk=90)
    assert decide(reviewer, make_lapsed_case(app, risk=10)).location == f"/cases/{riskiest}"


def test_an_override_keeps_every_address(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=200)
    reply = decide(reviewer, case, kind="override", reason_code="owner_confirmed")
    assert reply.status_code == 303
    assert "stay verified" in reviewer.get(reply.location).text
    with app.app_context():
        assert db.session.scalars(select(Unverification.id)).all() == []
        assert db.session.scalars(select(Decision.kind)).all() == ["override"]


def test_the_second_reviewer_learns_who_was_faster_and_when(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    slower = signed_in_client(app)
    decide(reviewer, case, kind="override", reason_code="owner_confirmed")
    reply = decide(slower, case)
    assert reply.status_code == 409
    with app.app_context():
        decision = db.session.scalars(select(Decision)).one()
        assert decision.staff is not None
        assert decision.staff.email in reply.text
    assert "keep verified" in reply.text
    assert START.strftime("%Y-%m-%d %H:%M:%S UTC") in reply.text
    assert f'href="/cases/{case}"' in reply.text
    assert "Nothing was changed" in reply.text


def test_a_page_that_checks_have_overtaken_does_not_act(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    with app.app_context(), writing() as session:
        session.get_one(Case, case).version = 2
    reply = decide(reviewer, case)
    assert reply.status_code == 409
    assert "evidence has changed" in reply.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"reason_code": ""}, "Choose a reason."),
        ({"reason_code": "nonsense"}, "Choose a reason."),
        ({"reason_code": "other", "note": "  "}, "Write a note"),
    ],
)
def test_a_form_that_cannot_be_used_comes_back_with_its_values(
    app: Flask, reviewer: FlaskClient, fields: dict[str, str], message: str
) -> None:
    case = make_lapsed_case(app)
    reply = decide(reviewer, case, **({"note": "kept <text>"} | fields))
    assert reply.status_code == 422
    assert reply.text.count(message) >= 2, "in the summary and at the field"
    assert 'id="error-summary"' in reply.text
    if "note" not in fields:
        assert "kept &lt;text&gt;</textarea>" in reply.text
    with app.app_context():
        assert db.session.get_one(Case, case).state == "open"


def test_above_ten_addresses_their_number_is_typed(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=11)
    assert 'name="typed_count"' in reviewer.get(f"/cases/{case}").text
    assert "Un-verify 11 addresses of 11 accounts" in reviewer.get(f"/cases/{case}").text
    reply = decide(reviewer, case, typed_count="12")
    assert reply.status_code == 422
    assert "Type the number of addresses that will be un-verified: 11." in reply.text
    assert 'value="12"' in reply.text
    assert decide(reviewer, case, typed_count="11").status_code == 303


def test_above_a_hundred_addresses_a_second_person_must_approve(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=101)
    assert "a second person must approve" in reviewer.get(f"/cases/{case}").text
    reply = decide(reviewer, case, typed_count="101")
    assert (reply.status_code, reply.location) == (303, "/bulk-actions/1")
    html = reviewer.get(reply.location).text
    assert "somebody else must approve it" in html
    assert "Un-verify 101 addresses of 101 accounts" in html
    with app.app_context():
        assert db.session.scalars(select(Unverification.id)).all() == []
        assert db.session.get_one(Case, case).state == "open"
        assert [entry.event for entry in entries(db.session())][-1] == "bulk.confirmed"


def test_a_case_that_waits_for_a_second_person_is_not_put_forward_twice(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=101)
    assert decide(reviewer, case, typed_count="101").location == "/bulk-actions/1"
    again = decide(reviewer, case, typed_count="101")
    assert (again.status_code, again.location) == (303, "/bulk-actions/1")
    assert "the case waits in this bulk action already" in reviewer.get(again.location).text
    with app.app_context():
        assert len(db.session.scalars(select(BulkAction.id)).all()) == 1


def test_a_package_of_high_profile_takes_a_second_person_however_few_the_addresses(
    app: Flask, reviewer: FlaskClient
) -> None:
    case = make_lapsed_case(app, addresses=1)
    with app.app_context(), writing() as session:
        make.make_package(session, session.scalars(select(Account)).one(), critical=True)
    assert "A package of high profile hangs on this" in reviewer.get(f"/cases/{case}").text
    assert decide(reviewer, case).location == "/bulk-actions/1"


@pytest.mark.parametrize("fields", [{"version": ""}, {"version": "x"}, {"kind": "destroy"}, {"kind": ""}])
def test_what_no_form_of_ours_sends_is_refused(app: Flask, reviewer: FlaskClient, fields: dict[str, str]) -> None:
    assert decide(reviewer, make_lapsed_case(app), **fields).status_code == 400


def test_a_decision_without_a_form_token_is_refused(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    reply = reviewer.post(f"/cases/{case}/decision", data={"version": 1, "kind": "approve", "reason_code": "lapsed"})
    assert reply.status_code == 400
    assert "no longer valid" in reply.text


def test_an_auditor_may_not_decide(app: Flask) -> None:
    reply = decide(signed_in_client(app, Role.AUDITOR), make_lapsed_case(app))
    assert reply.status_code == 403
    assert "Your role does not allow this" in reply.text


def test_deciding_an_unknown_case_is_a_404(app: Flask, reviewer: FlaskClient) -> None:
    assert decide(reviewer, 999).status_code == 404


def test_a_decided_case_shows_its_history_with_frozen_evidence_and_masked_addresses(
    app: Flask, reviewer: FlaskClient
) -> None:
    case = make_lapsed_case(app, addresses=2)
    decide(reviewer, case, note="as seen <today>")
    html = reviewer.get(f"/cases/{case}").text
    assert "as seen &lt;today&gt;" in html
    assert "Waiting to be published" in html
    assert "&#34;provider&#34;: &#34;rdap&#34;" in html
    assert "This case is not open" in html
    assert SECRET not in html


def test_addresses_that_came_after_the_page_was_opened_are_not_approved_unseen(
    app: Flask, reviewer: FlaskClient
) -> None:
    case = make_lapsed_case(app, addresses=3)
    reply = decide(reviewer, case, shown_count=2)
    assert reply.status_code == 422
    assert "changed from 2 to 3 since this" in reply.text
    with app.app_context():
        assert db.session.scalars(select(Unverification.id)).all() == []
    assert decide(reviewer, case).status_code == 303


def test_an_approval_that_does_not_say_what_was_shown_is_refused(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    assert decide(reviewer, case, shown_count="").status_code == 400

"""The policy's screen: try, put in force, errors beside their fields, two admins at once, history."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from dashboard.database import db, writing
from dashboard.lifecycle.assessment import Confidence
from dashboard.lifecycle.policy import DEFAULTS, Policy, problems, to_values
from dashboard.models import Role
from dashboard.services.policy import current
from dashboard.web.policy_form import filled, read
from dashboard.web.policy_settings import SETTINGS
from tests import factories as make
from tests.conftest import START
from tests.lifecycle.test_policy import policies
from tests.support.audit import entries
from tests.support.people import post, signed_in_client
from tests.support.policy import add_history, set_policy

VALUES = dict(filled(DEFAULTS).texts)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return signed_in_client(app, Role.ADMIN)


def in_force(app: Flask) -> Policy:
    with app.app_context():
        return current(db.session())


def events(app: Flask, after: int = 0) -> list[str]:
    with app.app_context():
        return [entry.event for entry in entries(db.session(), after)]


def told(app: Flask) -> int:
    """How many entries there are."""
    return len(events(app))


def put(client: FlaskClient, version: int = 1, note: str = "too strict", **values: str) -> TestResponse:
    return post(client, "/settings/policy", {**VALUES, "version": version, "note": note, **values})


def try_out(client: FlaskClient, **values: str) -> TestResponse:
    return client.get("/settings/policy/dry-run", query_string={**VALUES, **values})


def plain(reply: TestResponse) -> str:
    """The words of the page."""
    return re.sub(r" (?=[.,])", "", " ".join(unescape(re.sub(r"<[^>]+>", " ", reply.text)).split()))


def test_the_page_shows_every_value_with_what_it_means(admin: FlaskClient) -> None:
    reply = admin.get("/settings/policy")
    words = plain(reply)
    assert "Version 1 is in force" in words
    for name, setting in SETTINGS.items():
        assert setting.label in words
        assert setting.why in words
        assert f'name="{name}"' in reply.text
    assert 'value="2"' in reply.text, "2 %, not 0.02"
    assert "From 0.1 to 20 %." in words


def test_trying_changes_nothing_and_says_what_would_have_been(app: Flask, admin: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        for phase in ("redemption", "redemption", "available"):
            make.make_case(session, make.make_domain(session, phase=phase), opened_at=START - timedelta(days=3))
    reply = try_out(admin, flag_phase="pending_delete", type_above="5")
    words = plain(reply)
    assert (
        "the last 90 days would have flagged 1 case, applied 0 un-verifications without a person, and held 0 cases."
        in words
    )
    assert "of 3 that were opened or opened again 3 1" in words
    assert "What opens a case, from this phase on: Redemption → Pending delete" in words
    assert "Friction, the number is typed above: 10 addresses → 5 addresses" in words
    assert "What exactly is counted" in words
    assert in_force(app) == DEFAULTS
    assert "Put version 2 in force" in words
    assert "nobody looking" not in words


def test_the_values_in_force_cannot_be_put_in_force_again(admin: FlaskClient) -> None:
    words = plain(try_out(admin))
    assert "Nothing: these values are in force" in words
    assert "Put version" not in words


def test_it_warns_of_what_nobody_will_look_at(admin: FlaskClient) -> None:
    words = plain(try_out(admin, automatic="on", automatic_accounts="15"))
    assert "up to 15 accounts in any 24 hours are un-verified without anybody looking" in words


def test_it_says_when_a_stricter_policy_hides_what_would_have_been(app: Flask, admin: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        set_policy(session, flag_confidence=Confidence.CORROBORATED)
    assert "is not on record" in plain(try_out(admin))
    assert "is not on record" not in plain(try_out(admin, flag_confidence="corroborated"))


def test_a_version_is_put_in_force_with_one_audit_entry_and_stands_in_the_history(
    app: Flask, admin: FlaskClient
) -> None:
    before = told(app)
    reply = put(admin, brake_share="1.5", automatic="on", high_profile_critical="")
    assert (reply.status_code, reply.location) == (303, "/settings/policy")
    policy = in_force(app)
    assert (policy.version, policy.brake_share, policy.automatic, policy.high_profile_critical) == (
        2,
        0.015,
        True,
        False,
    )
    assert events(app, before) == ["policy.changed"]
    words = plain(admin.get("/settings/policy"))
    assert "Version 2 of the policy is in force." in words
    assert "too strict" in words
    assert "Brakes, largest believable share: 2 % → 1.5 %" in words
    assert "Automatic approval, approve automatically: off → on" in words
    assert "Version 1: the values Lapsewatch is shipped with." in words


def test_whoever_is_slower_learns_who_was_faster_and_loses_nothing(app: Flask, admin: FlaskClient) -> None:
    put(signed_in_client(app, Role.ADMIN), type_above="7")
    before = told(app)
    reply = put(admin, type_above="8", note="my reasons")
    assert reply.status_code == 409
    words = plain(reply)
    assert "Somebody else changed the policy first" in words
    assert "Friction, the number is typed above: 7 addresses → 8 addresses" in words
    assert "my reasons" in reply.text
    assert 'name="version" value="2"' in reply.text
    assert in_force(app).type_above == 7
    assert told(app) == before


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"type_above": ""}, "type_above", "Write a number."),
        ({"type_above": "2.5"}, "type_above", "Write a whole number."),
        ({"type_above": "1e400"}, "type_above", "Must be from 1 to 1,000."),
        ({"second_above": "8"}, "second_above", "Must be at least 9"),
        ({"brake_share": "25"}, "brake_share", "Must be from 0.1 % to 20 %."),
        ({"brake_factor": "nan"}, "brake_factor", "Write a number."),
        ({"evidence_max_age": "99999999999999999"}, "evidence_max_age", "From 1 to 72 hours."),
        ({"flag_phase": "active"}, "flag_phase", "Choose one."),
        ({"note": " "}, "note", "Say why"),
    ],
)
def test_errors_stand_beside_their_fields(
    app: Flask, admin: FlaskClient, values: dict[str, Any], field: str, words: str
) -> None:
    before = told(app)
    reply = put(admin, **{"type_above": "9", **values})
    assert reply.status_code == 422
    assert re.search(rf'id="{field}-error">{re.escape(words)}', reply.text)
    assert f'href="#{field}"' in reply.text
    assert "Error: Policy" in reply.text
    assert in_force(app) == DEFAULTS
    assert told(app) == before
    if field != "note":
        assert try_out(admin, **values).status_code == 422


def test_the_page_says_how_automatic_approval_stands(app: Flask, admin: FlaskClient) -> None:
    assert "Automatic approval is on" not in plain(admin.get("/settings/policy"))
    with app.app_context(), writing() as session:
        set_policy(session, automatic=True)
    assert "It waits until there are 30 days of counts" in plain(admin.get("/settings/policy"))
    with app.app_context(), writing() as session:
        add_history(session)
    reply = admin.get("/settings/policy")
    assert "0 of 20 accounts were reached in the last 24 hours" in plain(reply)
    assert 'href="/audit?actor=policy:2"' in reply.text


def test_only_admins_set_the_policy_and_others_leave_a_trace(app: Flask) -> None:
    for role in (Role.REVIEWER, Role.AUDITOR):
        client = signed_in_client(app, role)
        assert "/settings/policy" not in client.get("/").text
        before = told(app)
        assert put(client, type_above="9").status_code == 403
        assert events(app, before) == ["access.refused"]
    assert in_force(app) == DEFAULTS


def test_what_somebody_writes_is_shown_as_text(admin: FlaskClient) -> None:
    put(admin, type_above="9", note="<script>alert(1)</script>")
    assert "<script>alert" not in admin.get("/settings/policy").text
    assert "<script>alert" not in try_out(admin, type_above="<script>alert(1)</script>").text


@given(policies)
def test_a_form_reads_what_it_wrote(policy: Policy) -> None:
    if problems(policy):
        return
    shown = filled(policy)
    read_back, form = read(shown.texts)
    assert not form.errors
    assert filled(read_back).texts == shown.texts
    assert {name: value for name, value in to_values(read_back).items() if not isinstance(value, float)} == {
        name: value for name, value in to_values(policy).items() if not isinstance(value, float)
    }


@given(st.dictionaries(st.sampled_from(list(SETTINGS)), st.text(max_size=50)))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_form_is_a_policy_or_errors(sent: dict[str, str]) -> None:
    policy, form = read({**VALUES, **sent})
    assert form.errors or problems(policy) == {}

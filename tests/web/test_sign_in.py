"""Signing in and out, and setting up, as a browser does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard import runtime
from dashboard.app import create_app
from dashboard.audit.events import Event
from dashboard.auth.setup import issue_setup_code
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.models import Role, Staff, StaffSession
from tests.conftest import ManualClock
from tests.support.audit import assert_one_entry, entries
from tests.support.people import PASSWORD, Person, csrf_token, make_staff, post, sign_in, use_cheap_passwords

NewClient = Callable[[], FlaskClient]


@pytest.fixture
def person(context: Flask) -> Person:
    return make_staff(Role.ADMIN, "ann@staff.example")


def cookie(client: FlaskClient, name: str = "lapsewatch") -> str | None:
    found = client.get_cookie(name)
    return found.value if found else None


def form_token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token"\s+value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def test_the_form_signs_in_with_one_entry(client: FlaskClient, person: Person) -> None:
    token = form_token(client, "/sign-in")
    data = {"csrf_token": token, "email": "Ann@staff.example", "password": PASSWORD}
    with assert_one_entry(Event.STAFF_SIGNED_IN) as entry:
        response = client.post("/sign-in", data=data)
    assert (response.status_code, response.location) == (303, "/")
    assert entry.actor == f"staff:{person.id}"
    assert client.get("/sign-in").location == "/"


def test_the_page_can_be_filled_in_by_a_password_manager_and_read_by_anybody(
    client: FlaskClient, person: Person
) -> None:
    page = client.get("/sign-in")
    assert page.status_code == 200
    assert 'autocomplete="username"' in page.text
    assert 'autocomplete="current-password"' in page.text
    assert '<label class="form-label" for="email">E-mail address</label>' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in page.headers


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient, person: Person) -> None:
    response = sign_in(client, person.email)
    header = next(each for each in response.headers.getlist("Set-Cookie") if each.startswith("lapsewatch="))
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header


def test_over_https_the_cookie_is_bound_to_the_host(settings: Settings, clock: ManualClock) -> None:
    app = create_app(replace(settings, cookie_secure=True), clock=clock)
    with app.app_context():
        person = make_staff()
        client = app.test_client()
        token = form_token_over_https(client)
        response = client.post(
            "/sign-in",
            base_url="https://localhost",
            headers={"Referer": "https://localhost/sign-in"},
            data={"csrf_token": token, "email": person.email, "password": PASSWORD},
        )
        db.engine.dispose()
    assert response.status_code == 303
    assert response.headers["Strict-Transport-Security"].startswith("max-age=")
    for name in ("__Host-lapsewatch=", "__Host-lapsewatch-form="):
        header = next(each for each in response.headers.getlist("Set-Cookie") if each.startswith(name))
        assert "Secure" in header
        assert "Domain" not in header


def form_token_over_https(client: FlaskClient) -> str:
    found = re.search(
        r'name="csrf_token"\s+value="([^"]+)"', client.get("/sign-in", base_url="https://localhost").text
    )
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("email", "password"), [("ann@staff.example", "wrong horse battery"), ("bob@staff.example", PASSWORD), ("", "")]
)
def test_what_does_not_fit_is_said_without_telling_which(
    client: FlaskClient, person: Person, email: str, password: str
) -> None:
    response = sign_in(client, email, password)
    assert response.status_code == 422
    assert "The e-mail address and the password do not belong together." in response.text
    assert "Error:" in response.text
    assert re.search(r'id="error-summary"[^>]*autofocus', response.text)
    assert 'href="#email"' in response.text
    assert password not in response.text or not password
    assert cookie(client) is None


def test_what_was_typed_is_shown_again_as_text(client: FlaskClient, person: Person) -> None:
    page = sign_in(client, '"><script>x</script>', "wrong").text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_failures_are_told_of_by_the_minute(client: FlaskClient, person: Person, wall_clock: ManualClock) -> None:
    before = len(entries(db.session()))
    for _ in range(3):
        sign_in(client, person.email, "wrong horse battery")
    assert len(entries(db.session())) == before
    wall_clock.advance(minutes=1)
    sign_in(client, person.email)
    told = entries(db.session())[before:]
    assert [each.event for each in told] == ["staff.sign_in_failed", "staff.signed_in"]
    assert told[0].data == {"way": "password", "failures": 3}
    assert "ann" not in str(told)


def test_the_sixth_attempt_waits_even_with_the_right_password(
    new_client: NewClient, person: Person, wall_clock: ManualClock
) -> None:
    for _ in range(5):
        assert sign_in(new_client(), person.email, "wrong horse battery").status_code == 422
    response = sign_in(new_client(), person.email)
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "900"
    assert "Try again in 15 minutes." in response.text
    wall_clock.advance(minutes=15)
    assert sign_in(new_client(), person.email).status_code == 303


def test_success_starts_the_count_again(new_client: NewClient, person: Person) -> None:
    for _ in range(3):
        for _ in range(4):
            sign_in(new_client(), person.email, "wrong horse battery")
        assert sign_in(new_client(), person.email).status_code == 303


def test_who_left_the_staff_cannot_sign_in(client: FlaskClient, person: Person) -> None:
    with writing() as session:
        session.get_one(Staff, person.id).active = False
    assert sign_in(client, person.email).status_code == 422


def test_signing_in_ends_the_session_that_was_there(client: FlaskClient, person: Person) -> None:
    sign_in(client, person.email)
    first = cookie(client)
    old_form_token = csrf_token(client)
    sign_in(client, person.email)
    assert cookie(client) not in {first, None}
    assert db.session.scalar(select(func.count()).select_from(StaffSession)) == 1
    assert client.post("/sign-out", data={"csrf_token": old_form_token}).status_code == 400


def test_signing_out_ends_the_session_with_one_entry(client: FlaskClient, person: Person) -> None:
    sign_in(client, person.email)
    token = cookie(client)
    with assert_one_entry(Event.STAFF_SIGNED_OUT) as entry:
        response = post(client, "/sign-out")
    assert response.location == "/sign-in"
    assert entry.actor == f"staff:{person.id}"
    assert cookie(client) is None
    client.set_cookie("lapsewatch", token or "")
    assert client.get("/cases").status_code == 303


def test_signing_out_twice_is_no_fault_and_no_second_entry(client: FlaskClient, person: Person) -> None:
    before = len(entries(db.session()))
    assert post(client, "/sign-out").location == "/sign-in"
    assert len(entries(db.session())) == before


def test_a_session_that_is_not_used_ends(client: FlaskClient, person: Person, wall_clock: ManualClock) -> None:
    sign_in(client, person.email)
    wall_clock.advance(minutes=100)
    assert client.get("/sign-in").location == "/"
    wall_clock.advance(minutes=100)
    assert client.get("/sign-in").location == "/"
    wall_clock.advance(minutes=120)
    assert client.get("/sign-in").status_code == 200


def test_a_name_with_control_characters_is_nobodys(client: FlaskClient, person: Person) -> None:
    assert sign_in(client, "ann\0@staff.example").status_code == 422


def test_sign_in_leads_back_to_the_page_that_was_wanted(client: FlaskClient, person: Person) -> None:
    response = client.get("/cases?phase=available&sort=risk")
    assert (response.status_code, response.location) == (
        303,
        "/sign-in?next=" + quote("/cases?phase=available&sort=risk", safe="/"),
    )
    assert 'name="next" value="/cases?phase=available&amp;sort=risk"' in client.get(response.location).text
    data = {"email": person.email, "password": PASSWORD, "next": "/cases?phase=available&sort=risk"}
    assert post(client, "/sign-in", dict(data)).location == "/cases?phase=available&sort=risk"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "evil",
        "/\t/evil",
        "/a\r\nb:c",
        "//[",
    ],
)
def test_sign_in_leads_nowhere_else(client: FlaskClient, person: Person, target: str) -> None:
    data = {"email": person.email, "password": PASSWORD, "next": target}
    assert post(client, "/sign-in", dict(data)).location == "/"


def test_a_fragment_without_session_sends_the_whole_page_to_sign_in(client: FlaskClient, person: Person) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/cases?phase=hold"}
    response = client.get("/cases", headers=headers)
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/sign-in?next=/cases%3Fphase%3Dhold"
    response = client.get("/cases", headers=headers | {"HX-Current-URL": "http://localhost//evil.example/x"})
    assert response.headers["HX-Redirect"] == "/sign-in"
    response = client.get("/cases", headers=headers | {"HX-Current-URL": "http://["})
    assert (response.status_code, response.headers["HX-Redirect"]) == (401, "/sign-in")


def test_what_the_role_does_not_allow_is_refused_with_one_entry(client: FlaskClient, context: Flask) -> None:
    reviewer = make_staff(Role.REVIEWER)
    sign_in(client, reviewer.email)
    with assert_one_entry(Event.ACCESS_REFUSED) as entry:
        response = client.get("/audit")
    assert response.status_code == 403
    assert entry.actor == f"staff:{reviewer.id}"
    assert entry.data == {"method": "GET", "needs": "audit:read"}


def test_the_first_start_leads_to_set_up(client: FlaskClient, context: Flask) -> None:
    assert client.get("/").location == "/sign-in"
    assert client.get("/sign-in").location == "/setup"
    assert "Make the first admin" in client.get("/setup").text


def test_set_up_makes_the_first_admin_and_signs_them_in(client: FlaskClient, context: Flask) -> None:
    use_cheap_passwords(context)
    with writing() as session:
        code = issue_setup_code(session, runtime.wall_now())
    form = {"code": code, "email": "ann@staff.example", "password": "short"}
    mistake = post(client, "/setup", dict(form))
    assert mistake.status_code == 422
    assert 'href="#password"' in mistake.text
    assert "at least 12 characters" in mistake.text
    with assert_one_entry(Event.SETUP_COMPLETED):
        response = post(client, "/setup", {**form, "password": PASSWORD})
    assert (response.status_code, response.location) == (303, "/")
    assert client.get("/sign-in").location == "/"


def test_there_is_no_set_up_once_there_is_staff(client: FlaskClient, person: Person) -> None:
    assert client.get("/setup").location == "/sign-in"
    form = {"code": "x", "email": "eve@staff.example", "password": PASSWORD}
    assert post(client, "/setup", dict(form)).location == "/sign-in"
    assert db.session.scalar(select(func.count()).select_from(Staff)) == 1


def test_setup_codes_cannot_be_guessed_for_long(client: FlaskClient, context: Flask) -> None:
    form = {"code": "AAAA", "email": "eve@staff.example", "password": PASSWORD}
    for _ in range(30):
        assert post(client, "/setup", dict(form)).status_code == 422
    response = post(client, "/setup", dict(form))
    assert response.status_code == 429
    assert "Try again in" in response.text


def test_the_log_of_the_server_learns_no_address(
    client: FlaskClient, person: Person, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level("DEBUG"):
        sign_in(client, person.email, "wrong horse battery")
        sign_in(client, person.email)
    assert "ann@" not in caplog.text


def test_the_page_of_a_missing_form_token_says_what_to_do(client: FlaskClient, person: Person) -> None:
    response = client.post("/sign-in", data={"email": person.email, "password": PASSWORD})
    assert response.status_code == 400
    assert cookie(client) is None


def test_an_address_with_nothing_at_it_keeps_the_person_signed_in(client: FlaskClient, person: Person) -> None:
    sign_in(client, person.email)
    page = client.get("/nothing-here")
    assert page.status_code == 404
    assert "Sign out" in page.text


def test_use_is_noted_at_most_once_a_minute(client: FlaskClient, person: Person, wall_clock: ManualClock) -> None:
    sign_in(client, person.email)
    start = wall_clock.now()
    wall_clock.advance(seconds=30)
    client.get("/sign-in")
    assert seen() == start
    wall_clock.advance(seconds=31)
    client.get("/sign-in")
    assert seen() == start + timedelta(seconds=61)


def seen() -> object:
    db.session.rollback()
    return db.session.scalars(select(StaffSession.last_seen_at)).one()

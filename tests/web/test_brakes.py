"""The brakes' screen: what is held, release and discard; what reviewers see of it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import Brake, Case, Role
from tests.conftest import START
from tests.support.audit import entries
from tests.support.people import post, signed_in_client
from tests.web.test_decisions import decide, make_lapsed_case


@pytest.fixture
def held(app: Flask) -> int:
    """A case that a brake on RDAP's answers for .net holds."""
    case_id = make_lapsed_case(app, name="doubtful.net")
    with app.app_context(), writing() as session:
        brake = Brake(scope="tld", provider="rdap", tld="net", mode="share", opened_at=START)
        brake.lapsed, brake.checked, brake.limit_per_mille = 41, 200, 4000
        session.add(brake)
        session.flush()
        session.get_one(Case, case_id).brake_id = brake.id
    return case_id


def state(app: Flask, case_id: int) -> tuple[str, int | None]:
    with app.app_context():
        case = db.session.get_one(Case, case_id)
        return case.state, case.brake_id


def test_a_held_case_is_not_unverified_by_anyone_and_may_be_kept(app: Flask, held: int) -> None:
    admin = signed_in_client(app, Role.ADMIN)
    assert "Held by a brake" in admin.get(f"/cases/{held}").text
    reply = decide(admin, held)
    assert reply.status_code == 422
    assert "until an admin releases the brake" in reply.text
    assert state(app, held)[0] == "open"
    assert decide(admin, held, kind="override", reason_code="provider_wrong").status_code == 303
    assert state(app, held) == ("decided", None)


def test_the_overview_names_provider_and_tld(app: Flask, held: int) -> None:
    html = " ".join(signed_in_client(app).get("/").text.split())
    assert "A brake is on: RDAP on .net." in html
    assert "41 new lapses in 24 hours; believed were at most 4" in html
    assert 'It holds <a href="/cases?held=yes">1 open case</a>;' in html
    assert "/settings/brakes" not in html, "a reviewer cannot release it"
    assert "/settings/brakes" in signed_in_client(app, Role.ADMIN).get("/").text


@pytest.mark.parametrize(
    ("how", "after", "events"),
    [
        ("released", "open", ["brake.released"]),
        ("discarded", "closed_discarded", ["case.closed", "brake.released"]),
    ],
)
def test_an_admin_takes_it_off(app: Flask, held: int, how: str, after: str, events: list[str]) -> None:
    admin = signed_in_client(app, Role.ADMIN)
    assert "doubtful" not in admin.get("/settings/brakes").text
    assert post(admin, "/settings/brakes/1/release", {"how": how}).status_code == 303
    assert f"{how.capitalize()}: 1 case" in admin.get("/settings/brakes").text
    assert state(app, held) == (after, None)
    with app.app_context():
        assert [entry.event for entry in entries(db.session())][-len(events) :] == events
        assert db.session.scalars(select(Brake.released_how)).all() == [how]
    assert post(admin, "/settings/brakes/1/release", {"how": how}).status_code == 409


def test_what_is_no_form_of_ours_is_refused(app: Flask, held: int) -> None:
    admin = signed_in_client(app, Role.ADMIN)
    assert post(admin, "/settings/brakes/1/release", {"how": "ignored"}).status_code == 400
    assert post(admin, "/settings/brakes/9/release", {"how": "released"}).status_code == 404
    assert post(signed_in_client(app), "/settings/brakes/1/release", {"how": "released"}).status_code == 403
    assert state(app, held) == ("open", 1)


def test_what_is_set_aside_is_held_and_discarded_like_the_rest(app: Flask, held: int) -> None:
    with app.app_context(), writing() as session:
        session.get_one(Case, held).state = "snoozed"
    admin = signed_in_client(app, Role.ADMIN)
    assert "Release 1 case" in " ".join(admin.get("/settings/brakes").text.split())
    assert post(admin, "/settings/brakes/1/release", {"how": "discarded"}).status_code == 303
    assert state(app, held) == ("closed_discarded", None)

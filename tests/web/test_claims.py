"""Claims: one person works on a case at a time, everybody sees who, and nobody has to remember to give it back."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import Case, Claim, Role
from tests import factories as make
from tests.conftest import ManualClock
from tests.support.audit import entries
from tests.support.people import post, signed_in_client
from tests.web.test_decisions import decide, make_lapsed_case


@pytest.fixture
def case_id(app: Flask) -> int:
    return make_lapsed_case(app)


@pytest.fixture
def rita(app: Flask) -> FlaskClient:
    return signed_in_client(app)


@pytest.fixture
def otto(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def events(app: Flask) -> list[str]:
    with app.app_context():
        return [entry.event for entry in entries(db.session()) if entry.event.startswith("case.")]


def holder(app: Flask) -> int | None:
    with app.app_context():
        return db.session.scalar(select(Claim.staff_id))


def test_a_claim_is_seen_by_others_in_the_queue_and_on_the_case(
    app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient
) -> None:
    assert "Nobody has claimed" in otto.get(f"/cases/{case_id}").text
    assert post(rita, f"/cases/{case_id}/claim").status_code == 303
    assert "You work on this case" in rita.get(f"/cases/{case_id}").text
    theirs = otto.get(f"/cases/{case_id}").text
    assert "works on this case" in theirs
    assert "Take it over" not in theirs
    assert ">You<" in rita.get("/cases").text
    queue = otto.get("/cases").text
    assert ">You<" not in queue
    assert f'aria-label="Claim case {case_id}"' not in queue
    assert events(app)[-1] == "case.claimed"


def test_a_decision_by_somebody_else_is_refused_and_names_who_works_on_it(
    app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient
) -> None:
    post(rita, f"/cases/{case_id}/claim")
    refused = decide(otto, case_id)
    assert refused.status_code == 409
    assert "Somebody else works on this case" in refused.text
    assert "reviewer-" in refused.text
    assert decide(rita, case_id).status_code == 303
    assert holder(app) is None, "a decision ends the claim"


def test_two_who_claim_at_once_one_gets_it(app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient) -> None:
    codes: list[int] = []
    start = threading.Barrier(2)

    def claim(client: FlaskClient) -> None:
        start.wait()
        codes.append(post(client, f"/cases/{case_id}/claim").status_code)

    threads = [threading.Thread(target=claim, args=[client]) for client in (rita, otto)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 409]
    assert events(app).count("case.claimed") == 1


def test_a_claim_runs_out_by_the_wall_clock(
    app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient, wall_clock: ManualClock, clock: ManualClock
) -> None:
    post(rita, f"/cases/{case_id}/claim")
    clock.advance(days=5)
    assert post(otto, f"/cases/{case_id}/claim").status_code == 409
    wall_clock.advance(minutes=11)
    assert post(otto, f"/cases/{case_id}/claim").status_code == 303
    assert events(app).count("case.taken_over") == 0, "what had run out is nobody's"


def test_work_on_the_page_renews_it_and_leaving_lets_it_run_out(
    app: Flask, case_id: int, rita: FlaskClient, wall_clock: ManualClock
) -> None:
    post(rita, f"/cases/{case_id}/claim")
    before = len(events(app))
    for _ in range(3):
        wall_clock.advance(minutes=9)
        assert post(rita, f"/cases/{case_id}/claim/renew").status_code == 204
    wall_clock.advance(minutes=9)
    rita.get(f"/cases/{case_id}")
    wall_clock.advance(minutes=9)
    assert "You work on this case" in rita.get(f"/cases/{case_id}").text
    post(rita, f"/cases/{case_id}/claim/leave")
    wall_clock.advance(seconds=61)
    assert "Nobody has claimed" in rita.get(f"/cases/{case_id}").text
    gone = post(rita, f"/cases/{case_id}/claim/renew", headers={"HX-Request": "true"})
    assert gone.headers["HX-Retarget"] == "#claim"
    assert "Nobody has claimed" in gone.text
    assert len(events(app)) == before, "a renewal is no event"


def test_only_an_admin_takes_over_and_the_log_says_from_whom(
    app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient
) -> None:
    post(rita, f"/cases/{case_id}/claim")
    before = holder(app)
    assert post(otto, f"/cases/{case_id}/claim/take-over").status_code == 403
    admin = signed_in_client(app, Role.ADMIN)
    assert "Take it over" in admin.get(f"/cases/{case_id}").text
    assert post(admin, f"/cases/{case_id}/claim/take-over").status_code == 303
    with app.app_context():
        entry = entries(db.session())[-1]
    assert entry.event == "case.taken_over"
    assert entry.data["from_staff"] == before
    assert decide(rita, case_id).status_code == 409
    assert decide(admin, case_id).status_code == 303


def test_giving_back_frees_the_case(app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient) -> None:
    post(rita, f"/cases/{case_id}/claim")
    assert post(otto, f"/cases/{case_id}/claim/release").status_code == 303
    assert holder(app) is not None, "nobody gives back what is another's"
    part = post(rita, f"/cases/{case_id}/claim/release", headers={"HX-Request": "true"})
    assert "Nobody has claimed" in part.text
    assert "<html" not in part.text
    assert holder(app) is None
    assert events(app)[-1] == "case.released"


def test_a_poll_says_only_what_is_new(app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient) -> None:
    assert otto.get(f"/cases/{case_id}/claim?seen=-").status_code == 204
    post(rita, f"/cases/{case_id}/claim")
    changed = otto.get(f"/cases/{case_id}/claim?seen=-")
    assert changed.status_code == 200
    assert "works on this case" in changed.text
    marks = otto.get(f"/cases/claims?case_id={case_id}&case_id=x&case_id=99999").text
    assert f'id="claim-{case_id}"' in marks
    assert "hx-swap-oob" in marks


def test_what_waits_for_nothing_cannot_be_claimed(app: Flask, rita: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        decided = make.make_case(session, state="decided").id
    assert post(rita, f"/cases/{decided}/claim").status_code == 409
    assert post(rita, "/cases/999/claim").status_code == 404
    assert post(rita, "/cases/999/claim/release").status_code == 404


def test_the_next_case_is_none_that_somebody_else_works_on(
    app: Flask, case_id: int, rita: FlaskClient, otto: FlaskClient
) -> None:
    with app.app_context(), writing() as session:
        session.get_one(Case, case_id).risk = 500
        taken = make.make_case(session, risk=400).id
        free = make.make_case(session, risk=300).id
    post(rita, f"/cases/{taken}/claim")
    reply = decide(otto, case_id)
    assert reply.location.endswith(f"/cases/{free}")


def test_from_the_queue_one_comes_back_to_the_queue(app: Flask, case_id: int, rita: FlaskClient) -> None:
    reply = post(rita, f"/cases/{case_id}/claim", {"return_to": "/cases?phase=redemption"})
    assert reply.location.endswith("/cases?phase=redemption")
    away = post(rita, f"/cases/{case_id}/claim", {"return_to": "https://elsewhere.net/"})
    assert away.location.endswith(f"/cases/{case_id}")


def test_after_a_decision_work_goes_on_in_the_queue_one_looked_at(app: Flask, rita: FlaskClient) -> None:
    decided, riskier, fitting = (make_lapsed_case(app, risk=risk) for risk in (50, 400, 300))
    with app.app_context(), writing() as session:
        session.get_one(Case, fitting).addresses = 30
        session.get_one(Case, decided).addresses = 40
    rita.get("/cases?sort=addresses")
    assert decide(rita, decided).location.endswith(f"/cases/{fitting}")
    rita.get("/cases?confidence=conflicting")
    assert decide(rita, fitting).location == "/cases?confidence=conflicting"
    last = make_lapsed_case(app, risk=1)
    rita.get("/cases?state=all&domain=x")
    assert decide(rita, last).location.endswith(f"/cases/{riskier}")


def test_an_open_page_that_asks_for_claims_keeps_nobody_signed_in(
    app: Flask, case_id: int, rita: FlaskClient, wall_clock: ManualClock
) -> None:
    for _ in range(3):
        assert rita.get(f"/cases/{case_id}/claim?seen=-").status_code == 204
        assert rita.get(f"/cases/claims?case_id={case_id}").status_code == 200
        wall_clock.advance(minutes=50)
    assert rita.get(f"/cases/{case_id}/claim?seen=-", headers={"HX-Request": "true"}).status_code == 401

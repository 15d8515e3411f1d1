"""The screens of bulk actions: each step a form, each refusal told, nothing done that was not shown."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from dashboard.audit.events import Event
from dashboard.database import db, writing
from dashboard.models import Account, Address, BulkAction, Case, Claim, Domain, EvidenceRecord, Role, Unverification
from dashboard.services.bulk.judging import Moment
from dashboard.services.bulk.work import Pace
from jobs.bulk import Timing, work
from tests.conftest import START, ManualClock
from tests.support import bulk as steps
from tests.support import story
from tests.support.audit import assert_one_entry, entries
from tests.support.people import post, signed_in_client

FAST = Timing(gap=0.0)


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return signed_in_client(app, Role.ADMIN)


def lapsed(app: Flask, count: int, addresses: int = 2, **values: int) -> list[int]:
    with app.app_context():
        return steps.lapsed(count, addresses, **values)  # type: ignore[arg-type]


def prepare(client: FlaskClient, cases: list[int], kind: str = "approve", **fields: object) -> str:
    """Prepare from ticked rows and return the preview's address."""
    reply = post(client, "/bulk-actions/prepare", {"kind": kind, "scope": "ticked", "case_id": cases} | fields)
    assert reply.status_code == 303, reply.text
    return reply.location


def hidden(html: str) -> dict[str, object]:
    """The version and digest that the page's forms carry."""
    return {name: match[1] for name in ("version", "digest") if (match := re.search(f'name="{name}" value="(\\w+)"', html))}  # fmt: skip


def confirm(client: FlaskClient, page: str, **fields: object) -> TestResponse:
    shown = hidden(client.get(page).text)
    values: dict[str, object] = {"reason_code": "lapsed", "note": "seen twice", "effect": "unverify"}
    return post(client, f"{page}/confirm", shown | values | fields)


def run(app: Flask, page: str) -> None:
    """Do what the worker would."""
    with app.app_context():
        work(int(page.rpartition("/")[2]), FAST)


def test_ticked_rows_become_a_preview_then_a_run_then_a_result(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 3))
    html = reviewer.get(page).text
    assert "Un-verify 6 addresses of 6 accounts" in html
    assert "6 accounts lose their only verified address" in html
    assert confirm(reviewer, page).location == page
    assert "Running" in reviewer.get(page).text
    run(app, page)
    html = reviewer.get(page).text
    assert "Completed" in html
    assert "6 addresses" in html
    with app.app_context():
        assert db.session.scalars(select(Unverification.state)).all() == ["queued"] * 6


def test_all_rows_of_the_filter_are_taken_across_pages_and_the_number_shown_is_held_against_it(
    app: Flask, reviewer: FlaskClient
) -> None:
    lapsed(app, 60, addresses=1)
    reply = post(reviewer, "/bulk-actions/prepare", {"kind": "approve", "scope": "filter", "shown_count": 60})
    html = reviewer.get(reply.location).text
    assert "60 cases</a>" in html
    assert "The queue showed" not in html
    reply = post(reviewer, "/bulk-actions/prepare", {"kind": "approve", "scope": "filter", "shown_count": 58})
    assert "The queue showed 58 cases; 60 matched" in reviewer.get(reply.location).text


def test_the_filters_of_the_queue_are_honoured(app: Flask, reviewer: FlaskClient) -> None:
    cases = lapsed(app, 3)
    with app.app_context(), writing() as session:
        session.get_one(Case, cases[1]).phase = "available"
    form = {"kind": "override", "scope": "filter", "phase": "redemption", "shown_count": 2}
    page = post(reviewer, "/bulk-actions/prepare", form).location
    assert "Keep 2 cases verified" in reviewer.get(page).text


@pytest.mark.parametrize("form", [{}, {"kind": "revert", "scope": "ticked"}, {"kind": "approve", "scope": "all"}])
def test_what_no_form_of_ours_sends_is_refused(app: Flask, reviewer: FlaskClient, form: dict[str, object]) -> None:
    assert post(reviewer, "/bulk-actions/prepare", form).status_code == 400
    assert post(reviewer, "/bulk-actions/prepare", {"kind": "approve", "scope": "ticked", "case_id": "x"}).status_code == 400  # fmt: skip


def test_with_nothing_ticked_the_queue_says_so(app: Flask, reviewer: FlaskClient) -> None:
    reply = post(reviewer, "/bulk-actions/prepare", {"kind": "approve", "scope": "ticked"})
    assert reply.location == "/cases"
    assert "nothing was selected" in reviewer.get("/cases").text


def test_what_was_left_out_stands_with_its_reason_and_leads_to_its_rows(app: Flask, reviewer: FlaskClient) -> None:
    cases = lapsed(app, 2)
    with app.app_context(), writing() as session:
        other = story.add_staff(session, "other@desk.test").id
        session.add(
            Claim(case_id=cases[0], staff_id=other, claimed_at=START, expires_at=START + timedelta(minutes=9))
        )
    page = prepare(reviewer, cases)
    html = reviewer.get(page).text
    assert "1 case</a>: Somebody else is working on it" in html
    rows = reviewer.get(f"{page}/cases?state=excluded&why=claimed").text
    assert f'href="/cases/{cases[0]}"' in rows
    assert f'href="/cases/{cases[1]}"' not in rows


def test_old_evidence_can_be_checked_from_the_preview_and_the_list_prepared_again(
    app: Flask, reviewer: FlaskClient, clock: ManualClock
) -> None:
    cases = lapsed(app, 2)
    clock.advance(hours=25)
    page = prepare(reviewer, cases)
    assert "Check 2 domains now" in reviewer.get(page).text
    with app.app_context(), assert_one_entry(Event.BULK_CHECK_REQUESTED) as entry:
        assert post(reviewer, f"{page}/check-now").location == page
    assert entry.data == {"domains": 2}
    with app.app_context(), writing() as session:
        assert set(db.session.scalars(select(Domain.next_check_at))) == {clock.now()}
        session.execute(update(EvidenceRecord).values(last_seen_at=clock.now()))
    again = post(reviewer, f"{page}/again").location
    assert again != page
    assert "Un-verify 4 addresses" in reviewer.get(again).text


def test_above_ten_addresses_their_number_is_typed(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 6))
    assert 'name="typed_count"' in reviewer.get(page).text
    reply = confirm(reviewer, page, typed_count="11", note="kept <text>")
    assert reply.status_code == 422
    assert "Type the number of addresses: 12." in reply.text
    assert "kept &lt;text&gt;</textarea>" in reply.text
    assert confirm(reviewer, page, typed_count="12").status_code == 303


def test_the_second_person_sees_the_same_preview_and_is_not_the_author(app: Flask, admin: FlaskClient) -> None:
    page = prepare(admin, lapsed(app, 1, addresses=101))
    assert "A second person must approve this" in admin.get(page).text
    confirm(admin, page, typed_count="101")
    html = admin.get(page).text
    assert "somebody else must approve it" in html
    assert f'action="{page}/approve"' not in html
    assert post(admin, f"{page}/approve", hidden(html) | {"version": 4}).status_code in {409, 422}
    reviewer = signed_in_client(app)
    assert f'action="{page}/approve"' not in reviewer.get(page).text
    assert post(reviewer, f"{page}/approve", {"version": 4}).status_code == 403
    second = signed_in_client(app, Role.ADMIN)
    html = second.get(page).text
    assert "Un-verify 101 addresses of 101 accounts" in html
    assert "seen twice" in html
    assert post(second, f"{page}/approve", hidden(html)).location == page
    run(app, page)
    assert "Completed" in second.get(page).text


def test_an_author_with_every_permission_cannot_approve_their_own(app: Flask, admin: FlaskClient) -> None:
    page = prepare(admin, lapsed(app, 1, addresses=101))
    confirm(admin, page, typed_count="101")
    with app.app_context():
        bulk = db.session.get_one(BulkAction, 1)
        shown = {"version": bulk.version, "digest": bulk.digest}
    reply = post(admin, f"{page}/approve", shown)
    assert reply.status_code == 422
    assert "somebody else must approve it" in reply.text


def test_a_step_on_a_page_that_others_have_overtaken_is_a_conflict(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 1))
    shown = hidden(reviewer.get(page).text)
    assert post(reviewer, f"{page}/withdraw", shown).location == page
    reply = post(reviewer, f"{page}/confirm", shown | {"reason_code": "lapsed"})
    assert reply.status_code == 409
    assert "Nothing was changed by it" in reply.text


def test_an_expired_preview_says_so_and_can_be_prepared_again(
    app: Flask, reviewer: FlaskClient, wall_clock: ManualClock
) -> None:
    page = prepare(reviewer, lapsed(app, 1))
    shown = hidden(reviewer.get(page).text)
    wall_clock.advance(minutes=31)
    html = reviewer.get(page).text
    assert "This preview has expired" in html
    assert f'action="{page}/confirm"' not in html
    assert post(reviewer, f"{page}/confirm", shown | {"reason_code": "lapsed"}).status_code == 422
    assert post(reviewer, f"{page}/again").status_code == 303


def test_high_profile_accounts_stand_first_and_unticked(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 1, downloads=3_000_000))
    html = reviewer.get(page).text
    assert html.index("High-profile accounts") < html.index("What will happen")
    ids = re.findall(r'name="account_id"\s+value="(\d+)"', html)
    assert len(ids) == 2
    assert "checked" not in html[html.index("High-profile accounts") : html.index("Use these ticks")]
    post(reviewer, f"{page}/accounts", hidden(html) | {"account_id": ids[:1]})
    html = reviewer.get(page).text
    assert "Un-verify 1 address of 1 account" in html
    assert "it reaches 1 high-profile account" in html
    ticked = re.compile(r'name="account_id"\s+value="(\d+)"[^>]*\schecked\s')
    assert ticked.findall(html) == ids[:1]
    assert confirm(reviewer, page, typed_count=1).location == page
    seen = signed_in_client(app, Role.ADMIN).get(page).text
    assert ticked.findall(seen) == ids[:1], "the second person sees which are part of it"
    assert len(re.findall(r'name="account_id"[^>]*\sdisabled>', seen)) == len(ids)


def test_progress_pauses_resumes_and_cancels_without_a_script(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 3))
    confirm(reviewer, page)
    html = reviewer.get(page).text
    assert '<progress class="bulk-bar"' in html
    assert f'href="{page}">Refresh</a>' in html
    assert "It waits for a worker" in html
    assert post(reviewer, f"{page}/pause").location == page
    html = reviewer.get(page).text
    assert "Paused by hand" in html
    assert post(reviewer, f"{page}/resume", hidden(html)).location == page
    assert post(reviewer, f"{page}/cancel").location == page
    assert "3 cases</a> not touched" in reviewer.get(page).text
    assert post(reviewer, f"{page}/pause").status_code == 409


def test_the_part_that_polls_ends_by_having_the_page_loaded_anew(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 3))
    confirm(reviewer, page)
    part = reviewer.get(f"{page}/progress", headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' in part.text
    assert "<html" not in part.text
    run(app, page)
    part = reviewer.get(f"{page}/progress", headers={"HX-Request": "true"})
    assert (part.text, part.headers["HX-Refresh"]) == ("", "true")
    assert reviewer.get(f"{page}/progress").location == page


def test_what_runs_can_be_stopped_from_every_page_by_those_who_may(app: Flask, reviewer: FlaskClient) -> None:
    auditor = signed_in_client(app, Role.AUDITOR)
    assert "stop-all" not in reviewer.get("/").text
    page = prepare(reviewer, lapsed(app, 2))
    confirm(reviewer, page)
    for path in ("/", "/cases", "/statistics", page):
        assert 'action="/bulk-actions/stop-all"' in reviewer.get(path).text
        assert "stop-all" not in auditor.get(path).text
    assert post(auditor, "/bulk-actions/stop-all").status_code == 403
    with app.app_context(), assert_one_entry(Event.BULK_STOPPED) as entry:
        assert post(reviewer, "/bulk-actions/stop-all").location == "/bulk-actions"
    assert entry.data == {"ids": [1]}
    assert "stop-all" not in reviewer.get("/").text
    assert "Stopped 1 bulk action" not in reviewer.get("/").text


def test_a_result_is_taken_back_by_an_action_of_its_own(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 2))
    confirm(reviewer, page)
    run(app, page)
    back = post(reviewer, f"{page}/revert").location
    html = reviewer.get(back).text
    assert "Take back 2 decisions of bulk action 1" in html
    assert confirm(reviewer, back, note="wrong list").location == back
    run(app, back)
    assert "Completed" in reviewer.get(back).text
    assert "Taken back by bulk action 2" in reviewer.get(page).text
    with app.app_context():
        assert set(db.session.scalars(select(Case.state))) == {"open"}
    assert "Nothing of it is left" in reviewer.get(post(reviewer, f"{page}/revert").location).text


@pytest.mark.parametrize("kind", ["unverify", "revert"])
def test_what_sources_refuse_stops_un_verifying_and_taking_back_in_the_same_words(
    app: Flask, reviewer: FlaskClient, kind: str
) -> None:
    page = prepare(reviewer, lapsed(app, 40, addresses=1))
    confirm(reviewer, page, typed_count=40)
    if kind == "revert":
        run(app, page)
        with app.app_context(), writing() as session:
            session.execute(update(Unverification).values(state="applied", settled_at=START))
            session.execute(update(Address).values(verified=False))
        page = post(reviewer, f"{page}/revert").location
        confirm(reviewer, page, typed_count=40, note="wrong list")
    with app.app_context():
        bulk_id = int(page.rpartition("/")[2])
        steps.work(bulk_id, pace=Pace(items=25, addresses=100), steps=1)
        with writing() as session:
            refused = {"state": "rejected", "settled_at": START}
            session.execute(update(Unverification).where(Unverification.kind == kind).values(refused))
        steps.work(bulk_id, Moment(START, START + steps.LEASE), pace=Pace(items=5, addresses=100))
    html = reviewer.get(page).text
    assert "Aborted by itself: sources refused too much of what they were told" in html
    assert "10 cases</a> not touched" in html


def test_the_file_names_every_address_masked_and_no_cell_is_a_formula(app: Flask, reviewer: FlaskClient) -> None:
    cases = lapsed(app, 2)
    with app.app_context(), writing() as session:
        session.execute(update(Account).values(username="=cmd()"))
    page = prepare(reviewer, cases)
    confirm(reviewer, page)
    run(app, page)
    with app.app_context(), assert_one_entry(Event.BULK_EXPORTED):
        reply = reviewer.get(f"{page}.csv")
    assert reply.headers["Content-Disposition"] == 'attachment; filename="lapsewatch-bulk-1.csv"'
    lines = reply.text.splitlines()
    assert len(lines) == 5
    assert all("•••" in line and ",queued," in line for line in lines[1:])
    assert "secret" not in reply.text
    assert "'=cmd()" in reply.text


def test_staged_by_choice(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 20, addresses=0), kind="override")
    assert confirm(reviewer, page, reason_code="owner_confirmed", staged="yes").location == page
    run(app, page)
    html = reviewer.get(page).text
    assert "Stage 1 of 3 is done" in html
    assert "Go on with the next stage" in html
    assert post(reviewer, f"{page}/resume", hidden(html)).location == page


def test_the_list_of_actions_says_what_to_do_when_there_is_none(app: Flask, reviewer: FlaskClient) -> None:
    assert "There was no bulk action yet" in reviewer.get("/bulk-actions").text
    page = prepare(reviewer, lapsed(app, 1))
    assert f'href="{page}"' in reviewer.get("/bulk-actions").text


def test_an_unknown_action_is_a_404(app: Flask, admin: FlaskClient) -> None:
    for path in ("/bulk-actions/9", "/bulk-actions/9/cases", "/bulk-actions/9.csv"):
        assert admin.get(path).status_code == 404
    for step in ("confirm", "approve", "withdraw", "pause", "resume", "cancel", "check-now", "again", "revert"):
        assert post(admin, f"/bulk-actions/9/{step}", {"version": 1}).status_code == 404


def test_each_step_writes_one_entry(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 3))
    confirm(reviewer, page)
    post(reviewer, f"{page}/pause")
    post(reviewer, f"{page}/resume", hidden(reviewer.get(page).text))
    post(reviewer, f"{page}/cancel")
    with app.app_context():
        told = [entry.event for entry in entries(db.session()) if entry.event.startswith("bulk.")]
    assert told == ["bulk.prepared", "bulk.confirmed", "bulk.paused", "bulk.resumed", "bulk.cancelled"]


def test_who_may_not_decide_only_reads(app: Flask, reviewer: FlaskClient) -> None:
    page = prepare(reviewer, lapsed(app, 1))
    auditor = signed_in_client(app, Role.AUDITOR)
    html = auditor.get(page).text
    assert "Un-verify 2 addresses" in html
    assert f'action="{page}' not in html
    for step in ("prepare", f"{page.rpartition('/')[2]}/confirm", f"{page.rpartition('/')[2]}/pause"):
        assert post(auditor, f"/bulk-actions/{step}", {"version": 1}).status_code == 403

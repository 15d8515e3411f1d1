"""The case page as a desk: a part of the addresses, terms, undo, notes, templates, what is linked and alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.database import db, writing
from dashboard.models import (
    Address,
    BulkAddress,
    Case,
    CaseNote,
    CaseOpening,
    Decision,
    Dependency,
    Mention,
    Role,
    SetAside,
    Staff,
    TakeoverReport,
    Unverification,
)
from tests import factories as make
from tests.conftest import START
from tests.support.audit import entries
from tests.support.people import make_staff, post, sign_in, signed_in_client
from tests.support.statements import recorded_statements
from tests.web.test_decisions import decide, make_lapsed_case

HOSTILE = "<script>alert(1)</script>"
STATEMENTS = 25
"""So many at most for a page of a case, whatever it holds."""


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def addresses(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(Address.id).order_by(Address.id)))


def ticks(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'name="address_id"\s+value="(\d+)"', html)]


def undo_form(html: str) -> str:
    found = re.search(r'action="(/decisions/\d+/undo)"', html)
    assert found, "what was done can be undone"
    return found[1]


def told(app: Flask) -> list[str]:
    with app.app_context():
        return [entry.event for entry in entries(db.session())]


def test_ticked_addresses_alone_are_unverified(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=3)
    ids = addresses(app)
    assert sorted(ticks(reviewer.get(f"/cases/{case}").text)) == ids
    reply = decide(reviewer, case, which="ticked", address_id=ids[:2])
    assert reply.status_code == 303
    assert "2 addresses of 2 accounts will be un-verified" in reviewer.get(reply.location).text
    with app.app_context():
        assert set(db.session.scalars(select(Unverification.address_id))) == set(ids[:2])
        assert db.session.scalars(select(Case.decided_facts)).one()["left_out"] == ids[2:]


@pytest.mark.parametrize(
    ("which", "ticked", "message"), [("ticked", 0, "Tick the addresses"), ("all", 1, "1 address is ticked")]
)
def test_ticks_that_contradict_the_form_decide_nothing(
    app: Flask, reviewer: FlaskClient, which: str, ticked: int, message: str
) -> None:
    case = make_lapsed_case(app, addresses=2)
    reply = decide(reviewer, case, which=which, address_id=addresses(app)[:ticked])
    assert reply.status_code == 422
    assert message in reply.text
    assert len(re.findall(r'name="address_id"[^>]*checked', reply.text)) == ticked
    with app.app_context():
        assert db.session.scalars(select(Decision.id)).all() == []


def test_a_chosen_part_above_the_limit_waits_for_a_second_person_as_that_part(
    app: Flask, reviewer: FlaskClient
) -> None:
    case = make_lapsed_case(app, addresses=103)
    chosen = addresses(app)[:101]
    reply = decide(reviewer, case, which="ticked", address_id=chosen, typed_count="101")
    assert reply.location == "/bulk-actions/1"
    assert "Un-verify 101 addresses of 101 accounts" in reviewer.get(reply.location).text
    with app.app_context():
        query = select(BulkAddress.address_id).where(BulkAddress.is_chosen).order_by(BulkAddress.address_id)
        assert list(db.session.scalars(query)) == chosen


def test_a_decision_to_keep_holds_for_a_term_and_says_so(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    reply = decide(reviewer, case, kind="override", reason_code="owner_confirmed", until="30")
    assert "stay verified until 2026-12-01, or the facts change" in reviewer.get(reply.location).text
    assert "Holds until" in reviewer.get(f"/cases/{case}").text
    with app.app_context():
        assert db.session.get_one(Case, case).term_at == START + timedelta(days=30)


@pytest.mark.parametrize("date", ["", "2026-11-01", "2028-01-01", "nonsense"])
def test_a_day_that_is_no_term_is_refused_at_its_field(app: Flask, reviewer: FlaskClient, date: str) -> None:
    case = make_lapsed_case(app)
    fields = {"kind": "override", "reason_code": "owner_confirmed", "until": "date", "date": date}
    reply = decide(reviewer, case, **fields)
    assert reply.status_code == 422
    assert 'id="override-until-error"' in reply.text
    assert "Choose a day after today" in reply.text


def test_what_was_just_done_is_undone_by_one_form(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, name="slip.net")
    page = reviewer.get(decide(reviewer, case).location).text
    reply = post(reviewer, undo_form(page))
    assert reply.location == f"/cases/{case}"
    html = reviewer.get(reply.location).text
    assert "slip.net: taken back. 1 address withdrawn before the source knew. The case is open again." in html
    assert "Taken back" in html
    with app.app_context():
        assert db.session.get_one(Case, case).state == "open"
        assert db.session.scalars(select(Unverification.state)).all() == ["withdrawn"]
    assert told(app)[-1] == "case.decision_reverted"


def test_what_the_source_was_told_is_undone_after_a_question(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    path = undo_form(reviewer.get(decide(reviewer, case).location).text)
    with app.app_context(), writing() as session:
        session.scalars(select(Unverification)).one().state = "applied"
        session.scalars(select(Address)).one().verified = False
    reply = post(reviewer, path)
    assert reply.location == path, "the question"
    question = reviewer.get(path).text
    assert "1 address: the source was told already" in question
    assert told(app)[-1] == "case.approved", "nothing happened yet"
    assert post(reviewer, path, {"confirmed": "yes"}).location == f"/cases/{case}"
    with app.app_context():
        states = db.session.scalars(select(Unverification.state).order_by(Unverification.id)).all()
        assert states == ["revert_queued", "queued"]
    again = post(reviewer, path)
    assert "taken back already" in reviewer.get(again.location).text
    assert "Take this decision back" not in reviewer.get(f"/cases/{case}").text


def test_so_many_that_they_are_taken_back_by_a_bulk_action(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, addresses=11)
    path = undo_form(reviewer.get(decide(reviewer, case, typed_count="11").location).text)
    with app.app_context(), writing() as session:
        for item in session.scalars(select(Unverification)):
            item.state = "applied"
        for address in session.scalars(select(Address)):
            address.verified = False
    reply = post(reviewer, path, {"confirmed": "yes"})
    assert reply.location.startswith("/bulk-actions/")
    assert "11 addresses" in reviewer.get(reply.location).text


def test_an_auditor_cannot_undo_and_a_missing_decision_is_a_404(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app)
    path = undo_form(reviewer.get(decide(reviewer, case).location).text)
    assert post(signed_in_client(app, Role.AUDITOR), path).status_code == 403
    assert post(reviewer, "/decisions/999/undo").status_code == 404


def write(client: FlaskClient, case: int, body: str) -> TestResponse:
    return post(client, f"/cases/{case}/notes", {"body": body})


def test_a_note_names_a_colleague_who_sees_it_until_they_tick_it_off(app: Flask, reviewer: FlaskClient) -> None:
    case = make_lapsed_case(app, name="asked.net")
    with app.app_context():
        ada = make_staff(Role.ADMIN, "ada@desk.test")
    client = app.test_client()
    sign_in(client, "ada@desk.test")
    assert "Mentions of me" not in client.get("/").text
    reply = write(reviewer, case, f"@Ada, is this yours? @nobody {HOSTILE}")
    assert reply.location == f"/cases/{case}#notes"
    page = reviewer.get(f"/cases/{case}").text
    assert "ada@desk.test will see it" in page
    assert "@nobody" in page
    assert HOSTILE not in page
    overview = client.get("/").text
    assert "Mentions of me" in overview
    assert f'href="/cases/{case}#note-1"' in overview
    assert HOSTILE not in overview
    with app.app_context():
        entry = entries(db.session())[-1]
        assert (entry.event, dict(entry.data)) == ("case.note_written", {"note_id": 1, "mentions": [ada.id]})
    assert post(client, "/mentions/1/seen", {"return_to": "/"}).location == "/"
    assert "Mentions of me" not in client.get("/").text
    post(client, "/mentions/1/seen")
    assert told(app)[-1] == "case.mention_seen"
    assert told(app).count("case.mention_seen") == 1


@pytest.mark.parametrize("body", ["", "  \n", "x" * 4001])
def test_a_note_without_words_or_with_too_many_is_not_kept(app: Flask, reviewer: FlaskClient, body: str) -> None:
    case = make_lapsed_case(app)
    assert "Nothing was kept" in reviewer.get(write(reviewer, case, body).location).text
    with app.app_context():
        assert db.session.scalars(select(CaseNote.id)).all() == []


def test_notes_are_for_those_who_decide(app: Flask) -> None:
    case = make_lapsed_case(app)
    assert write(signed_in_client(app, Role.AUDITOR), case, "x").status_code == 403
    assert write(signed_in_client(app), 999, "x").status_code == 404
    with app.app_context():
        assert db.session.scalars(select(Mention.note_id)).all() == []


def keep(client: FlaskClient, path: str, **fields: object) -> str:
    reply = post(client, f"/settings/{path}", fields)
    assert reply.location == "/settings/reasons"
    return client.get(reply.location).text


def test_reasons_are_added_replaced_and_retired_and_decisions_keep_their_words(
    app: Flask, reviewer: FlaskClient
) -> None:
    admin = signed_in_client(app, Role.ADMIN)
    html = keep(admin, "reasons", kind="override", label=f"Seen at  court {HOSTILE}")
    assert "The reason can be chosen" in html
    assert HOSTILE not in html
    case = make_lapsed_case(app)
    code = re.search(r'value="(seen_at_court\w*)"', reviewer.get(f"/cases/{case}").text)
    assert code
    assert decide(reviewer, case, kind="override", reason_code=code[1]).status_code == 303
    assert "Seen at court &lt;script" in reviewer.get(f"/cases/{case}").text
    assert "earlier decisions keep the old ones" in keep(admin, "reasons/11/replace", label="A court said so")
    other = make_lapsed_case(app)
    page = reviewer.get(f"/cases/{other}").text
    assert "A court said so" in page
    assert decide(reviewer, other, kind="override", reason_code=code[1]).status_code == 422, "it is retired"
    assert "Seen at court &lt;script" in reviewer.get(f"/cases/{case}").text
    assert "It can be chosen again" in keep(admin, "reasons/11/restore")
    assert told(app)[-1] == "reason.restored"
    assert "There is one with these words" in keep(admin, "reasons", kind="override", label="A court said so")


def test_the_last_reason_of_a_kind_stays(app: Flask) -> None:
    admin = signed_in_client(app, Role.ADMIN)
    for number in range(1, 5):
        assert "Retired. Decisions" in keep(admin, f"reasons/{number}/retire")
    assert "It is the last of its kind" in keep(admin, "reasons/5/retire")
    assert post(admin, "/settings/reasons/999/retire").status_code == 404


def test_a_note_begins_with_a_template(app: Flask, reviewer: FlaskClient) -> None:
    admin = signed_in_client(app, Role.ADMIN)
    keep(admin, "note-templates", kind="approve", title="Lost", body="Asked the owner; no answer.")
    case = make_lapsed_case(app)
    assert 'name="template_id"' in reviewer.get(f"/cases/{case}").text
    decide(reviewer, case, template_id="1", note="Twice.")
    with app.app_context():
        assert db.session.scalars(select(Decision.note)).one() == "Asked the owner; no answer.\n\nTwice."
    keep(admin, "note-templates/1/retire")
    assert 'name="template_id"' not in reviewer.get(f"/cases/{make_lapsed_case(app)}").text
    assert told(app).count("note_template.retired") == 1


def test_reasons_are_for_admins(app: Flask, reviewer: FlaskClient) -> None:
    assert reviewer.get("/settings/reasons").status_code == 403
    assert post(reviewer, "/settings/reasons", {"kind": "approve", "label": "x"}).status_code == 403


def rely(app: Flask, cases: Sequence[int], on: str, kind: str) -> None:
    with app.app_context(), writing() as session:
        operator = make.make_domain(session, on)
        for case in cases:
            domain_id = session.get_one(Case, case).domain_id
            row = Dependency(domain_id=domain_id, kind=kind, depends_on_id=operator.id, first_seen_at=START)
            session.add(row)


def test_linked_cases_say_what_they_have_in_common(app: Flask, reviewer: FlaskClient) -> None:
    here, there, stranger = (make_lapsed_case(app, name=f"{name}.net") for name in ("here", "there", "stranger"))
    rely(app, [here, there], "operator.net", "ns")
    rely(app, [stranger], "elsewhere.org", "mx")
    with app.app_context(), writing() as session:
        account_id = session.scalars(select(Address.account_id).order_by(Address.id)).first()
        other = session.scalars(select(Address).where(Address.host == "there.net")).one()
        other.account_id = account_id or 0
    html = reviewer.get(f"/cases/{here}").text
    linked = html[html.index('id="linked-head"') : html.index('id="notes-head"')]
    assert f'href="/cases/{there}"' in linked
    assert "1 account in common" in linked
    assert "Registrar Honest Names, names at" in linked
    assert 'href="/domains/operator.net"' in linked
    assert "stranger.net" not in linked


def test_earlier_decisions_on_cases_like_this_one_are_counted(app: Flask, reviewer: FlaskClient) -> None:
    cases = [make_lapsed_case(app, name=f"like-{number}.net") for number in range(4)]
    with app.app_context(), writing() as session:
        for opening in session.scalars(select(CaseOpening)):
            opening.phase, opening.holder_change = "redemption", "none"
    decide(reviewer, cases[1])
    decide(reviewer, cases[2])
    decide(reviewer, cases[3], kind="override", reason_code="owner_confirmed")
    with app.app_context(), writing() as session:
        session.scalars(select(Decision).order_by(Decision.id)).all()[1].reverted_at = START
    html = reviewer.get(f"/cases/{cases[0]}").text
    part = html[html.index('id="similar-head"') :]
    assert re.findall(r'<td class="num">(\d+)</td>', part)[:4] == ["2", "1", "1", "0"]
    assert part.count("Taken back</span>") == 1
    for words in ("like-3.net", "The owner has shown that they still hold it", "The latest 3 in the same situation"):
        assert words in part


def test_the_page_takes_few_statements_however_many_accounts_there_are(app: Flask, reviewer: FlaskClient) -> None:
    few, many = make_lapsed_case(app), make_lapsed_case(app, addresses=500)
    rely(app, [few, many], "operator.net", "mx")
    decide(reviewer, make_lapsed_case(app))
    busy(app, few)
    busy(app, many)
    with recorded_statements(app) as first:
        assert "Takeover reported" in reviewer.get(f"/cases/{few}").text
    with recorded_statements(app) as second:
        reviewer.get(f"/cases/{many}")
    assert len(first) == len(second) <= STATEMENTS
    assert len(set(first)) == len(first), "nothing is read twice"


def busy(app: Flask, case_id: int) -> None:
    """Let there be of everything: a note, a decision that was taken back, a report, a time aside, events, packages."""
    with app.app_context(), writing() as session:
        case, person = session.get_one(Case, case_id), session.scalars(select(Staff.id)).first()
        decision = make.make_decision(session, case, person or 0, reverted_at=START, reverted_by=person)
        about: dict[str, Any] = {"case_id": case_id, "staff_id": person}
        report = TakeoverReport(**about, reported_at=START, note="", case_version=1, frozen={})
        session.add_all([report, CaseNote(**about, at=START, body="seen")])
        session.add(SetAside(**about, kind="snooze", at=START, note="", ended_at=START, ended_how="date"))
        session.flush()
        for address in session.scalars(select(Address).where(Address.domain_id == case.domain_id)).all():
            make.make_unverification(session, decision, address, "withdrawn")
            make.make_notice(session, address, report_id=report.id)
            make.make_package(session, address.account)
            make.make_event(session, address.account, "login", START)

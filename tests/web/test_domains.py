from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.events import Event
from dashboard.database import db, writing
from dashboard.models import Dependency, Domain, Role
from tests import factories as make
from tests.conftest import START
from tests.support.audit import assert_one_entry
from tests.support.people import post, signed_in_client

SECRET = "verysecretlocalpart"


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def test_without_domains_the_list_says_how_they_come(reviewer: FlaskClient) -> None:
    assert "lapsewatch import accounts" in reviewer.get("/domains").text


def test_search_finds_by_the_start_of_the_name_and_links_the_case(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "harbour.net")
        make.make_domain(session, "other.net")
        case_id = make.make_case(session, domain, state="decided").id
    html = reviewer.get("/domains?q=Harb").text
    assert ">harbour.net<" in html
    assert ">other.net<" not in html
    assert "1 domain" in html
    assert f'<a href="/cases/{case_id}">Decided</a>' in html
    assert "No monitored domain starts with “zzz”" in reviewer.get("/domains?q=zzz").text


def test_a_name_with_control_characters_is_no_domains(reviewer: FlaskClient) -> None:
    assert reviewer.get("/domains/a%00b.net").status_code == 404


def test_a_pasted_address_does_not_stay_in_the_address_bar(reviewer: FlaskClient) -> None:
    reply = reviewer.get("/domains?q=Ann.Other@Harbour.net")
    assert (reply.status_code, reply.location) == (303, "/domains?q=harbour.net")
    assert reviewer.get("/domains?q=ann@").location == "/domains"


def test_overdue_checks_are_the_rows_behind_the_overviews_number(app: Flask, reviewer: FlaskClient) -> None:
    assert "Every domain was checked completely" in reviewer.get("/domains?overdue=1").text
    with app.app_context(), writing() as session:
        old = START - timedelta(days=31)
        make.make_domain(session, "late.net", completed_at=old, next_check_at=old)
        make.make_domain(session, "fine.net")
    html = reviewer.get("/domains?overdue=1").text
    assert ">late.net<" in html
    assert ">fine.net<" not in html


def test_a_domain_shows_timeline_evidence_and_masked_addresses(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(
            session, "xn--bcher-kva.net", assessment={"reasons": ["It lapsed."], "predicted": {}}
        )
        make.make_evidence(session, domain, registrar="Honest Names")
        account = make.make_account(session, make.make_source(session))
        make.make_address(session, account, domain, SECRET)
        make.make_address(session, account, None, "otherlocalpart", is_primary=False)
        case_id = make.make_case(session, domain).id
    html = reviewer.get("/domains/xn--bcher-kva.net").text
    assert "bücher.net" in html
    assert "<svg" in html
    assert "Honest Names" in html
    assert "It lapsed." in html
    assert f"Case {case_id}" in html
    assert "v•••t@xn--bcher-kva.net" in html
    assert "o•••t@elsewhere.net" in html
    assert SECRET not in html
    assert "otherlocalpart" not in html


def test_a_name_in_another_spelling_leads_to_its_page(reviewer: FlaskClient) -> None:
    assert reviewer.get("/domains/Bücher.NET").location == "/domains/xn--bcher-kva.net"
    assert reviewer.get("/domains/unknown.net").status_code == 404


def test_a_bare_domain_has_a_page_too(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        make.make_domain(session, "bare.net", phase="unknown", last_checked_at=None)
    html = reviewer.get("/domains/bare.net").text
    assert "No provider has answered yet" in html
    assert "No account has an address" in html


def test_a_check_asked_for_makes_the_domain_due_and_is_told_in_the_audit_log(app: Flask) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "quiet.net")
        domain.next_check_at = START + timedelta(days=20)
    client = signed_in_client(app)
    assert "Check now" in client.get("/domains/quiet.net").text
    with app.app_context(), assert_one_entry(Event.DOMAIN_CHECK_REQUESTED) as entry:
        assert post(client, "/domains/quiet.net/check").status_code == 303
    assert entry.object["id"] == "quiet.net"
    with app.app_context():
        assert db.session.scalars(select(Domain.next_check_at)).one() == START
    assert "will be checked within moments" in client.get("/domains/quiet.net").text


def test_a_check_of_a_domain_that_a_batch_holds_leaves_its_due_time(app: Flask) -> None:
    due = START - timedelta(hours=1)
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "busy.net")
        domain.next_check_at, domain.batch_id = due, 7
    assert post(signed_in_client(app), "/domains/busy.net/check").status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Domain.next_check_at)).one() == due


def test_auditors_may_not_ask_for_a_check_and_unknown_domains_are_not_found(app: Flask) -> None:
    assert post(signed_in_client(app, Role.AUDITOR), "/domains/any.net/check").status_code == 403
    assert post(signed_in_client(app), "/domains/any.net/check").status_code == 404


def lean(session: Session, domain: Domain, on: Domain, kind: str, *, until: datetime | None = None) -> None:
    session.add(
        Dependency(
            domain_id=domain.id,
            kind=kind,
            depends_on_id=on.id,
            first_seen_at=START - timedelta(days=9),
            last_seen_at=until,
        )
    )


def test_a_domain_shows_what_it_relies_on_and_who_relies_on_it(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        mail, names = (
            make.make_domain(session, "mailhost.net", phase="available"),
            make.make_domain(session, "dns.org"),
        )
        parcels = make.make_domain(session, "parcels.com", phase="active")
        lean(session, parcels, mail, "mx")
        lean(session, parcels, mail, "ns")
        lean(session, parcels, names, "ns", until=START - timedelta(days=2))
    html = reviewer.get("/domains/parcels.com").text
    assert 'href="/domains/mailhost.net"' in html
    assert 'href="/domains/dns.org"' in html
    assert "Relied on by" not in html
    html = reviewer.get("/domains/mailhost.net").text
    assert "Relied on by 1 domain" in html
    assert "<td>mail and names</td>" in html
    assert "no verified address is at it" in html
    assert "Relied on by" not in reviewer.get("/domains/dns.org").text


def test_all_who_rely_on_a_domain_can_be_listed(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        mail = make.make_domain(session, "mailhost.net")
        for number in range(60):
            lean(session, make.make_domain(session, f"user{number:02}.net"), mail, "mx")
        make.make_domain(session, "aside.net")
    page = reviewer.get("/domains/mailhost.net").text
    assert page.count('href="/domains/user') == 20
    assert "/domains?relies_on=mailhost.net" in page
    html = reviewer.get("/domains?relies_on=mailhost.net").text
    assert "60 domains" in html
    assert ">aside.net<" not in html
    assert "relies_on=mailhost.net&amp;after=" in html or "after=user49.net&amp;relies_on" in html
    assert "No monitored domain" not in html
    assert "0 domains" in reviewer.get("/domains?relies_on=nobody.net").text


def test_a_check_that_is_not_complete_is_said_to_be_stale(app: Flask) -> None:
    with app.app_context(), writing() as session:
        make.make_domain(session, "held-back.net", failures=2, completed_at=START - timedelta(days=4))
        make.make_domain(session, "never-done.net", failures=1, completed_at=None)
    client = signed_in_client(app)
    assert "stale, tried 2 times" in client.get("/domains").text
    html = client.get("/domains/held-back.net").text
    assert "Its last complete check was" in html
    assert "left alone 2 times since" in html
    assert "No check of it was complete yet" in client.get("/domains/never-done.net").text

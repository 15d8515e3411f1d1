"""The queue and the page of one case."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase, Provider
from dashboard.models import BulkAction, Role
from dashboard.queries.queue import PAGE_SIZE
from tests import factories as make
from tests.conftest import START
from tests.support.people import post, signed_in_client
from tests.support.statements import recorded_statements

HOSTILE = "<script>alert(1)</script>"
SECRET = "verysecretlocalpart"


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def case_ids(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'<a href="/cases/(\d+)"', html)]


def link(html: str, rel: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)"[^>]*rel="{rel}"', html)
    return found[1].replace("&amp;", "&") if found else None


def test_an_empty_queue_says_what_comes_next(reviewer: FlaskClient) -> None:
    page = reviewer.get("/cases").text
    assert "No case is open" in page
    assert "/domains" in page


def test_the_riskiest_case_stands_first_with_its_figures(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        make.make_case(session, make.make_domain(session, "calm.net"), risk=5)
        risky = make.make_domain(session, "risky.net", phase="available", holder_change="dropped_and_caught")
        make.make_case(
            session,
            risky,
            risk=300,
            addresses=37,
            only_address_accounts=4,
            no_second_factor_accounts=12,
            packages=9,
            downloads_30d=1234567,
            drop_at=START + timedelta(days=3),
        )
    page = reviewer.get("/cases").text
    assert page.index("risky.net") < page.index("calm.net")
    row = page[page.index("risky.net") : page.index("calm.net")]
    for words in ("Caught", "Available", ">37<", ">4<", ">12<", ">9<", "1,234,567", "in 3 days", "Corroborated"):
        assert words in row


def test_pages_hold_every_case_once_even_where_risks_are_equal(app: Flask, reviewer: FlaskClient) -> None:
    total = 2 * PAGE_SIZE + 7
    with app.app_context(), writing() as session:
        for number in range(total):
            make.make_case(session, risk=number % 5)
    seen: list[int] = []
    url: str | None = "/cases"
    pages = 0
    while url:
        html = reviewer.get(url).text
        seen += case_ids(html)
        url, last = link(html, "next"), url
        pages += 1
    assert pages == 3
    assert len(seen) == total
    assert len(set(seen)) == total
    back = link(reviewer.get(last).text, "prev")
    assert back is not None
    assert case_ids(reviewer.get(back).text) == seen[PAGE_SIZE : 2 * PAGE_SIZE]


def test_a_broken_cursor_shows_the_first_page(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        case = make.make_case(session)
        assert case.id
    for cursor in ("x", "1", "1.", ".1", "-1.5", "99999999999999999999.1", "1.2.3", "%00"):
        assert case_ids(reviewer.get(f"/cases?after={cursor}").text) == [1]


def test_filters_are_kept_in_the_address_and_in_the_next_page_link(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        source = make.make_source(session, "pypi")
        for number in range(PAGE_SIZE + 1):
            domain = make.make_domain(session, phase="available")
            make.make_address(session, make.make_account(session, source), domain)
            make.make_case(session, domain, risk=number)
        make.make_case(session, make.make_domain(session, "other.net", phase="redemption"))
    html = reviewer.get("/cases?phase=available&source=pypi").text
    assert "51 cases" in html
    assert "other.net" not in html
    target = link(html, "next")
    assert target is not None
    query = parse_qs(urlsplit(target).query)
    assert query["phase"] == ["available"]
    assert query["source"] == ["pypi"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"open.net", "dropping.net"}),
        ("state=decided", {"decided.net"}),
        ("state=all", {"open.net", "dropping.net", "decided.net"}),
        ("holder=sold_before_drop", {"open.net"}),
        ("drop=5", {"dropping.net"}),
        ("phase=nonsense&state=nonsense&drop=x", {"open.net", "dropping.net"}),
    ],
)
def test_each_filter(app: Flask, reviewer: FlaskClient, query: str, names: set[str]) -> None:
    with app.app_context(), writing() as session:
        make.make_case(session, make.make_domain(session, "open.net", holder_change="sold_before_drop"))
        make.make_case(session, make.make_domain(session, "dropping.net"), drop_at=START + timedelta(days=4))
        make.make_case(session, make.make_domain(session, "decided.net"), state="decided")
    html = reviewer.get(f"/cases?{query}").text
    assert {name for name in ("open.net", "dropping.net", "decided.net") if f">{name}<" in html} == names


def test_htmx_gets_the_table_alone_and_history_the_whole_page(app: Flask, reviewer: FlaskClient) -> None:
    part = reviewer.get("/cases", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "HX-Request" in part.headers["Vary"]
    assert part.headers["Cache-Control"] == "no-store"
    whole = reviewer.get("/cases", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.text


def test_the_queue_takes_few_statements_on_every_page(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        source = make.make_source(session)
        for number in range(3 * PAGE_SIZE):
            domain = make.make_domain(session)
            make.make_change(session, domain, "phase", START - timedelta(days=9), "active", "redemption")
            make.make_address(session, make.make_account(session, source), domain)
            make.make_case(session, domain, risk=number)
    with recorded_statements(app) as first:
        html = reviewer.get("/cases").text
    following = link(html, "next")
    assert following is not None
    with recorded_statements(app) as second:
        reviewer.get(following)
    assert len(first) == len(second) <= 12


def test_a_case_shows_all_that_a_decision_needs(app: Flask, reviewer: FlaskClient) -> None:
    caught = START - timedelta(days=9)
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "caught.net", phase="active", holder_change="dropped_and_caught")
        make.make_period(session, domain, START - timedelta(days=2000), ended_at=caught, registrar="Old Harbour")
        make.make_period(session, domain, caught, registrar="Bargain Names")
        make.make_change(session, domain, "phase", START - timedelta(days=50), "active", "redemption")
        make.make_change(session, domain, "phase", caught, "available", "active")
        make.make_evidence(session, domain, phase=Phase.ACTIVE, registered_at=caught, registrar="Bargain Names")
        make.make_evidence(session, domain, Provider.WHOIS, phase=Phase.ACTIVE, registrar="Old Harbour")
        account = make.make_account(session, make.make_source(session), "maintainer", two_factor=False)
        make.make_address(session, account, domain, SECRET)
        make.make_package(session, account, "parcel", downloads_30d=750, last_release_at=START - timedelta(days=8))
        make.make_event(session, account, "password_reset", START - timedelta(days=8))
        make.make_event(session, account, "token_created", START - timedelta(days=700))
        case = make.make_case(session, domain, risk_parts=[{"name": "x", "points": 50, "why": "because it matters"}])
        path = f"/cases/{case.id}"
    html = reviewer.get(path).text
    assert "<svg" in html
    assert "registration 2 at Bargain Names" in html
    assert "differs" in html
    assert "loses the only one" in html
    assert "no 2FA" in html
    assert "Password reset" in html
    assert "Token created" not in html, "what happened before the catch is not shown"
    assert "released" in html
    assert "Because it matters" in html
    assert "Un-verify 1 address of 1 account" in html
    assert "1 account loses its only verified address" in html
    assert SECRET not in html
    assert "v•••t@caught.net" in html


def test_what_an_attacker_wrote_is_shown_as_text_only(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "hostile.net", assessment={"reasons": [HOSTILE], "predicted": {}})
        make.make_period(session, domain, START - timedelta(days=2000), registrar=HOSTILE)
        make.make_change(
            session, domain, "registrar", START - timedelta(days=5), "a", HOSTILE, f"Registrar {HOSTILE}"
        )
        make.make_evidence(
            session,
            domain,
            registrar=HOSTILE,
            statuses=(HOSTILE,),
            nameservers=(HOSTILE,),
            server=HOSTILE,
            raw=HOSTILE.encode(),
        )
        account = make.make_account(session, make.make_source(session, name=HOSTILE), HOSTILE)
        make.make_address(session, account, domain)
        make.make_package(session, account, HOSTILE)
        case = make.make_case(
            session, domain, opened_why=HOSTILE, risk_parts=[{"name": "x", "points": 1, "why": HOSTILE}]
        )
        pages = ["/", "/cases", f"/cases/{case.id}", "/domains", f"/domains/{domain.name}"]
    for path in pages:
        html = reviewer.get(path).text
        assert HOSTILE not in html, path
        assert "onerror" not in html
    assert "&lt;script&gt;" in reviewer.get(pages[2]).text


def test_a_raw_reply_is_plain_text_that_no_browser_runs(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session)
        kept = make.make_evidence(session, domain, raw=f"<html>{HOSTILE}\xff".encode("latin-1"))
        lost = make.make_evidence(session, domain, Provider.WHOIS, raw=None)
        paths = [f"/evidence/{kept.id}/raw", f"/evidence/{lost.id}/raw", "/evidence/999/raw"]
    reply = reviewer.get(paths[0])
    assert reply.status_code == 200
    assert reply.content_type == "text/plain; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert HOSTILE in reply.text
    assert [reviewer.get(path).status_code for path in paths[1:]] == [404, 404]


def test_accounts_beyond_the_first_page_are_a_link_away(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        domain, source = make.make_domain(session), make.make_source(session)
        for number in range(60):
            make.make_address(session, make.make_account(session, source, f"person-{number:02}"), domain)
        case = make.make_case(session, domain)
        path = f"/cases/{case.id}"
    first = set(re.findall(r"person-\d\d", reviewer.get(path).text))
    second = set(re.findall(r"person-\d\d", reviewer.get(f"{path}?accounts=50").text))
    assert len(first) == 50
    assert len(second) == 10
    assert not first & second


def test_an_unknown_case_is_a_404_in_plain_words(reviewer: FlaskClient) -> None:
    for path in ("/cases/999", "/cases/99999999999999999999", "/nothing"):
        reply = reviewer.get(path)
        assert reply.status_code == 404
        assert "There is nothing at this address" in reply.text


def test_an_auditor_reads_a_case_and_has_no_form(app: Flask) -> None:
    auditor = signed_in_client(app, Role.AUDITOR)
    with app.app_context(), writing() as session:
        domain = make.make_domain(session)
        make.make_address(session, make.make_account(session, make.make_source(session)), domain)
        path = f"/cases/{make.make_case(session, domain).id}"
    html = auditor.get(path).text
    assert "Your role reads cases" in html
    assert "/decision" not in html


def test_look_alike_names_show_both_forms_and_a_mark(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        make.make_case(session, make.make_domain(session, "xn--pple-43d.com"))
    html = reviewer.get("/cases").text
    assert "\u0430pple.com" in html
    assert "xn--pple-43d.com" in html
    assert "mixed scripts" in html


def test_the_ticked_rows_or_all_of_the_filter_become_a_bulk_action(app: Flask, reviewer: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        for number in range(3):
            make.make_case(session, make.make_domain(session, phase="available"), risk=number, version=4)
        make.make_case(session)
    page = reviewer.get("/cases?phase=available&sort=age").text
    form = page[page.index('<form method="post" action="/cases/skip"') :]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("<table")]))
    hidden.pop("csrf_token")
    assert {"state": "open", "phase": "available", "shown_count": "3"}.items() <= hidden.items()
    ticks = re.findall(r'name="case_id"\s+value="([^"]+)"', form)
    assert ticks == ["1.4", "2.4", "3.4"]
    assert "all 3 of this filter" in form
    for fields, count in (({"scope": "filter"}, 3), ({"scope": "ticked", "case_id": ticks[:2]}, 2)):
        reply = post(reviewer, "/bulk-actions/prepare", {**hidden, "kind": "approve", **fields})
        assert reply.status_code == 303
        with app.app_context():
            bulk = db.session.scalars(select(BulkAction).order_by(BulkAction.id.desc())).first()
            assert bulk
            assert bulk.counts["listed"] == count
    auditor = signed_in_client(app, Role.AUDITOR).get("/cases").text
    assert "/bulk-actions/prepare" not in auditor
    assert "checkbox" not in auditor[auditor.index("<table") :]

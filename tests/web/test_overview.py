from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask

from dashboard.database import writing
from dashboard.models import Brake, ProviderCount, Role
from tests import factories as make
from tests.conftest import START
from tests.support.people import make_staff, signed_in_client
from tests.support.statements import recorded_statements


def test_an_empty_desk_is_calm(app: Flask) -> None:
    html = signed_in_client(app).get("/").text
    assert "No case is open" in html
    assert "Every source has acknowledged" in html
    assert "tile-alert" not in html


def test_a_new_desk_says_what_to_do_first(app: Flask) -> None:
    client = signed_in_client(app)
    assert "lapsewatch source add" in client.get("/").text
    with app.app_context(), writing() as session:
        make.make_source(session)
    html = client.get("/").text
    assert "lapsewatch source add" not in html
    assert "lapsewatch import accounts --source" in html
    with app.app_context(), writing() as session:
        make.make_domain(session, "first.net")
    assert "First steps" not in client.get("/").text


def test_every_number_is_a_link_to_its_rows(app: Flask) -> None:
    with app.app_context(), writing() as session:
        make.make_case(session, make.make_domain(session, "soon.net"), drop_at=START + timedelta(days=3), risk=9)
        make.make_case(session, make.make_domain(session, "later.net", phase="available"), risk=99)
        old = START - timedelta(days=31)
        make.make_domain(session, "late.net", completed_at=old, next_check_at=old)
        session.add(ProviderCount(day="2026-11-01", provider="rdap", server="x", error="-", count=4210))
        session.add(ProviderCount(day="2026-11-01", provider="rdap", server="x", error="timeout", count=31))
    html = signed_in_client(app).get("/").text
    assert html.index("later.net") < html.index("soon.net"), "the riskiest first"
    assert 'href="/cases?drop=5"' in html
    assert 'href="/cases?phase=available"' in html
    assert 'href="/domains?overdue=1"' in html
    assert "tile-alert" in html
    months = re.search(r"Cases flagged</th>(.*?)</tr>", html, re.DOTALL)
    assert months is not None
    links = re.findall(r'<a href="([^"]+)">([\d,]+)</a>', months[1])
    assert links == [("/statistics#m-2026-11", "0"), ("/statistics#m-2026-10", "2")]
    assert "4,210" in html
    assert "Timed out: 31" in html


def test_admins_get_from_failed_look_ups_to_the_servers(app: Flask) -> None:
    with app.app_context(), writing() as session:
        session.add(ProviderCount(day="2026-11-01", provider="rdap", server="x", error="-", count=4210))
        session.add(ProviderCount(day="2026-11-01", provider="rdap", server="x", error="timeout", count=31))
    client = signed_in_client(app, Role.ADMIN)
    html = client.get("/").text
    for number in ("4,210", "31"):
        assert f'<a href="/settings/providers#p-rdap">{number}</a>' in html
    assert 'id="p-rdap"' in client.get("/settings/providers").text


def test_what_a_brake_holds_and_what_is_stuck_lead_to_their_cases(app: Flask) -> None:
    with app.app_context():
        staff = make_staff().id
    with app.app_context(), writing() as session:
        session.add(
            Brake(
                scope="tld",
                provider="rdap",
                tld="net",
                mode="share",
                lapsed=30,
                checked=99,
                limit_per_mille=20_000,
                opened_at=START,
            )
        )
        source = make.make_source(session, "index", name="Index")
        address = make.make_address(session, make.make_account(session, source), domain := make.make_domain(session))
        decision = make.make_decision(session, make.make_case(session, domain, state="decided"), staff)
        make.make_unverification(session, decision, address, "sent", START - timedelta(hours=30))
    client = signed_in_client(app)
    html = client.get("/").text
    assert '<a href="/cases?held=yes">0 open cases</a>' in html
    assert '<a href="/cases?state=decided&amp;source=index">1 ' in html
    assert client.get("/cases?state=decided&source=index").status_code == 200


def test_the_page_costs_few_statements_however_much_there_is(app: Flask) -> None:
    with app.app_context(), writing() as session:
        for number in range(12):
            make.make_case(session, make.make_domain(session, f"d{number}.net"), risk=number)
    client = signed_in_client(app)
    client.get("/")
    with recorded_statements(app) as statements:
        client.get("/")
    assert len(statements) <= 15, statements

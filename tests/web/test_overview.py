from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask

from dashboard.database import writing
from dashboard.models import ProviderCount
from tests import factories as make
from tests.conftest import START
from tests.support.people import signed_in_client


def test_an_empty_desk_is_calm(app: Flask) -> None:
    html = signed_in_client(app).get("/").text
    assert "No case is open" in html
    assert "Every source has acknowledged" in html
    assert "tile-alert" not in html


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
    assert re.search(r"Cases flagged</th>\s*<td class=\"num\">0</td>\s*<td class=\"num\">2</td>", html)
    assert "4,210" in html
    assert "Timed out: 31" in html

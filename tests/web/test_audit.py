from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard import runtime
from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.database import writing
from dashboard.models import Role
from dashboard.queries.audit import PAGE_SIZE
from tests.conftest import START, ManualClock
from tests.support.people import signed_in_client


@pytest.fixture
def auditor(app: Flask) -> FlaskClient:
    return signed_in_client(app, Role.AUDITOR)


def add_entries(app: Flask, count: int, domain: str = "a.net", days: int = 0) -> None:
    now = ManualClock(START).advance(days=days)
    entry = NewEntry(Event.DOMAIN_CHECK_REQUESTED, system("sweep"), "domain", domain, {"domain": domain})
    entry = NewEntry(entry.event, entry.actor, entry.object_type, entry.object_id, {})
    with app.app_context(), writing() as session:
        record_many(session, [entry] * count, now)


def seqs(html: str) -> list[int]:
    return [int(found) for found in re.findall(r'<a href="/audit/(\d+)"', html)]


def test_pages_hold_every_entry_once_the_newest_first(app: Flask, auditor: FlaskClient) -> None:
    add_entries(app, 2 * PAGE_SIZE)
    seen: list[int] = []
    url: str | None = "/audit"
    while url:
        html = auditor.get(url).text
        seen += seqs(html)
        found = re.search(r'<a href="([^"]+)"[^>]*rel="next"', html)
        url = found[1].replace("&amp;", "&") if found else None
    assert seen == list(range(len(seen), 0, -1))
    assert len(seen) > 2 * PAGE_SIZE, "sign-in left entries too"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("event=domain.check_requested", 5),
        ("actor=system:sweep", 5),
        ("object_type=domain&object_id=b.net", 2),
        ("since=2026-11-03&event=domain.check_requested", 2),
        ("until=2026-11-02&event=domain.check_requested", 3),
        ("since=nonsense&event=domain.check_requested", 5),
        ("until=9999-12-31&event=domain.check_requested", 5),
        ("actor=nobody@nowhere.net", 0),
    ],
)
def test_each_filter(app: Flask, auditor: FlaskClient, query: str, count: int) -> None:
    add_entries(app, 3, "a.net")
    add_entries(app, 2, "b.net", days=3)
    assert len(seqs(auditor.get(f"/audit?{query}", follow_redirects=True).text)) == count


def test_an_actor_is_found_by_sign_in_name(app: Flask, auditor: FlaskClient) -> None:
    html = auditor.get("/audit?event=staff.signed_in").text
    found = re.search(r">(auditor-\d+@staff\.example)</a>", html)
    assert found is not None
    reply = auditor.get(f"/audit?actor={found[1]}&event=staff.signed_in")
    assert (reply.status_code, "@" in reply.location) == (303, False), "the name must not stay in the address"
    assert len(seqs(auditor.get(reply.location).text)) == 1


def test_an_entry_shows_the_bytes_that_were_hashed(app: Flask, auditor: FlaskClient) -> None:
    add_entries(app, 1)
    last = seqs(auditor.get("/audit").text)[0]
    html = auditor.get(f"/audit/{last}").text
    assert "&#34;event&#34;:&#34;domain.check_requested&#34;" in html
    assert re.search(r"\b[0-9a-f]{64}\b", html)
    assert auditor.get("/audit/999999").status_code == 404


def test_reviewers_do_not_read_the_log_and_are_not_led_there(app: Flask) -> None:
    reviewer = signed_in_client(app)
    assert reviewer.get("/audit").status_code == 403
    assert 'href="/audit"' not in reviewer.get("/").text


def test_only_where_two_clocks_run_is_it_said_that_times_jump(app: Flask) -> None:
    said = "times in the log seem to jump"
    auditor = signed_in_client(app, Role.AUDITOR)
    assert said not in auditor.get("/audit").text
    app.extensions[runtime.SETTINGS] = replace(app.extensions[runtime.SETTINGS], clock_file=Path("clock.json"))
    assert said in auditor.get("/audit").text

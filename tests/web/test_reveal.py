"""Reveals: one address, for a reason, for the page, not too often, and never without an audit entry."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dashboard.audit.record import subject
from dashboard.database import db, writing
from dashboard.models import Address, Reveal, Role
from dashboard.services.reveal import LIMIT
from tests import factories as make
from tests.conftest import ManualClock
from tests.support import audit
from tests.support.people import post, signed_in_client

RAW = "confidential@secret-parcels.net"
ASK: dict[str, object] = {"reason_code": "support", "note": ""}


@pytest.fixture
def pages(app: Flask) -> dict[str, str]:
    """A case with two accounts, whose first address is asked for; each page of it by its endpoint."""
    with app.app_context(), writing() as session:
        source, domain = make.make_source(session), make.make_domain(session, "secret-parcels.net")
        for local in ("confidential", "another"):
            account = make.make_account(session, source)
            make.make_address(session, account, domain, local)
        case = make.make_case(session, domain)
        return {
            "case": f"/cases/{case.id}",
            "domain": f"/domains/{domain.name}",
            "account": "/accounts/1",
        }


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def entries(app: Flask, event: str) -> list[audit.Entry]:
    with app.app_context():
        return [entry for entry in audit.entries(db.session()) if entry.event == event]


@pytest.mark.parametrize("name", ["case", "domain", "account"])
def test_the_same_page_comes_back_with_that_one_address(
    app: Flask, client: FlaskClient, pages: dict[str, str], name: str
) -> None:
    page = pages[name]
    before = client.get(page).text
    assert RAW not in before
    assert 'action="/addresses/1/reveal#address-1"' in before
    reply = post(client, "/addresses/1/reveal", ASK | {"page": page})
    assert reply.status_code == 200
    assert RAW in reply.text
    assert "another@" not in reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.text.split("<title>")[1].split("<")[0] == before.split("<title>")[1].split("<")[0]
    assert RAW not in client.get(page).text, "it lasts for the page"


def test_who_saw_it_and_why_is_in_the_log_and_the_address_is_not(
    app: Flask, client: FlaskClient, pages: dict[str, str]
) -> None:
    post(client, "/addresses/1/reveal", {"page": pages["case"], "reason_code": "other", "note": "a letter came"})
    (entry,) = entries(app, "address.revealed")
    assert (entry.object, entry.data["reason_code"]) == ({"type": "address", "id": "1"}, "other")
    with app.app_context():
        row = db.session.scalars(select(Reveal)).one()
        assert (row.id, row.note, row.address_id) == (entry.data["reveal_id"], "a letter came", 1)
        assert entry.actor == f"staff:{row.staff_id}"
        assert entry.subjects == [subject("email", RAW)]
    assert "confidential" not in repr(entry)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reason_code": ""}, "Choose a reason."),
        ({"reason_code": "because"}, "Choose a reason."),
        ({"reason_code": "other", "note": " "}, "Write a note"),
    ],
)
def test_without_a_reason_nothing_is_shown(
    app: Flask, client: FlaskClient, pages: dict[str, str], fields: dict[str, object], words: str
) -> None:
    reply = post(client, "/addresses/1/reveal", ASK | fields | {"page": pages["case"]})
    assert reply.status_code == 422
    assert words in reply.text
    assert RAW not in reply.text
    assert entries(app, "address.revealed") == []


def test_a_person_reveals_so_many_within_an_hour_and_others_are_not_held_up(
    app: Flask, client: FlaskClient, pages: dict[str, str], wall_clock: ManualClock
) -> None:
    def ask(browser: FlaskClient) -> int:
        return post(browser, "/addresses/1/reveal", ASK | {"page": pages["account"]}).status_code

    for _ in range(LIMIT):
        assert ask(client) == 200
        wall_clock.advance(minutes=2)
    refused = post(client, "/addresses/1/reveal", ASK | {"page": pages["account"]})
    assert refused.status_code == 429
    assert "Wait 21 minutes" in refused.text
    assert RAW not in refused.text
    assert len(entries(app, "address.revealed")) == LIMIT
    assert [entry.object["id"] for entry in entries(app, "access.refused")] == ["reveal.create"]
    assert ask(signed_in_client(app)) == 200
    wall_clock.advance(minutes=21)
    assert ask(client) == 200


def test_an_auditor_reveals_nothing_and_is_not_asked_to(app: Flask, pages: dict[str, str]) -> None:
    auditor = signed_in_client(app, Role.AUDITOR)
    for page in pages.values():
        assert "/reveal" not in auditor.get(page).text
    assert post(auditor, "/addresses/1/reveal", ASK | {"page": pages["case"]}).status_code == 403
    assert len(entries(app, "access.refused")) == 1


@pytest.mark.parametrize(
    "page", ["", "/", "/audit", "/nowhere", "//elsewhere.example/cases/1", "/addresses/1/reveal"]
)
def test_the_reply_is_one_of_our_own_pages_with_addresses(
    app: Flask, client: FlaskClient, pages: dict[str, str], page: str
) -> None:
    assert post(client, "/addresses/1/reveal", ASK | {"page": page}).status_code == 400
    assert entries(app, "address.revealed") == []


def test_what_there_is_not_cannot_be_revealed(app: Flask, client: FlaskClient, pages: dict[str, str]) -> None:
    assert post(client, "/addresses/99/reveal", ASK | {"page": pages["case"]}).status_code == 404
    with app.app_context(), writing() as session:
        session.get_one(Address, 1).local_part = None
    reply = post(client, "/addresses/1/reveal", ASK | {"page": pages["case"]})
    assert reply.status_code == 422
    assert "only its host" in reply.text


def test_an_address_is_escaped_like_everything_that_comes_from_outside(
    app: Flask, client: FlaskClient, pages: dict[str, str]
) -> None:
    with app.app_context(), writing() as session:
        session.get_one(Address, 1).local_part = "<img src=x>"
    reply = post(client, "/addresses/1/reveal", ASK | {"page": pages["case"]})
    assert "&lt;img src=x&gt;@secret-parcels.net" in reply.text
    assert "<img src=x>" not in reply.text

"""The queue's search box: no e-mail address ever comes into an address, a log, or the audit log."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.audit.record import subject
from dashboard.database import db, writing
from tests import factories as make
from tests.support.audit import entries
from tests.support.people import post, signed_in_client
from tests.web.test_cases import case_ids

MAIL = "Confidential@Mail.parcel-post.net"


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "parcel-post.net")
        account = make.make_account(session, make.make_source(session))
        make.make_address(session, account, domain, "confidential", host="mail.parcel-post.net")
        make.make_package(session, account, "parcel")
        make.make_case(session, domain, state="decided")
        make.make_case(session, make.make_domain(session, "other.net"))
    return signed_in_client(app)


def test_an_address_leads_to_its_account_by_id(
    app: Flask, reviewer: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reply = post(reviewer, "/cases/search", {"text": f" {MAIL} "})
    assert reply.status_code == 303
    assert "@" not in reply.location
    assert "confidential" not in reply.location.lower()
    assert "confidential" not in caplog.text.lower()
    with app.app_context():
        told = entries(db.session())[-1]
        assert told.event == "address.searched"
        assert told.data == {"accounts": 1}
        assert told.subjects == [subject("email", MAIL.lower())]
    if reply.location.startswith("/cases"):
        assert case_ids(reviewer.get(reply.location).text) == [1]


def test_an_address_that_nobody_has(reviewer: FlaskClient) -> None:
    for typed in ("nobody@mail.parcel-post.net", "root@localhost", "a@[127.0.0.1].b", "weird\uff20parcel-post.net"):
        reply = post(reviewer, "/cases/search", {"text": typed})
        assert reply.location == "/cases?state=open"
        assert "No account of any source" in reviewer.get(reply.location).text


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("parcel-p", "state=all&domain=parcel-p"),
        ("parcel-post.net", "state=all&domain=parcel-post.net"),
        ("parcel", "state=all&package=parcel"),
        ("pkg:pypi/parcel", "state=all&package=pkg%3Apypi%2Fparcel"),
        ("@scope/name", "state=all&package=%40scope%2Fname"),
        ("pkg:pypi/parcel@2.31", "state=all&package=pkg%3Apypi%2Fparcel%402.31"),
        ("", "state=open"),
        ("\x00", "state=open"),
    ],
)
def test_a_word_leads_to_a_package_or_to_domains(reviewer: FlaskClient, typed: str, query: str) -> None:
    assert post(reviewer, "/cases/search", {"text": typed}).location == f"/cases?{query}"


def test_what_was_found_is_shown_whatever_its_state(reviewer: FlaskClient) -> None:
    page = reviewer.get("/cases?state=all&package=parcel").text
    assert case_ids(page[page.find("<tbody") :]) == [1]
    assert "Package parcel" in page


def test_an_address_in_the_address_is_dropped(reviewer: FlaskClient) -> None:
    for name in ("package", "domain", "tld", "source", "account", "claimed"):
        page = reviewer.get(f"/cases?{name}={MAIL}").text
        assert "confidential" not in page.lower(), name

"""Pages of one thing take as many statements for little as for much: never one for each row."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from dashboard.database import writing
from dashboard.lifecycle.evidence import Provider
from dashboard.models import Domain
from tests import factories as make
from tests.conftest import START
from tests.support.people import signed_in_client
from tests.support.statements import recorded_statements


@pytest.fixture
def reviewer(app: Flask) -> FlaskClient:
    return signed_in_client(app)


def fill(session: Session, domain: Domain, size: int) -> int:
    """Let a domain have `size` of everything, and its first account `size` of everything too; returns its id."""
    case, source = make.make_case(session, domain), make.make_source(session)
    first = make.make_account(session, source)
    for number in range(size):
        account = make.make_account(session, source) if number else first
        make.make_address(session, account, domain)
        make.make_address(session, first, make.make_domain(session))
        for owner in {account, first}:
            make.make_package(session, owner)
            make.make_event(session, owner, "login", START.replace(minute=number))
        make.make_evidence(session, domain, Provider.DNS, at=START.replace(minute=number))
        make.make_period(session, domain, START.replace(minute=number))
        make.make_change(session, domain, "registrar", START.replace(minute=number), "a", "b")
        make.make_decision(session, case, 1)
    return first.id


def count(app: Flask, client: FlaskClient, path: str) -> int:
    client.get(path)
    with recorded_statements(app) as statements:
        assert client.get(path).status_code == 200
    return len(statements)


@pytest.mark.parametrize(("page", "most"), [("domain", 15), ("account", 12)])
def test_a_page_never_takes_one_for_each_row(app: Flask, reviewer: FlaskClient, page: str, most: int) -> None:
    paths = []
    for size in (1, 30):
        with app.app_context(), writing() as session:
            account_id = fill(session, make.make_domain(session, f"with-{size}.net"), size)
        paths.append(f"/domains/with-{size}.net" if page == "domain" else f"/accounts/{account_id}")
    little, much = (count(app, reviewer, path) for path in paths)
    assert little == much <= most

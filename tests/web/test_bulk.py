"""The screens of bulk actions: each step a form, each refusal told, nothing done that was not shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from dashboard.audit.events import Event
from dashboard.database import db, writing
from dashboard.models import BulkAction, BulkItem, Case, Claim, Domain, Role, Unverification
from jobs.bulk import Timing, work
from tests import factories as make
from tests.conftest import START, ManualClock
from tests.support import bulk as steps
from tests.support import story
from tests.support.audit import assert_one_entry, entries
from tests.support.people import make_staff, post, signed_in_client

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


def hidden(html: str) -> dict[str, str]:
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

"""What holds for every page: headers, policy, no inline script or style, plain errors."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.database import writing
from dashboard.models import Role
from tests import factories as make
from tests.support.people import signed_in_client

PATHS = (
    "/",
    "/cases",
    "/cases/1",
    "/domains",
    "/domains/lapsed.net",
    "/statistics",
    "/audit",
    "/audit/1",
    "/settings/brakes",
    "/settings/providers",
    "/nothing",
)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    with app.app_context(), writing() as session:
        domain = make.make_domain(session, "lapsed.net")
        make.make_evidence(session, domain)
        make.make_address(session, make.make_account(session, make.make_source(session)), domain)
        make.make_case(session, domain)
    return signed_in_client(app, Role.ADMIN)


@pytest.mark.parametrize("path", PATHS)
def test_pages_need_no_inline_script_or_style(admin: FlaskClient, path: str) -> None:
    reply = admin.get(path)
    html = reply.text
    assert "style=" not in html
    assert "<style" not in html
    assert "hx-on" not in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\son[a-z]+=", html)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html), "nothing from another host"
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_pages_have_a_title_one_heading_and_a_way_past_the_navigation(admin: FlaskClient, path: str) -> None:
    html = admin.get(path).text
    assert re.search(r"<title>[^<]+ · Lapsewatch</title>", html)
    assert len(re.findall(r"<h1\b", html)) == 1
    assert 'href="#content"' in html
    assert 'role="status"' in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids)), "ids are unique"
    for target in re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]+)"', html):
        assert set(target.split()) <= set(ids), target


def test_every_form_works_without_script(admin: FlaskClient) -> None:
    for path in PATHS:
        for form in re.findall(r"<form\b.*?</form>", admin.get(path).text, flags=re.DOTALL):
            assert re.search(r'\baction="/', form), path
            assert 'type="submit"' in form or "second person" in form, path
            assert 'method="get"' in form or 'name="csrf_token"' in form, path


def test_static_files_are_there_and_may_be_kept(admin: FlaskClient) -> None:
    for asset in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', admin.get("/").text)):
        reply = admin.get(asset)
        assert reply.status_code == 200, asset
        assert reply.headers["Cache-Control"] != "no-store"


def test_a_fault_is_told_in_plain_words(app: Flask, admin: FlaskClient) -> None:
    app.testing = False
    app.view_functions["cases.queue"] = _fail
    _fail.__dict__.update(app.view_functions["overview.index"].__dict__)
    reply = admin.get("/cases")
    assert reply.status_code == 500
    assert "Something failed on our side" in reply.text
    assert "division" not in reply.text


def _fail() -> str:
    return str(1 / 0)


def test_the_wrong_method_is_told_in_plain_words(admin: FlaskClient) -> None:
    reply = admin.get("/cases/1/decision")
    assert reply.status_code == 405
    assert "does not take that kind of request" in reply.text

"""What holds for every route of the application, also for those to come."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from dashboard.audit.actor import system
from dashboard.auth.guard import SAFE_METHODS, UnmarkedViewError
from dashboard.auth.identity import access_of, public
from dashboard.auth.permissions import PERMISSIONS
from dashboard.auth.tokens import Scope, create_token
from dashboard.database import writing
from dashboard.models import Role, Source
from tests.conftest import START
from tests.support.people import signed_in_client

# Deliberately open: the doors themselves.
PUBLIC = {"sign_in.form", "sign_in.submit", "sign_in.sign_out", "sign_in.setup_form", "sign_in.setup"}
VALUES = {
    "any": "csv",
    "int": "1",
    "default": "x",
    "string": "x",
    "path": "x",
    "uuid": "00000000-0000-0000-0000-000000000000",
}


def rules(app: Flask) -> Iterator[Rule]:
    return (rule for rule in app.url_map.iter_rules() if rule.endpoint != "static")


def address(rule: Rule) -> str:
    """An address that the rule takes."""
    return re.sub(r"<(?:(\w+)(?:\(.*?\))?:)?\w+>", lambda found: VALUES[found[1] or "default"], rule.rule)


def unsafe(rule: Rule) -> set[str]:
    return (rule.methods or set()) - SAFE_METHODS


def test_every_view_says_what_it_demands(app: Flask) -> None:
    assert [rule.endpoint for rule in rules(app) if access_of(app.view_functions[rule.endpoint]) is None] == []


def test_only_the_doors_are_open(app: Flask) -> None:
    accesses = {rule.endpoint: access_of(app.view_functions[rule.endpoint]) for rule in rules(app)}
    assert {endpoint for endpoint, access in accesses.items() if access and access.public} == PUBLIC


def test_addresses_are_lower_case_with_dashes(app: Flask) -> None:
    shape = re.compile(r"(/([a-z0-9.-]+(<any[^>]+>)?|<[^>]+>(\.[a-z]+)?))+|/")
    assert [rule.rule for rule in rules(app) if not shape.fullmatch(rule.rule)] == []


def test_nothing_changes_by_a_link(app: Flask) -> None:
    """A view that takes a form takes nothing else: no address does different things by GET and POST in one view."""
    assert [rule.endpoint for rule in rules(app) if unsafe(rule) and "GET" in (rule.methods or set())] == []


def test_a_view_without_mark_does_not_run(app: Flask) -> None:
    app.add_url_rule("/forgotten", view_func=lambda: "secret", endpoint="forgotten")
    with pytest.raises(UnmarkedViewError, match="forgotten"):
        app.test_client().get("/forgotten")


def test_without_a_session_every_page_leads_to_sign_in(app: Flask) -> None:
    client = app.test_client()
    for rule in rules(app):
        access = access_of(app.view_functions[rule.endpoint])
        assert access
        if access.permission is None:
            continue
        for method in unsafe(rule) or {"GET"}:
            response = client.open(address(rule), method=method)
            assert (response.status_code, (response.location or "")[:8]) == (303, "/sign-in"), rule
            assert client.open(address(rule), method=method, headers={"HX-Request": "true"}).status_code == 401, rule


def test_every_form_needs_its_csrf_token(app: Flask) -> None:
    client = signed_in_client(app, Role.ADMIN)
    for rule in rules(app):
        access = access_of(app.view_functions[rule.endpoint])
        for method in unsafe(rule):
            response = client.open(address(rule), method=method)
            assert response.status_code == 400, rule
            assert access
            wanted = "cookies are not taken" if access.scope else "mark against forgery"
            assert wanted in response.text, rule


@pytest.mark.parametrize("role", list(Role))
def test_every_permission_is_asked_for(app: Flask, role: Role) -> None:
    client = signed_in_client(app, role)
    for rule in rules(app):
        access = access_of(app.view_functions[rule.endpoint])
        assert access
        if access.permission is None or unsafe(rule):
            continue  # forms: the CSRF token comes first, and each has a test of its own
        refused = client.get(address(rule)).status_code == 403
        assert refused == (access.permission not in PERMISSIONS[role]), rule


def test_token_routes_take_a_valid_token_of_their_scope_only(app: Flask) -> None:
    with app.app_context(), writing() as session:
        source = Source(slug="pypi", name="PyPI", created_at=START)
        session.add(source)
        session.flush()
        right = create_token(session, source, Scope.UNVERIFICATIONS, START, system("cli"))
        wrong = create_token(session, source, Scope.UNVERIFICATIONS, START, system("cli"))
    client = app.test_client(use_cookies=False)
    for rule in rules(app):
        access = access_of(app.view_functions[rule.endpoint])
        if not access or not access.scope:
            continue
        method = next(iter(unsafe(rule) or {"GET"}))
        bare = client.open(address(rule), method=method)
        assert (bare.status_code, bare.headers["WWW-Authenticate"]) == (401, "Bearer"), rule
        for header in (f"Bearer {wrong}x", f"Basic {right}"):
            assert client.open(address(rule), method=method, headers={"Authorization": header}).status_code == 401, (
                rule
            )
        let_in = client.open(address(rule), method=method, headers={"Authorization": f"Bearer {right}"})
        assert let_in.status_code not in {401, 403, 429}, rule


def test_wrong_tokens_are_throttled_and_right_ones_are_not(app: Flask) -> None:
    rule = next(each for each in rules(app) if (mark := access_of(app.view_functions[each.endpoint])) and mark.scope)
    with app.app_context(), writing() as session:
        source = Source(slug="pypi", name="PyPI", created_at=START)
        session.add(source)
        session.flush()
        right = create_token(session, source, Scope.UNVERIFICATIONS, START, system("cli"))
    client, method = app.test_client(use_cookies=False), next(iter(unsafe(rule) or {"GET"}))
    codes = [client.open(address(rule), method=method).status_code for _ in range(101)]
    assert codes == [401] * 100 + [429]
    let_in = client.open(address(rule), method=method, headers={"Authorization": f"Bearer {right}"})
    assert let_in.status_code not in {401, 429}


def test_a_public_mark_does_not_lift_csrf(app: Flask) -> None:
    app.add_url_rule("/open", view_func=public(lambda: "done"), endpoint="open", methods=["POST"])
    assert app.test_client().post("/open").status_code == 400

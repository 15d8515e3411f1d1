"""Saved views, the view that a role sees first, and one's own page."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import Role, SavedView, Staff
from tests import factories as make
from tests.support.audit import entries
from tests.support.people import post, signed_in_client


@pytest.fixture
def rita(app: Flask) -> FlaskClient:
    return signed_in_client(app)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return signed_in_client(app, Role.ADMIN)


def save(
    client: FlaskClient, name: str = "Lost names", query: str = "phase=available&after=3.4", **fields: str
) -> int:
    assert post(client, "/views", {"name": name, "query": query, **fields}).status_code == 303
    with client.application.app_context():
        return db.session.scalars(select(SavedView.id).order_by(SavedView.id.desc())).first() or 0


def events(app: Flask) -> list[str]:
    with app.app_context():
        return [entry.event for entry in entries(db.session()) if entry.event.startswith("view.")]


def test_a_view_keeps_the_filters_and_is_ones_own(app: Flask, rita: FlaskClient) -> None:
    save(rita)
    assert '<a href="/cases?phase=available"' in " ".join(rita.get("/cases").text.split())
    assert "Lost names" in rita.get("/me").text
    assert "Lost names" not in signed_in_client(app).get("/cases").text
    assert events(app) == ["view.saved"]


def test_saving_under_the_same_name_replaces(app: Flask, rita: FlaskClient) -> None:
    first = save(rita)
    assert save(rita, query="tld=uk") == first
    with app.app_context():
        assert db.session.scalars(select(SavedView.query)).all() == ["tld=uk"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x07b"])
def test_a_view_needs_a_name(app: Flask, rita: FlaskClient, name: str) -> None:
    save(rita, name)
    assert "name of at most 80" in rita.get("/cases").text
    assert events(app) == []


def test_a_shared_view_is_seen_by_all_and_changed_by_its_author_or_an_admin(
    app: Flask, rita: FlaskClient, admin: FlaskClient
) -> None:
    view = save(rita, shared="yes")
    otto = signed_in_client(app)
    assert "Lost names" in otto.get("/cases").text
    assert post(otto, f"/views/{view}/delete").status_code == 404
    assert post(otto, f"/views/{view}/share", {"shared": "no"}).status_code == 404
    assert post(rita, f"/views/{view}/share", {"shared": "no"}).status_code == 303
    assert "Lost names" not in otto.get("/cases").text
    assert post(admin, f"/views/{view}/delete").status_code == 404, "it is nobody's business but the author's"
    post(rita, f"/views/{view}/share", {"shared": "yes"})
    assert post(admin, f"/views/{view}/delete").status_code == 303
    assert events(app) == ["view.saved", "view.shared", "view.shared", "view.deleted"]


def test_an_auditor_keeps_views_and_shares_none(app: Flask) -> None:
    auditor = signed_in_client(app, Role.AUDITOR)
    view = save(auditor, shared="yes")
    with app.app_context():
        assert db.session.scalars(select(SavedView.shared)).all() == [False]
    assert post(auditor, f"/views/{view}/share", {"shared": "yes"}).status_code == 403


def test_a_role_sees_its_default_first_and_may_clear_it(app: Flask, rita: FlaskClient, admin: FlaskClient) -> None:
    with app.app_context(), writing() as session:
        make.make_case(session, make.make_domain(session, "redeemed.net"))
        make.make_case(session, make.make_domain(session, "gone.net", phase="available"))
    view = save(admin)
    assert post(rita, f"/views/{view}/default", {"role": "reviewer"}).status_code == 403
    assert post(admin, f"/views/{view}/default", {"role": "nobody"}).status_code == 400
    assert post(admin, f"/views/{view}/default", {"role": "reviewer"}).status_code == 303
    reply = rita.get("/cases")
    assert (reply.status_code, reply.location) == (302, "/cases?phase=available")
    assert "redeemed.net" not in rita.get(reply.location).text
    assert "redeemed.net" in rita.get("/cases?state=open").text
    assert admin.get("/cases").status_code == 200, "it is not the admins' default"
    other = save(admin, "All of them", "state=all")
    post(admin, f"/views/{other}/default", {"role": "reviewer"})
    assert rita.get("/cases").location == "/cases?state=all"
    post(admin, f"/views/{other}/default", {"role": ""})
    assert rita.get("/cases").status_code == 200


def test_shortcuts_are_switched_off_and_on_again(app: Flask, rita: FlaskClient) -> None:
    assert "data-keys" in rita.get("/cases").text
    assert post(rita, "/me/settings", {"shortcuts": "no"}).status_code == 303
    page = rita.get("/me").text
    assert "data-keys" not in page
    assert "<dialog" not in page
    assert "Switch the shortcuts on" in page
    with app.app_context():
        told = entries(db.session())[-1]
        assert (told.event, told.data) == ("staff.settings_changed", {"shortcuts": False})
        assert sorted(db.session.scalars(select(Staff.shortcuts)).all()) == [False]
    post(rita, "/me/settings", {"shortcuts": "yes"})
    assert "data-keys" in rita.get("/me").text

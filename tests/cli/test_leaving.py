"""Tokens are revoked, people leave and get new passwords: at the command line, and felt at the door."""

from __future__ import annotations

import json

from flask import Flask
from sqlalchemy import select

from dashboard.app import create_app
from dashboard.database import db
from dashboard.models import AuditEntry
from tests.cli.conftest import Cli
from tests.support.people import sign_in

PASSWORD = "correct horse battery"


def events(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(AuditEntry.event).order_by(AuditEntry.seq)))


def test_a_revoked_token_opens_nothing(cli: Cli) -> None:
    cli("source", "add", "index", "--name", "The Index")
    token = json.loads(cli("token", "create", "--source", "index", "--scope", "unverifications", "--json").stdout)[
        "token"
    ]
    client = create_app().test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/unverifications", headers=bearer).status_code == 200
    assert cli("token", "revoke", token[:5]).exit_code == 1
    assert cli("token", "revoke", token[:11]).exit_code == 0
    assert client.get("/api/v1/unverifications", headers=bearer).status_code == 401


def test_who_leaves_is_out_at_once_and_may_come_back_with_a_new_password(cli: Cli) -> None:
    cli("staff", "add", "ann@staff.example", "--role", "reviewer", "--password-stdin", text=PASSWORD)
    app = create_app()
    client = app.test_client()
    assert sign_in(client, "ann@staff.example", PASSWORD).status_code == 303
    assert client.get("/cases").status_code == 200
    assert cli("staff", "disable", "ANN@staff.example").exit_code == 0
    assert client.get("/cases").status_code == 303
    assert sign_in(client, "ann@staff.example", PASSWORD).status_code != 303
    assert cli("staff", "password", "ann@staff.example", "--password-stdin", text="short").exit_code == 1
    assert (
        cli("staff", "password", "ann@staff.example", "--password-stdin", text="another horse battery").exit_code == 0
    )
    assert sign_in(client, "ann@staff.example", "another horse battery").status_code == 303
    assert {"staff.disabled", "staff.password_set"} <= set(events(app))


def test_nobody_by_that_name_is_refused_in_one_line(cli: Cli) -> None:
    refused = cli("staff", "disable", "nobody@staff.example")
    assert (refused.exit_code, refused.stderr) == (1, "Error: Nobody with this e-mail address is on the staff.\n")

"""Members of staff for tests, and browsers in which they are signed in, by the real ways in."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from itertools import count

from argon2 import PasswordHasher
from flask import Flask, current_app
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from dashboard.audit.actor import system
from dashboard.auth.identity import Identity, identity_of
from dashboard.auth.passwords import PASSWORDS, Passwords
from dashboard.auth.staff import add_staff
from dashboard.database import writing
from dashboard.models import Role
from tests.conftest import START

PASSWORD = "correct horse battery"
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    id: int
    email: str
    password: str
    role: Role
    identity: Identity


def use_cheap_passwords(app: Flask) -> None:
    """Hash passwords with argon2id's smallest parameters: the real ones cost a tenth of a second each."""
    app.extensions[PASSWORDS] = CHEAP


def make_staff(role: Role = Role.REVIEWER, email: str | None = None, password: str = PASSWORD) -> Person:
    """Add a member of staff as the command line does (one `staff.added` entry). Needs the application's context."""
    use_cheap_passwords(current_app)
    email = email or f"{role.value}-{next(_numbers)}@staff.example"
    with writing() as session:
        staff = add_staff(session, email, role, password, START, system("cli")).staff
        assert staff
        return Person(staff.id, staff.email, password, role, identity_of(staff))


def csrf_token(client: FlaskClient) -> str:
    """A token that this client's forms would carry, without asking for a page."""
    with client.session_transaction() as session:
        secret = session.setdefault("csrf_token", hashlib.sha1(os.urandom(64)).hexdigest())
    return str(URLSafeTimedSerializer(client.application.config["SECRET_KEY"], salt="wtf-csrf-token").dumps(secret))


def post(client: FlaskClient, path: str, data: dict[str, object] | None = None, **kwargs: object) -> TestResponse:
    """Post a form as one of our own pages would; `kwargs` go to the client (`headers=...`)."""
    return client.post(path, data={"csrf_token": csrf_token(client), **(data or {})}, **kwargs)


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> TestResponse:
    """Sign in as the form does (one `staff.signed_in` entry)."""
    return post(client, "/sign-in", {"email": email, "password": password})


def signed_in_client(app: Flask, role: Role = Role.REVIEWER) -> FlaskClient:
    """A browser in which a new member of staff with `role` is signed in. Works inside and outside a context."""
    with app.app_context():
        person = make_staff(role)
    client = app.test_client()
    assert sign_in(client, person.email).status_code == 303
    return client

"""API tokens of sources."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.auth.tokens import Scope, authenticate, create_token, revoke_token
from dashboard.database import db, writing
from dashboard.models import ApiToken, Source
from tests.conftest import START
from tests.support.audit import assert_one_entry, entries

CLI = system("cli")


@pytest.fixture
def token(context: Flask) -> str:
    with writing() as session:
        source = Source(slug="pypi", name="PyPI", created_at=START)
        session.add(source)
        session.flush()
        return create_token(session, source, Scope.UNVERIFICATIONS, START, CLI)


def test_a_token_is_kept_as_its_digest_and_told_of_by_its_prefix(token: str) -> None:
    kept = db.session.scalars(select(ApiToken)).one()
    assert token.startswith("lw_")
    assert token not in repr(vars(kept))
    assert token.startswith(kept.prefix)
    entry = entries(db.session())[-1]
    assert entry.event == Event.TOKEN_CREATED
    assert entry.data == {"source": "pypi", "scope": "unverifications", "prefix": kept.prefix}


def test_the_header_tells_whose_token_it_is(token: str) -> None:
    for header in (f"Bearer {token}", f"bearer {token}"):
        found = authenticate(db.session(), header)
        assert found
        assert (found.source_slug, found.scope, found.actor.label) == ("pypi", "unverifications", "source:pypi")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer lw_x", "Basic {}", "{}", "Bearer {}x"])
def test_any_other_header_is_nobody(token: str, header: str | None) -> None:
    assert authenticate(db.session(), header and header.format(token)) is None


def test_a_revoked_token_is_nobody(token: str) -> None:
    with assert_one_entry(Event.TOKEN_REVOKED), writing() as session:
        kept = session.scalars(select(ApiToken)).one()
        revoke_token(session, kept, START, CLI)
        revoke_token(session, kept, START, CLI)
    assert authenticate(db.session(), f"Bearer {token}") is None

"""Accounts are found by name or id, whatever the letter case."""

from __future__ import annotations

import pytest
from flask import Flask

from dashboard.database import db, writing
from dashboard.queries.accounts import accounts_called, called
from tests import factories as make
from tests.support.plans import plan_of


@pytest.mark.parametrize(
    ("typed", "found"),
    [("Paula", ["paula", "PAULA"]), ("u-1", ["paula", "u-1"]), ("U-1", ["u-1"]), ("pau", []), ("%", [])],
)
def test_a_name_or_an_id_is_found_as_a_whole(context: Flask, typed: str, found: list[str]) -> None:
    with writing() as session:
        here, there = make.make_source(session), make.make_source(session)
        accounts = [
            make.make_account(session, here, "paula", external_id="u-1"),
            make.make_account(session, there, "PAULA", external_id="u-9"),
            make.make_account(session, there, "u-1", external_id="u-2"),
        ]
        names = {account.id: account.username for account in accounts}
    assert [names[ident] for ident in accounts_called(db.session(), typed)] == found


def test_an_id_is_found_by_an_index(context: Flask) -> None:
    """Names have no index, which would cost every import a tenth of its speed for a search that is rare."""
    plan = plan_of(called("u-1"))
    assert "uq_accounts_source_id" in plan or "sqlite_autoindex_accounts" in plan

"""What both databases make of the pieces of SQL that they spell differently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import literal, select, text, update
from sqlalchemy.exc import IntegrityError

from dashboard.database import db, on_postgresql, writing
from dashboard.models import Address, BulkItem
from dashboard.services.judged import judged_in_sql, judged_state
from dashboard.services.sql import among, pairs, random_id, rfc3339_text, trust_ids, within
from dashboard.times import rfc3339
from tests.conftest import START
from tests.support import bulk as steps

TIMES = [
    START,
    START + timedelta(microseconds=1),
    START + timedelta(microseconds=120_000),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    None,
]


def address(**values: Any) -> int:
    """Store a case with one address of these values; return the address's id."""
    steps.lapsed(1, addresses=1)
    with writing() as session:
        ident = session.scalars(select(Address.id).order_by(Address.id.desc())).first()
        assert ident is not None
        session.execute(update(Address).where(Address.id == ident).values(values))
    return ident


def test_among_chooses_just_the_ids_asked_for(context: Flask) -> None:
    steps.lapsed(3, addresses=1)
    ids = list(db.session.scalars(select(Address.id).order_by(Address.id)))
    for asked in ([], ids[:1], ids[1:], [*ids, max(ids) + 1], range(min(ids), max(ids) + 1)):
        found = db.session.scalars(select(Address.id).where(among(Address.id, asked)).order_by(Address.id))
        assert list(found) == [ident for ident in ids if ident in asked]
        found = db.session.scalars(select(Address.id).where(within(Address.id, asked)).order_by(Address.id))
        assert list(found) == [ident for ident in ids if ident in asked]


def test_pairs_give_each_row_its_own_value(context: Flask) -> None:
    steps.running(steps.lapsed(3))
    ids = db.session.scalars(select(BulkItem.id).order_by(BulkItem.id)).all()
    wanted = {ids[0]: 7, ids[2]: 9}
    with writing() as session:
        ident, value = pairs(session, wanted)
        session.execute(
            update(BulkItem).where(BulkItem.id == ident).values(changed=value),
            execution_options={"synchronize_session": False},
        )
    changed = db.session.execute(select(BulkItem.id, BulkItem.changed)).all()
    assert {row.id: row.changed for row in changed} == {ids[0]: 7, ids[1]: 0, ids[2]: 9}


@pytest.mark.parametrize("verified_at", TIMES, ids=str)
def test_a_time_has_the_same_text_in_the_database_as_here(context: Flask, verified_at: datetime | None) -> None:
    ident = address(verified_at=verified_at)
    query = select(rfc3339_text(Address.verified_at)).where(Address.id == ident)
    assert db.session.scalar(query) == rfc3339(verified_at)


@pytest.mark.parametrize("token", ['a "token"\\ with ½ and \n', "", None], ids=["odd", "empty", "none"])
@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("verified_at", TIMES[1::2], ids=str)
def test_the_state_of_an_address_is_the_same_made_in_the_database(
    context: Flask, verified_at: datetime | None, *, verified: bool, token: str | None
) -> None:
    ident = address(verified_at=verified_at, state_token=token, verified=verified)
    made = judged_in_sql(Address.verified, Address.verified_at, Address.state_token)
    assert db.session.scalar(select(made).where(Address.id == ident)) == judged_state(
        db.session.get_one(Address, ident)
    )
    made = judged_in_sql(literal(value=True), Address.verified_at, Address.state_token)
    assert db.session.scalar(select(made["verified"].as_boolean()).where(Address.id == ident)) is True


def test_random_ids_differ_from_row_to_row(context: Flask) -> None:
    steps.lapsed(1, addresses=3)
    found = db.session.scalars(select(random_id(db.session())).select_from(Address)).all()
    assert len(found) == len(set(found)) == 3
    assert all(int(ident, 16) >= 0 and len(ident) in {24, 32} for ident in found)


def test_foreign_keys_are_checked_again_after_the_transaction(context: Flask) -> None:
    steps.lapsed(1, addresses=1)
    role = text("SHOW session_replication_role")
    with writing() as session:
        trust_ids(session)
        assert not on_postgresql(session) or session.scalar(role) == "replica"
    assert not on_postgresql(db.session()) or db.session.scalar(role) == "origin"
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(update(Address).values(account_id=99))

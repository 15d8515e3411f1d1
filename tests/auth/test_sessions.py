"""Sessions of signed-in browsers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard.auth.sessions import (
    IDLE,
    digest_of,
    end_session,
    end_sessions_of,
    find_session,
    start_session,
    touch_session,
)
from dashboard.database import db, writing
from dashboard.models import Staff, StaffSession
from tests.conftest import START
from tests.support.people import make_staff


@pytest.fixture
def token(context: Flask) -> str:
    staff_id = make_staff().id
    with writing() as session:
        return start_session(session, session.get_one(Staff, staff_id), START)


def alive(token: str, after: timedelta = timedelta()) -> bool:
    return find_session(db.session(), token, START + after) is not None


def test_only_a_digest_of_the_token_is_kept(token: str) -> None:
    kept = db.session.scalars(select(StaffSession)).one()
    assert kept.digest == digest_of(token)
    assert token not in repr(vars(kept))
    assert len(token) >= 43  # 256 bits in base64


def test_a_token_leads_to_its_session_and_no_other_does(token: str) -> None:
    assert alive(token)
    assert not alive(token + "x")
    assert not alive("")


def test_a_session_ends_when_it_is_not_used(token: str) -> None:
    assert alive(token, IDLE - timedelta(seconds=1))
    assert not alive(token, IDLE)


def test_a_session_in_use_ends_after_its_hours(token: str) -> None:
    for hour in range(1, 12):
        assert alive(token, timedelta(hours=hour))
        with writing() as session:
            touch_session(session, token, START + timedelta(hours=hour))
    assert alive(token, timedelta(hours=12) - timedelta(seconds=1))
    assert not alive(token, timedelta(hours=12))


def test_a_session_can_be_revoked(token: str) -> None:
    with writing() as session:
        end_session(session, token)
    assert not alive(token)


def test_all_sessions_of_somebody_can_be_revoked(token: str) -> None:
    with writing() as session:
        person = session.scalars(select(Staff)).one()
        other = start_session(session, person, START)
        end_sessions_of(session, person.id)
    assert not alive(token)
    assert not alive(other)


def test_who_left_the_staff_is_signed_out(token: str) -> None:
    with writing() as session:
        session.execute(update(Staff).values(active=False))
    assert not alive(token)


def test_expired_sessions_are_cleared_at_the_next_sign_in(token: str) -> None:
    with writing() as session:
        start_session(session, session.scalars(select(Staff)).one(), START + timedelta(hours=13))
    assert len(db.session.scalars(select(StaffSession)).all()) == 1

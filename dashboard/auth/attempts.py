"""Attempts at the two doors: signing in, and setting up. Throttled, judged outside any transaction, accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.auth import sessions, setup, throttle
from dashboard.auth.identity import Identity, identity_of
from dashboard.auth.passwords import passwords
from dashboard.auth.staff import StaffProblem, StaffResult, find_staff, normal_email
from dashboard.auth.throttle import Key, Way
from dashboard.database import db, writing
from dashboard.models import Staff


@dataclass(frozen=True, slots=True)
class SignInResult:
    """A new session's token, or the time to wait, or neither: name and password do not fit."""

    token: str | None = None
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class SetupResult:
    """The first admin's session token, or the time to wait, or what is wrong."""

    token: str | None = None
    wait: timedelta | None = None
    problem: StaffProblem | setup.SetupProblem | None = None


def sign_in(email: str, password: str, *, network: str | None, now: datetime, old_token: str | None) -> SignInResult:
    """Try to sign in; on success the session of `old_token` ends, so that a planted one is worth nothing."""
    by_name = throttle.name_key(normal_email(email))
    keys = [by_name, throttle.network_key(Way.PASSWORD, network)]
    if wait := _begin(keys, now):
        return SignInResult(wait=wait)
    staff = find_staff(db.session(), email)
    kept = staff.password_hash if staff and staff.active else None
    db.session.rollback()  # no transaction stays open while the hash is computed
    if not passwords().matches(password, kept):
        _fail(Way.PASSWORD, now)
        return SignInResult()
    with writing() as session:
        throttle.give_back(session, keys, now)
        throttle.forget(session, by_name)
        person = find_staff(session, email)
        if person is None or not person.active or person.password_hash != kept:
            return SignInResult()
        return SignInResult(token=_open_session(session, person, now, old_token))


def sign_out(identity: Identity, token: str, now: datetime) -> None:
    """End the session of `token`, with one audit entry."""
    with writing() as session:
        sessions.end_session(session, token)
        _record(session, Event.STAFF_SIGNED_OUT, identity, now)


def set_up(code: str, email: str, password: str, *, network: str | None, now: datetime) -> SetupResult:
    """Try to make the first admin and sign them in; `setup.completed` is the one audit entry."""
    keys = [throttle.network_key(Way.SETUP_CODE, network)]
    if wait := _begin(keys, now):
        return SetupResult(wait=wait)
    with writing() as session:
        result = setup.complete_setup(session, code, email, password, now)
        if isinstance(result, StaffResult):
            throttle.give_back(session, keys, now)
            if result.staff is None:
                return SetupResult(problem=result.problem)
            return SetupResult(token=sessions.start_session(session, result.staff, now))
    if result is setup.SetupProblem.WRONG_CODE:
        _fail(Way.SETUP_CODE, now)
    return SetupResult(problem=result)


def _begin(keys: Sequence[Key], now: datetime) -> timedelta | None:
    if wait := throttle.wait_for(db.session(), keys, now):
        return wait
    with writing() as session:
        wait = throttle.begin_attempt(session, keys, now)
        throttle.record_failures(session, now)
    return wait


def _fail(way: Way, now: datetime) -> None:
    with writing() as session:
        throttle.count_failure(session, way, now)


def _open_session(session: Session, staff: Staff, now: datetime, old_token: str | None) -> str:
    if old_token:
        sessions.end_session(session, old_token)
    token = sessions.start_session(session, staff, now)
    _record(session, Event.STAFF_SIGNED_IN, identity_of(staff), now)
    return token


def _record(session: Session, event: Event, identity: Identity, now: datetime) -> None:
    ident = str(identity.staff_id)
    record(session, event, actor=identity.actor, object_type="staff", object_id=ident, data={}, now=now)

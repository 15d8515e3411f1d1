"""Guessing is slowed down, and told of in the audit log."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from dashboard.audit.events import Event
from dashboard.auth.throttle import (
    Key,
    Way,
    begin_attempt,
    count_failure,
    forget,
    give_back,
    name_key,
    network_key,
    record_failures,
    wait_for,
)
from dashboard.database import db, writing
from dashboard.models import SignInThrottle
from tests.conftest import START
from tests.support.audit import entries

MINUTE = timedelta(minutes=1)
KEY = Key("k" * 64, 5)


def attempt(now: datetime, *keys: Key) -> timedelta | None:
    with writing() as session:
        return begin_attempt(session, keys or [KEY], now)


def test_five_attempts_are_judged_and_the_sixth_waits(context: Flask) -> None:
    assert [attempt(START + n * MINUTE) for n in range(5)] == [None] * 5
    now = START + 5 * MINUTE
    assert attempt(now) == 10 * MINUTE
    assert wait_for(db.session(), [KEY], now) == 10 * MINUTE


def test_waiting_ends_by_itself_and_refused_attempts_do_not_prolong_it(context: Flask) -> None:
    for _ in range(5):
        attempt(START)
    for second in range(0, 890, 60):
        assert attempt(START + timedelta(seconds=second)) is not None
    assert attempt(START + 15 * MINUTE) is None


def test_the_strictest_key_decides(context: Flask) -> None:
    loose = Key("l" * 64, 50)
    for _ in range(5):
        attempt(START, KEY, loose)
    assert attempt(START, KEY, loose) is not None
    assert attempt(START, loose) is None


def test_success_gives_the_attempt_back_and_forgets_the_name(context: Flask) -> None:
    net = Key("n" * 64, 5)
    for _ in range(4):
        attempt(START, KEY, net)
    assert attempt(START, KEY, net) is None
    with writing() as session:
        give_back(session, [KEY, net], START)
        forget(session, KEY)
    assert [attempt(START, KEY) for _ in range(5)] == [None] * 5
    assert attempt(START, net) is None
    assert attempt(START, net) is not None


def test_many_attempts_at_once_do_not_slip_through(app: Flask) -> None:
    waits: list[timedelta | None] = []

    def guess() -> None:
        with app.app_context():
            waits.extend(attempt(START) for _ in range(5))

    threads = [threading.Thread(target=guess) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(None) == 5


def test_names_and_addresses_are_kept_as_keyed_digests(context: Flask) -> None:
    name, net = name_key("ann@example.com"), network_key(Way.PASSWORD, "192.0.2.7")
    attempt(START, name, net)
    kept = db.session.scalars(select(SignInThrottle.key)).all()
    assert sorted(kept) == sorted([name.digest, net.digest])
    assert all(len(key) == 64 for key in kept)


def test_a_network_counts_as_one(context: Flask) -> None:
    def key(address: str | None) -> Key:
        return network_key(Way.PASSWORD, address)

    assert key("2001:db8::1") == key("2001:db8::ffff:1")
    assert key("2001:db8::1") != key("2001:db8:0:1::1")
    assert key("192.0.2.1") != key("192.0.2.2")
    assert key(None) == key("unix:")
    assert key("192.0.2.1") != network_key(Way.API_TOKEN, "192.0.2.1")


def test_failures_of_a_minute_become_one_entry_when_it_is_over(context: Flask) -> None:
    with writing() as session:
        for second in range(7):
            count_failure(session, Way.PASSWORD, START + timedelta(seconds=second))
        count_failure(session, Way.SETUP_CODE, START)
        count_failure(session, Way.PASSWORD, START + MINUTE)
        assert record_failures(session, START + timedelta(seconds=59)) == 0
        assert record_failures(session, START + timedelta(seconds=90)) == 2
        assert record_failures(session, START + timedelta(seconds=95)) == 0
        assert record_failures(session, START + 2 * MINUTE) == 1
    told = entries(db.session())
    assert {each.event for each in told} == {Event.STAFF_SIGN_IN_FAILED}
    assert {each.actor for each in told} == {"anonymous:-"}
    assert [(each.object["id"], each.data["way"], each.data["failures"]) for each in told] == [
        ("2026-11-01T08:00Z", "password", 7),
        ("2026-11-01T08:00Z", "setup_code", 1),
        ("2026-11-01T08:01Z", "password", 1),
    ]


def test_old_rows_are_cleared(context: Flask) -> None:
    attempt(START)
    with writing() as session:
        record_failures(session, START + timedelta(hours=2))
    assert db.session.scalar(select(func.count()).select_from(SignInThrottle)) == 0

"""Filters of the queue, its four orders, and all that a filter shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from dashboard.database import db, writing
from dashboard.models import Brake, CaseSkip, Claim
from dashboard.queries.queue import QueueFilters, Viewer, case_ids, next_case, queue_count, queue_page
from dashboard.queries.queue.filters import SORTS, STATES, is_mail_address
from tests import factories as make
from tests.conftest import START
from tests.support.people import make_staff

VIEWER = Viewer(START, START)
WORDS = st.sampled_from(
    ["", "open", "all", "yes", "no", "me", "5", "x", "pypi", "@scope/name", "rita@desk.test", "none.3"]
)


@given(
    st.dictionaries(
        st.sampled_from([*"abc", "state", "phase", "package", "account", "domain", "drop", "tld", "sort"]),
        st.one_of(st.text(max_size=40), WORDS),
    )
)
def test_any_address_makes_filters_that_make_themselves_again(args: dict[str, str]) -> None:
    filters = QueueFilters.from_args(args)
    assert QueueFilters.from_args(filters.to_args()) == filters
    assert not any(is_mail_address(value) for value in filters.to_args().values())


@pytest.mark.parametrize(
    "args",
    [
        {"state": "all"},
        {"state": "snoozed", "sort": "age"},
        {"phase": "redemption", "confidence": "single", "holder": "unproven"},
        {"source": "pypi", "tld": "uk", "risk": "high", "downloads": "10000"},
        {"sole": "yes", "claimed": "me", "age": "7", "drop": "0", "held": "no"},
        {"package": "@scope/name", "account": "3,9", "domain": "lapsing-", "skipped": "yes", "claimed": "17"},
    ],
)
def test_every_filter_is_written_as_it_was_read(args: dict[str, str]) -> None:
    assert QueueFilters.from_args(args).to_args() == args


@pytest.mark.parametrize("text", ["rita@desk.test", "name:rita@desk.test", "x\uff20desk.test"])
def test_an_email_address_is_no_filter(text: str) -> None:
    assert QueueFilters.from_args({"package": text, "domain": text, "source": text, "tld": text}) == QueueFilters()


def ids(filters: QueueFilters, viewer: Viewer = VIEWER) -> set[int]:
    page = {row.id for row in queue_page(db.session(), filters, viewer).rows}
    every = {row.id for row in case_ids(db.session(), filters, viewer)}
    assert page == every
    assert queue_count(db.session(), filters, viewer).value == len(page)
    return page


@pytest.mark.parametrize(
    ("filters", "given"),
    [
        (QueueFilters(phase="available"), {"phase": "available"}),
        (QueueFilters(confidence="single"), {"confidence": "single"}),
        (QueueFilters(holder_change="unproven"), {"holder_change": "unproven"}),
        (QueueFilters(tld="xyz"), {"tld": "xyz"}),
        (QueueFilters(risk="high"), {"risk": 120}),
        (QueueFilters(risk="highest"), {"risk": 900}),
        (QueueFilters(risk="low"), {"risk": 59}),
        (QueueFilters(downloads=10_000), {"downloads_30d": 10_000}),
        (QueueFilters(sole=True), {"only_address_accounts": 1}),
        (QueueFilters(age_days=7), {"opened_at": START - timedelta(days=7)}),
        (QueueFilters(drop_days=5), {"drop_at": START + timedelta(days=5)}),
        (QueueFilters(state="snoozed"), {"state": "snoozed"}),
        (QueueFilters(state="escalated"), {"state": "escalated"}),
    ],
)
def test_a_filter_shows_what_fits_alone(context: Flask, filters: QueueFilters, given: dict[str, Any]) -> None:
    other: dict[str, Any] = {"risk": 70, "downloads_30d": 9_999, "drop_at": START + timedelta(days=6)}
    with writing() as session:
        fitting = make.make_case(session, **(other | given)).id
        make.make_case(session, **other)
    assert ids(filters) == {fitting}


def test_held_cases(context: Flask) -> None:
    with writing() as session:
        brake = Brake(scope="tld", provider="rdap", tld="net", mode="share", opened_at=START, lapsed=1, checked=1)
        brake.limit_per_mille = 1
        session.add(brake)
        session.flush()
        held, free = make.make_case(session, brake_id=brake.id).id, make.make_case(session).id
    assert ids(QueueFilters(held=True)) == {held}
    assert ids(QueueFilters(held=False)) == {free}


def test_by_source_account_package_and_domain(context: Flask) -> None:
    with writing() as session:
        pypi, npm = make.make_source(session, "pypi"), make.make_source(session, "npm")
        found: list[int] = []
        for source, name, package in ((pypi, "parcel-post.net", "parcel"), (npm, "other.net", "@scope/parcel")):
            domain = make.make_domain(session, name)
            account = make.make_account(session, source)
            make.make_address(session, account, domain)
            make.make_package(session, account, package)
            found += [make.make_case(session, domain).id, account.id]
    first, first_account, second, second_account = found
    assert ids(QueueFilters(source="pypi")) == {first}
    assert ids(QueueFilters(source="nobody")) == set()
    assert ids(QueueFilters(account_ids=(second_account,))) == {second}
    assert ids(QueueFilters(account_ids=(first_account, second_account))) == {first, second}
    assert ids(QueueFilters(package="parcel")) == {first}
    assert ids(QueueFilters(package="@scope/parcel")) == {second}
    assert ids(QueueFilters(domain="parcel-")) == {first}


def test_by_who_works_on_it(context: Flask) -> None:
    me, other = make_staff().id, make_staff().id
    with writing() as session:
        mine, theirs, ended, free = (make.make_case(session).id for _ in range(4))
        hour = timedelta(hours=1)
        for case, staff, end in ((mine, me, hour), (theirs, other, hour), (ended, other, -hour)):
            session.add(Claim(case_id=case, staff_id=staff, claimed_at=START, expires_at=START + end))
    viewer = replace(VIEWER, staff_id=me)
    assert ids(QueueFilters(claimed="me"), viewer) == {mine}
    assert ids(QueueFilters(claimed="others"), viewer) == {theirs}
    assert ids(QueueFilters(claimed=str(other)), viewer) == {theirs}
    assert ids(QueueFilters(claimed="nobody"), viewer) == {ended, free}


def make_thirty(order: Callable[[int], dict[str, Any]]) -> None:
    with writing() as session:
        for number in range(30):
            make.make_case(session, **order(number))


ORDERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "risk": lambda n: {"risk": n % 4},
    "addresses": lambda n: {"addresses": n % 4},
    "age": lambda n: {"opened_at": START - timedelta(days=n % 4)},
    "drop": lambda n: {"drop_at": START + timedelta(hours=n % 4) if n % 3 else None},
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("size", [1, 4, 7])
def test_every_order_is_walked_forth_and_back_without_loss(context: Flask, sort: str, size: int) -> None:
    make_thirty(ORDERS[sort])
    filters, session = QueueFilters(sort=sort), db.session()
    pages = [queue_page(session, filters, VIEWER, size=size)]
    while pages[-1].next:
        pages.append(queue_page(session, filters, VIEWER, after=pages[-1].next, size=size))
    forth = [row.id for page in pages for row in page.rows]
    assert len(forth) == len(set(forth)) == 30
    values = [row for page in pages for row in page.rows]
    orders: dict[str, list[Any]] = {
        "risk": [-row.risk for row in values],
        "addresses": [-row.addresses for row in values],
        "age": [row.opened_at for row in values],
        "drop": [(row.drop_at is None, row.drop_at or START) for row in values],
    }
    assert orders[sort] == sorted(orders[sort])
    page, back = pages[-1], [row.id for row in pages[-1].rows]
    while page.previous:
        page = queue_page(session, filters, VIEWER, before=page.previous, size=size)
        back = [row.id for row in page.rows] + back
    assert back[-len(forth) :] == forth


@pytest.mark.parametrize(
    "cursor", ["none.x", "none.", "x.none", "9999999999999999999.1", "9000000000000000000.1", "%00"]
)
@pytest.mark.parametrize("sort", SORTS)
def test_a_broken_cursor_is_no_fault(context: Flask, cursor: str, sort: str) -> None:
    with writing() as session:
        make.make_case(session)
    queue_page(db.session(), QueueFilters(sort=sort), VIEWER, after=cursor)
    queue_page(db.session(), QueueFilters(sort=sort), VIEWER, before=cursor)


def test_the_next_case_is_none_that_one_skips(context: Flask) -> None:
    me = make_staff().id
    with writing() as session:
        first, second, third = (make.make_case(session, risk=risk) for risk in (30, 20, 10))
        session.add(
            CaseSkip(staff_id=me, case_id=second.id, phase=second.phase, holder_change=second.holder_change, at=START)
        )
        expected, passed, start = third.id, second.id, first
        session.flush()
        session.expunge(start)
    assert next_case(db.session(), QueueFilters(), replace(VIEWER, staff_id=me), start) == expected
    assert next_case(db.session(), QueueFilters(), VIEWER, start) == passed
    assert next_case(db.session(), QueueFilters(phase="available"), VIEWER, start) is None


def test_every_state_has_its_page(context: Flask) -> None:
    with writing() as session:
        for state in STATES:
            make.make_case(session, state=state)
    assert len(ids(QueueFilters(state=None))) == len(STATES)
    for state in STATES:
        assert len(ids(QueueFilters(state=state))) == 1

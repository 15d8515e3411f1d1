from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Delegation, ErrorKind, Evidence, Outcome, Provider, Rcode, Reading
from dashboard.lifecycle.sweep import (
    REMEMBERED,
    Swept,
    dns_sweep_due,
    is_believable,
    is_news,
    next_sweep_at,
    picture,
    remembered,
    triggered,
    vanished_at,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def answer(*ns: str, mx: tuple[tuple[int, str], ...] = ((10, "mx.a.com"),), ds: bool | None = None) -> Evidence:
    delegation = Delegation(Rcode.NOERROR, mx, ds=ds)
    return Evidence(Provider.DNS, "a.com", NOW, Outcome.FOUND, nameservers=ns, delegation=delegation)


HOME = answer("ns1.home.net", "ns2.home.net")
GONE = Evidence(Provider.DNS, "a.com", NOW, Outcome.NOT_FOUND, delegation=Delegation(Rcode.NXDOMAIN))
EMPTY = answer(mx=())
BROKEN = [
    Evidence(Provider.DNS, "a.com", NOW, Outcome.ERROR, error=kind)
    for kind in (ErrorKind.SERVER_ERROR, ErrorKind.TIMEOUT, ErrorKind.REFUSED)
]


@pytest.mark.parametrize(
    ("before", "after", "triggers"),
    [
        (HOME, HOME, False),
        (HOME, GONE, True),
        (HOME, EMPTY, True),
        (GONE, HOME, True),
        (GONE, EMPTY, False),
        (GONE, GONE, False),
        (HOME, answer("ns1.parking.net"), True),
        (HOME, answer(*HOME.nameservers, mx=((10, "mx.stranger.net"),)), True),
        (HOME, answer(*HOME.nameservers, mx=()), True),
        (HOME, answer(*HOME.nameservers, mx=((20, "mx.a.com"),)), False),
        (HOME, answer(*HOME.nameservers, ds=True), False),
        (None, HOME, False),
        (None, GONE, True),
        *((before, broken, False) for before in (None, HOME, GONE) for broken in BROKEN),
        *((broken, HOME, False) for broken in BROKEN),
        *((broken, GONE, True) for broken in BROKEN),
    ],
)
def test_only_a_changed_or_vanished_delegation_triggers(
    before: Evidence | None,
    after: Evidence,
    triggers: bool,  # noqa: FBT001 (pytest passes by name)
) -> None:
    assert triggered(before, after) is triggers


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(9000, 1, 1)), st.text())  # noqa: DTZ001 (hypothesis adds the zone)
def test_every_domain_has_one_turn_a_day(swept_at: datetime, key: str) -> None:
    turn = next_sweep_at(swept_at, key=key)
    assert timedelta(0) < turn - swept_at <= DAY
    assert next_sweep_at(turn, key=key) == turn + DAY
    assert not dns_sweep_due(swept_at, turn - timedelta(microseconds=1), key=key)
    assert dns_sweep_due(swept_at, turn, key=key)


def test_what_was_never_swept_is_due() -> None:
    assert dns_sweep_due(None, NOW, key="a.com")


def test_turns_are_spread_over_the_day() -> None:
    hours = {next_sweep_at(NOW, key=f"{number}.com").hour for number in range(400)}
    assert len(hours) == 24


def reading(evidence: Evidence, first: int, last: int) -> Reading:
    return Reading(evidence, NOW + first * DAY, NOW + last * DAY)


@pytest.mark.parametrize(
    ("readings", "day"),
    [
        ([], None),
        ([reading(HOME, 0, 9)], None),
        ([reading(GONE, 0, 9)], None),
        ([reading(HOME, 0, 4), reading(GONE, 5, 9)], 5),
        ([reading(GONE, 5, 6), reading(EMPTY, 7, 9), reading(HOME, 0, 4)], 5),
        ([reading(HOME, 0, 4), reading(BROKEN[0], 5, 5), reading(GONE, 6, 9), reading(BROKEN[1], 10, 10)], 6),
        ([reading(HOME, 0, 1), reading(GONE, 2, 3), reading(HOME, 4, 5)], None),
        ([reading(HOME, 0, 1), reading(GONE, 2, 3), reading(HOME, 4, 5), reading(GONE, 6, 6)], 6),
    ],
)
def test_a_delegation_is_missed_since_it_was_last_seen(readings: list[Reading], day: int | None) -> None:
    assert vanished_at(readings) == (None if day is None else NOW + day * DAY)


DAY_OF_MANY = Swept(answered=500_000, triggered=100)


@pytest.mark.parametrize(
    ("changed", "answered", "window", "believed"),
    [
        (20, 20, Swept(), True),
        (21, 21, Swept(), False),
        (20, 200, DAY_OF_MANY, True),
        (21, 200, DAY_OF_MANY, False),
        (50, 500, DAY_OF_MANY, True),
        (8, 200, Swept(1000, 17), False),
        (8, 200, Swept(1000, 16), True),
        (1, 200, Swept(500_000, 10_003), True),
        (1, 200, Swept(500_000, 10_004), False),
    ],
)
def test_so_many_changes_are_believed_and_no_more(
    changed: int,
    answered: int,
    window: Swept,
    believed: bool,  # noqa: FBT001 (pytest passes by name)
) -> None:
    assert is_believable(changed, answered, window) is believed


@pytest.mark.parametrize("before", [HOME, GONE, EMPTY, answer("ns1.parking.net")])
@pytest.mark.parametrize("after", [HOME, GONE, EMPTY, answer(*HOME.nameservers, mx=((20, "mx.a.com"),))])
def test_pictures_tell_what_answers_tell(before: Evidence, after: Evidence) -> None:
    assert is_news([picture(before)], picture(after), None, NOW) is triggered(before, after)
    assert is_news([], picture(after), None, NOW) is triggered(None, after)


@pytest.mark.parametrize(
    ("after", "days", "news"), [("b", 1, False), ("b", 7, True), ("c", 1, True), ("a", 9, False), ("gone", 1, True)]
)
def test_hosts_named_lately_are_news_only_after_a_quiet_week(
    after: str,
    days: int,
    news: bool,  # noqa: FBT001 (pytest passes by name)
) -> None:
    assert is_news(["a", "b"], after, NOW - days * DAY, NOW) is news


def test_a_few_pictures_are_remembered_the_newest_first() -> None:
    seen: tuple[str, ...] = ()
    for each in "abcdeb":
        seen = remembered(seen, each)
    assert seen == ("b", "e", "d", "c")
    assert len(seen) == REMEMBERED

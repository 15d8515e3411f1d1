from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Delegation, ErrorKind, Evidence, Outcome, Provider, Rcode, Reading
from dashboard.lifecycle.sweep import dns_sweep_due, next_sweep_at, triggered, vanished_at

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

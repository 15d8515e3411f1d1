"""When a brake goes on, in tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dashboard.lifecycle.brakes import (
    HISTORY,
    BrakeLimits,
    Counts,
    Mode,
    Scope,
    claimants,
    limit_of,
    mode_at,
    newly_lapsed,
    stops,
    trips,
)
from dashboard.lifecycle.evidence import Phase, Provider, Rcode, Reading
from tests.support.readings import NOW, dns, failed, fastly, rdap

TLD = Scope("rdap", "com")
LIMITS = BrakeLimits()


@pytest.mark.parametrize(
    ("lapsed", "checked", "on"),
    [(19, 19, False), (20, 999, True), (20, 1000, False), (21, 1000, True), (1500, 500_000, False), (20, 20, True)],
)
def test_until_there_is_a_baseline_more_than_two_per_cent_of_a_tlds_names_trip(
    *, lapsed: int, checked: int, on: bool
) -> None:
    assert trips(Counts(lapsed, checked, month=0), Mode.SHARE, TLD, LIMITS) is on


def test_the_share_says_nothing_of_all_tlds_together() -> None:
    assert not trips(Counts(500, 1000), Mode.SHARE, Scope("rdap"), LIMITS)
    assert not trips(Counts(500, 1000), Mode.SHARE, Scope(), LIMITS)


@pytest.mark.parametrize(
    ("lapsed", "month", "on"),
    [(19, 0, False), (20, 0, True), (20, 299, True), (20, 300, False), (100, 1500, False), (101, 1500, True)],
)
@pytest.mark.parametrize("scope", [TLD, Scope("rdap"), Scope()])
def test_with_a_baseline_more_than_twice_of_it_trips_in_every_scope(
    *, lapsed: int, month: int, on: bool, scope: Scope
) -> None:
    assert trips(Counts(lapsed, 10**6, month), Mode.BASELINE, scope, LIMITS) is on


def test_a_baseline_needs_thirty_days_of_counts() -> None:
    assert mode_at(None, NOW) is Mode.SHARE
    assert mode_at(NOW - HISTORY + timedelta(hours=1), NOW) is Mode.SHARE
    assert mode_at(NOW - HISTORY, NOW) is Mode.BASELINE


def test_the_limit_is_the_number_that_is_still_believed() -> None:
    assert limit_of(Counts(0, 1000), Mode.SHARE, LIMITS) == pytest.approx(20)
    assert limit_of(Counts(0, 1000, month=300), Mode.BASELINE, LIMITS) == pytest.approx(20)


@pytest.mark.parametrize(
    ("limits", "counts", "mode", "on"),
    [
        (BrakeLimits(share=0.001), Counts(20, 10_000), Mode.SHARE, True),
        (BrakeLimits(share=0.001), Counts(20, 20_000), Mode.SHARE, False),
        (BrakeLimits(factor=1.5), Counts(40, 10**6, month=600), Mode.BASELINE, True),
        (BrakeLimits(factor=2.0), Counts(40, 10**6, month=600), Mode.BASELINE, False),
        (BrakeLimits(minimum=5), Counts(5, 100), Mode.SHARE, True),
        (BrakeLimits(minimum=6), Counts(5, 100), Mode.SHARE, False),
    ],
)
def test_what_is_still_believed_can_be_set(limits: BrakeLimits, counts: Counts, mode: Mode, *, on: bool) -> None:
    assert trips(counts, mode, TLD, limits) is on


GONE, ALIVE = rdap(Phase.AVAILABLE), rdap(Phase.ACTIVE, ago=1)


@pytest.mark.parametrize(
    ("answer", "before", "new"),
    [
        (GONE, [], True),
        (GONE, [ALIVE], True),
        (GONE, [ALIVE, failed()], True),
        (GONE, [rdap(Phase.REDEMPTION, ago=1)], False),
        (GONE, [fastly("undelegated inactive", ago=1)], True),
        (GONE, [rdap(Phase.REDEMPTION, ago=9), ALIVE], True),
        (rdap(Phase.ACTIVE), [], False),
        (failed(), [ALIVE], False),
        (dns(), [], False),
        (dns(), [dns(Rcode.NOERROR, ago=1)], True),
        (dns(), [dns(ago=1)], False),
    ],
)
def test_what_is_a_new_lapse(*, answer: Reading, before: list[Reading], new: bool) -> None:
    assert newly_lapsed(answer.evidence, before) is new


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (Scope("rdap", "com"), True),
        (Scope("rdap", "net"), False),
        (Scope("rdap"), True),
        (Scope("fastly"), False),
        (Scope("fastly", "com"), False),
        (Scope(), True),
    ],
)
def test_a_brake_stops_what_rests_on_its_providers_word_in_its_tld(*, scope: Scope, stopped: bool) -> None:
    assert stops(scope, "a.com", [GONE, fastly("active"), failed(Provider.DNS)]) is stopped


def test_the_last_good_reading_says_what_a_provider_claims() -> None:
    assert claimants([GONE, failed(), fastly("active")]) == {"rdap"}
    later = Reading(replace(ALIVE.evidence, observed_at=NOW), NOW, NOW + timedelta(hours=1))
    assert claimants([GONE, later]) == set()

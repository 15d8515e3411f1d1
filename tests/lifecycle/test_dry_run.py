"""A dry run counts what somebody with pencil and paper would count."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from dashboard.lifecycle.assessment import Confidence, HolderChange
from dashboard.lifecycle.brakes import HISTORY, Scope
from dashboard.lifecycle.dry_run import DAY, DAYS, DryRun, PastLapses, PastOpening, Recorded, Sums, dry_run
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.policy import DEFAULTS
from tests.support.readings import NOW

SINCE = NOW - DAYS * DAY
LONG_AGO = SINCE - 2 * HISTORY
ON = replace(DEFAULTS, automatic=True, automatic_accounts=3)
_numbers = count(1)


def opening(day: float, phase: Phase = Phase.PENDING_DELETE, **values: Any) -> PastOpening:
    """A case opened so many days into the 90, recommended for un-verification at once."""
    at = SINCE + day * DAY
    defaults: dict[str, Any] = {
        "case_id": next(_numbers),
        "tld": "com",
        "opened_at": at,
        "phase": phase,
        "confidence": Confidence.CORROBORATED,
        "holder_change": HolderChange.NONE,
        "recommended_at": at,
        "ended_at": None,
        "risk": 50,
        "addresses": 1,
        "accounts": 1,
    }
    return PastOpening(**(defaults | values))


def history(*openings: PastOpening, **values: Any) -> Recorded:
    return Recorded(until=NOW, began=LONG_AGO, openings=openings, **values)


def lapses(day: float, number: int, provider: str = "rdap", tld: str = "com") -> PastLapses:
    hour = (SINCE + day * DAY).replace(minute=0, second=0, microsecond=0)
    return PastLapses(hour, provider, tld, number, number)


def test_an_empty_history_says_nothing() -> None:
    assert dry_run(ON, Recorded(until=NOW, began=None)) == DryRun(0, 0, 0, 0, 0, 0)


def test_what_passes_the_thresholds_is_flagged() -> None:
    told = history(
        opening(1, Phase.REDEMPTION),
        opening(2, Phase.PENDING_DELETE, confidence=Confidence.SINGLE),
        opening(3, Phase.AVAILABLE),
        opening(4, Phase.ACTIVE, holder_change=HolderChange.SOLD),
    )
    assert dry_run(DEFAULTS, told).flagged == 4
    assert dry_run(replace(DEFAULTS, flag_phase=Phase.PENDING_DELETE), told).flagged == 3
    assert dry_run(replace(DEFAULTS, flag_phase=Phase.AVAILABLE), told).flagged == 2
    assert dry_run(replace(DEFAULTS, flag_confidence=Confidence.CORROBORATED), told).flagged == 3


def test_what_was_opened_around_too_many_lapses_is_held() -> None:
    told = history(
        opening(9.5),  # more than a day before
        opening(10.6),
        opening(11.2),
        opening(11.2, tld="org"),
        opening(13),
        lapses=[lapses(11, 20), lapses(11.25, 5)],
    )
    assert dry_run(DEFAULTS, told).held == 3, "the provider's own brake covers every TLD"
    assert dry_run(replace(DEFAULTS, brake_minimum=26), told).held == 0
    usual = [lapses(day, 10) for day in range(-30, 10)]
    assert dry_run(DEFAULTS, replace(told, lapses=[*told.lapses, *usual])).held == 3
    generous = replace(DEFAULTS, brake_factor=3)
    assert dry_run(generous, replace(told, lapses=[*told.lapses, *usual])).held == 0, (
        "25 are less than three times 10"
    )


def test_a_brake_by_share_is_the_tlds_alone() -> None:
    began = SINCE + 5 * DAY
    checked = {Scope("rdap", "com"): [(began, 1000)]}
    told = replace(
        history(opening(11), opening(11, tld="org"), lapses=[lapses(11, 20)], checked=checked), began=began
    )
    assert dry_run(DEFAULTS, told).held == 0, "20 of 1000 are not more than 2 %"
    assert dry_run(replace(DEFAULTS, brake_share=0.019), told).held == 1


def test_without_automatic_approval_nothing_is_applied() -> None:
    assert dry_run(DEFAULTS, history(opening(1))).cases == 0
    assert dry_run(ON, history(opening(1))) == DryRun(1, 1, 0, cases=1, accounts=1, addresses=1)


def test_every_day_takes_the_riskiest_up_to_the_limit() -> None:
    big = opening(1.1, risk=99, accounts=2, addresses=5)
    bigger = opening(1.2, risk=98, accounts=2, addresses=2)
    small = opening(1.3, risk=10)
    never = opening(1.4, risk=100, accounts=4)
    result = dry_run(ON, history(big, bigger, small, never))
    assert (result.cases, result.accounts, result.addresses) == (3, 5, 8), "the second came a day later"
    gone = replace(bigger, ended_at=SINCE + 1.9 * DAY)
    assert dry_run(ON, history(big, gone, small, never)).accounts == 3


@pytest.mark.parametrize(
    "values",
    [
        {"recommended_at": None},
        {"critical": True},
        {"downloads_30d": 1_000_000},
        {"addresses": 101},
        {"phase": Phase.REDEMPTION},
        {"ended_at": SINCE, "recommended_at": SINCE + DAY},
    ],
)
def test_what_automatic_approval_leaves_to_people(values: dict[str, Any]) -> None:
    strict = replace(ON, flag_phase=Phase.PENDING_DELETE)
    assert dry_run(strict, history(opening(1))).cases == 1
    assert dry_run(strict, history(opening(1, **values))).cases == 0


def test_nothing_is_applied_on_a_day_with_a_brake_or_before_there_is_a_baseline() -> None:
    ended: dict[str, Any] = {"ended_at": SINCE + 11.9 * DAY}
    told = history(opening(11.1, tld="org", **ended), lapses=[lapses(11.5, 30, "")])
    assert dry_run(ON, replace(told, lapses=[])).cases == 1
    assert dry_run(ON, told).cases == 0
    late = replace(history(opening(1), opening(80, ended_at=SINCE + 80.5 * DAY)), began=SINCE + 60 * DAY)
    assert dry_run(ON, late).cases == 0
    assert dry_run(ON, replace(late, began=SINCE + 49 * DAY)).cases == 2


def test_sums_over_any_span() -> None:
    hours = [NOW + timedelta(hours=number) for number in range(5)]
    sums = Sums((hour, 1) for hour in reversed(hours))
    spans: list[tuple[datetime, datetime]] = [(hours[0], hours[2]), (hours[1], hours[1]), (NOW - DAY, NOW + DAY)]
    assert [sums.between(*span) for span in spans] == [2, 0, 5]

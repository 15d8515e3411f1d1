from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.assessment import (
    Assessment,
    Confidence,
    HolderChange,
    Predicted,
    Prediction,
    Recommendation,
)
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.risk import Exposure, Risk, risk

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOTHING = Exposure(0, 0, 0, 0, 0, 0)


def assessed(
    phase: Phase = Phase.REDEMPTION, change: HolderChange = HolderChange.NONE, drop_in: float | None = None
) -> Assessment:
    drop = None if drop_in is None else Prediction(NOW + timedelta(days=drop_in), "a rule")
    return Assessment(
        "a.com", NOW, phase, Confidence.SINGLE, Recommendation.REVIEW, change, ("r",), predicted=Predicted(drop=drop)
    )


def score(assessment: Assessment | None = None, **exposure: Any) -> Risk:
    return risk(assessment or assessed(), dataclasses.replace(NOTHING, **exposure), NOW)


def test_the_score_is_the_phase_weight_times_the_order_of_downloads() -> None:
    found = score(packages=3, downloads_30d=999_999)
    assert [(part.name, part.points) for part in found.parts] == [("phase_and_downloads", 60)]
    assert found.score == 60
    assert found.parts[0].why == "redemption weighs 10; 3 packages, 999,999 downloads in 30 days"


@pytest.mark.parametrize(
    ("exposure", "part"),
    [
        ({"only_address_accounts": 1}, "only_address"),
        ({"no_second_factor_accounts": 3}, "no_second_factor"),
        ({"released_after": 1}, "release_after"),
        ({"resets_after": 2}, "reset_after"),
        ({"credentials_after": 1}, "credentials_after"),
        ({"tokens_after": 1}, "token_after"),
        ({"sign_ins_after": 9}, "sign_in_after"),
    ],
)
def test_what_hangs_on_the_addresses_adds_a_part_of_its_own(exposure: dict[str, Any], part: str) -> None:
    found = score(**exposure)
    assert found.score > score().score
    assert part in [p.name for p in found.parts]


def test_what_an_owner_may_do_weighs_less_than_what_a_thief_must() -> None:
    kinds = ("sign_ins_after", "tokens_after", "credentials_after", "resets_after", "released_after")
    scores = [score(assessed(), **{kind: 1}).score for kind in kinds]
    assert scores == sorted(set(scores))
    assert score(sign_ins_after=1000).score == scores[0]


def test_worse_phases_weigh_more() -> None:
    order = [Phase.ACTIVE, Phase.AUTO_RENEW_GRACE, Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.AVAILABLE]
    scores = [score(assessed(phase), downloads_30d=10_000).score for phase in order]
    assert scores == sorted(set(scores))


def test_a_domain_caught_by_somebody_else_outweighs_one_that_is_free() -> None:
    taken = score(assessed(Phase.ACTIVE, HolderChange.DROPPED_AND_CAUGHT), downloads_30d=10_000)
    free = score(assessed(Phase.AVAILABLE), downloads_30d=10_000)
    assert taken.score > free.score


def test_a_near_drop_adds_and_a_past_one_of_an_available_domain_does_not() -> None:
    assert score(assessed(drop_in=3)).score > score(assessed(drop_in=20)).score > score(assessed(drop_in=60)).score
    assert "near_drop" not in [p.name for p in score(assessed(Phase.AVAILABLE, drop_in=-3)).parts]


counts = st.integers(0, 10**12)


@given(
    st.builds(assessed, st.sampled_from(Phase), st.sampled_from(HolderChange), st.none() | st.floats(-400, 400)),
    st.builds(Exposure, counts, counts, counts, counts, counts, counts, counts, counts),
)
def test_the_parts_sum_to_the_score_and_each_says_why(assessment: Assessment, exposure: Exposure) -> None:
    found = risk(assessment, exposure, NOW)
    assert sum(part.points for part in found.parts) == found.score
    assert all(part.points >= 0 and part.why for part in found.parts)
    assert found.parts[0].name == "phase_and_downloads"


@given(st.builds(Exposure, counts, counts, counts, counts, counts, counts), counts)
def test_more_downloads_never_lower_the_score(exposure: Exposure, more: int) -> None:
    grown = dataclasses.replace(exposure, downloads_30d=exposure.downloads_30d + more)
    assert risk(assessed(), grown, NOW).score >= risk(assessed(), exposure, NOW).score

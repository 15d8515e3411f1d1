"""The policy as values: what can be set, what opens a case, what is of high profile."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.assessment import Assessment, Confidence, HolderChange, Recommendation
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.policy import (
    DEFAULTS,
    FLAG_CONFIDENCES,
    FLAG_PHASES,
    Policy,
    from_values,
    is_high_profile,
    opens_case,
    problems,
    to_values,
)
from tests.support.readings import NOW

policies = st.builds(
    Policy,
    version=st.integers(1, 10**6),
    flag_phase=st.sampled_from(FLAG_PHASES),
    flag_confidence=st.sampled_from(FLAG_CONFIDENCES),
    type_above=st.integers(1, 1000),
    second_above=st.integers(1, 10_000),
    evidence_max_age=st.integers(1, 72).map(lambda hours: timedelta(hours=hours)),
    abort_share=st.floats(0.01, 0.5),
    automatic=st.booleans(),
    brake_share=st.floats(0.001, 0.2),
    brake_factor=st.floats(1.1, 10),
)


@given(policies)
def test_values_survive_their_way_through_json(policy: Policy) -> None:
    values = json.loads(json.dumps(to_values(policy)))
    assert from_values(values, policy.version) == policy


def test_the_defaults_can_be_used() -> None:
    assert problems(DEFAULTS) == {}


@pytest.mark.parametrize(
    ("values", "where", "words"),
    [
        ({"type_above": 0}, "type_above", "from 1 to 1,000"),
        ({"second_above": 9}, "second_above", "at least 10"),
        ({"high_profile_downloads": 0}, "high_profile_downloads", "from 1 to 1,000,000,000,000"),
        ({"evidence_max_age": timedelta(hours=73)}, "evidence_max_age", "from 1 to 72"),
        ({"abort_share": 0.6}, "abort_share", "from 1 % to 50 %"),
        ({"brake_share": float("nan")}, "brake_share", "from 0.1 % to 20 %"),
        ({"brake_factor": float("inf")}, "brake_factor", "from 1.1 to 10"),
        ({"brake_minimum": 4}, "brake_minimum", "from 5 to 1,000"),
        ({"automatic_accounts": 0}, "automatic_accounts", "from 1 to 1,000"),
        ({"flag_phase": Phase.ACTIVE}, "flag_phase", "redemption"),
        ({"flag_confidence": Confidence.INSUFFICIENT}, "flag_confidence", "corroborated"),
    ],
)
def test_what_would_switch_a_safeguard_off_is_refused(values: dict[str, Any], where: str, words: str) -> None:
    found = problems(replace(DEFAULTS, **values))
    assert found.keys() == {where}
    assert words in found[where]


def assessed(phase: Phase, confidence: Confidence = Confidence.CORROBORATED, **values: Any) -> Assessment:
    defaults: dict[str, Any] = {"recommendation": Recommendation.REVIEW, "holder_change": HolderChange.NONE}
    return Assessment("x.com", NOW, phase, confidence, **(defaults | values), reasons=())


@pytest.mark.parametrize(
    ("assessment", "opened"),
    [
        (assessed(Phase.PENDING_RESTORE), (True, False, False)),
        (assessed(Phase.REDEMPTION), (True, False, False)),
        (assessed(Phase.PENDING_DELETE), (True, True, False)),
        (assessed(Phase.AVAILABLE), (True, True, True)),
        # never held back: they are not about a lapse, or nobody knows
        (assessed(Phase.REDEMPTION, Confidence.CONFLICTING), (True, True, True)),
        (assessed(Phase.REDEMPTION, holder_change=HolderChange.DROPPED_AND_CAUGHT), (True, True, True)),
        (assessed(Phase.REDEMPTION, holder_change=HolderChange.UNKNOWN), (True, True, True)),
        (assessed(Phase.ACTIVE, holder_change=HolderChange.SOLD), (True, True, True)),
        # not for any policy
        (assessed(Phase.AVAILABLE, recommendation=Recommendation.WATCH), (False, False, False)),
    ],
)
def test_the_phase_from_which_a_lapse_opens_a_case(assessment: Assessment, opened: tuple[bool, ...]) -> None:
    assert tuple(opens_case(replace(DEFAULTS, flag_phase=phase), assessment) for phase in FLAG_PHASES) == opened


def test_a_single_reading_opens_no_case_where_corroboration_is_asked_for() -> None:
    strict = replace(DEFAULTS, flag_confidence=Confidence.CORROBORATED)
    single = assessed(Phase.REDEMPTION, Confidence.SINGLE)
    assert opens_case(DEFAULTS, single)
    assert not opens_case(strict, single)
    assert opens_case(strict, assessed(Phase.REDEMPTION))
    assert opens_case(strict, assessed(Phase.ACTIVE, Confidence.SINGLE, holder_change=HolderChange.SOLD))


@pytest.mark.parametrize(
    ("downloads", "critical", "expected"),
    [(999_999, False, False), (1_000_000, False, True), (None, False, False), (None, True, True), (0, True, True)],
)
def test_what_is_of_high_profile(*, downloads: int | None, critical: bool, expected: bool) -> None:
    assert is_high_profile(DEFAULTS, downloads, critical=critical) is expected


def test_the_sources_word_can_be_left_out() -> None:
    assert not is_high_profile(replace(DEFAULTS, high_profile_critical=False), 5, critical=True)

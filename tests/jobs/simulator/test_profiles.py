from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.simulator.profiles import RULES, next_anniversary, profile_of, years_later
from jobs.simulator.specs import Profile

moments = st.integers(946684800, 2840140800).map(lambda second: datetime.fromtimestamp(second, UTC))


def test_every_profile_has_rules() -> None:
    assert set(RULES) == set(Profile)


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("a.com", Profile.GTLD),
        ("a.io", Profile.GTLD),
        ("a.co.uk", Profile.UK),
        ("a.de", Profile.DE),
        ("a.nl", Profile.NL),
        ("a.fr", Profile.FR),
        ("a.ch", Profile.UNDATED),
    ],
)
def test_the_tld_names_the_profile(name: str, profile: Profile) -> None:
    assert profile_of(name) is profile


def test_a_leap_day_falls_on_the_28th_in_common_years() -> None:
    assert years_later(datetime(2024, 2, 29, tzinfo=UTC), 1) == datetime(2025, 2, 28, tzinfo=UTC)


@given(anchor=moments, now=moments)
def test_the_next_anniversary_is_ahead_and_at_most_a_year_away(anchor: datetime, now: datetime) -> None:
    following = next_anniversary(anchor, now)

    assert following > now
    assert following == anchor or following - now <= timedelta(days=366)
    assert following.time() == anchor.time()

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.schedule import next_check_at

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def pause(
    phase: Phase, failures: int = 0, drop: float | None = None, key: str = "a.com", recheck: int = 30
) -> timedelta:
    drop_at = None if drop is None else NOW + drop * DAY
    return next_check_at(phase, NOW, failures=failures, recheck_days=recheck, drop_at=drop_at, key=key) - NOW


@pytest.mark.parametrize(
    ("phase", "drop", "days"),
    [
        (Phase.ACTIVE, None, 30),
        (Phase.UNKNOWN, None, 30),
        (Phase.HOLD, None, 30),
        (Phase.RESERVED, None, 30),
        (Phase.AUTO_RENEW_GRACE, 60, 30),
        (Phase.REDEMPTION, None, 1),
        (Phase.REDEMPTION, 30, 1),
        (Phase.REDEMPTION, -200, 1),
        (Phase.PENDING_RESTORE, None, 1),
        (Phase.PENDING_DELETE, 3, 1),
        (Phase.AVAILABLE, None, 1),
        (Phase.AVAILABLE, -13.9, 1),
        (Phase.AVAILABLE, -14, 7),
        (Phase.AVAILABLE, -89.9, 7),
        (Phase.AVAILABLE, -90, 30),
    ],
)
def test_the_rhythm_follows_the_phase(phase: Phase, drop: float | None, days: int) -> None:
    assert pause(phase, drop=drop) == days * DAY


@given(
    st.sampled_from(Phase), st.integers(0, 10_000), st.none() | st.integers(-400, 400), st.text(), st.integers(1, 30)
)
def test_every_domain_is_checked_again_within_the_promised_days(
    phase: Phase, failures: int, drop: int | None, key: str, recheck: int
) -> None:
    assert timedelta(minutes=15) <= pause(phase, failures, drop, key, recheck) <= recheck * DAY
    if failures:
        assert pause(phase, failures, drop, key, recheck) <= timedelta(hours=24)


def test_failures_back_off_by_doubling() -> None:
    steps = [pause(Phase.ACTIVE, n) for n in range(1, 12)]
    assert timedelta(minutes=15) <= steps[0] < timedelta(minutes=30)
    assert timedelta(hours=12) <= steps[-1] < timedelta(hours=24)
    assert steps[:6] == sorted(steps[:6])


def test_jitter_spreads_domains_and_repeats_for_one() -> None:
    spread = {pause(Phase.ACTIVE, 3, key=f"{n}.com") for n in range(50)}
    assert len(spread) == 50
    assert pause(Phase.ACTIVE, 3, key="7.com") == pause(Phase.ACTIVE, 3, key="7.com")

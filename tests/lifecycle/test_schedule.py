from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.schedule import FAST_DROPPING, SchedulePolicy, next_check_at

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


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


@pytest.mark.parametrize("phase", [Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.PENDING_RESTORE])
@pytest.mark.parametrize(
    ("drop", "hours"), [(35, 24), (3, 24), (2.5, 12), (2.01, 1), (2, 1), (0.5, 1), (0.01, 1), (0, 24), (-5, 24)]
)
def test_the_last_two_days_before_a_drop_are_watched_hourly(phase: Phase, drop: float, hours: float) -> None:
    assert pause(phase, drop=drop) == timedelta(hours=hours)


def after(phase: Phase, **given: Any) -> timedelta:
    usual: dict[str, Any] = {"failures": 0, "recheck_days": 30, "key": "a.com"}
    return next_check_at(phase, NOW, **(usual | given)) - NOW


@pytest.mark.parametrize(
    ("phase", "drop", "pause"),
    [
        (Phase.ACTIVE, None, 30 * DAY),
        (Phase.REDEMPTION, None, 30 * DAY),
        (Phase.REDEMPTION, 20, 20 * DAY + timedelta(hours=1)),
        (Phase.REDEMPTION, 60, 30 * DAY),
        (Phase.PENDING_DELETE, 0.5, timedelta(hours=13)),
        (Phase.PENDING_DELETE, -1, DAY),
        (Phase.PENDING_DELETE, None, DAY),
        (Phase.AVAILABLE, -3, 30 * DAY),
    ],
)
def test_without_a_verified_address_only_the_drop_itself_is_looked_for(
    phase: Phase, drop: float | None, pause: timedelta
) -> None:
    assert after(phase, drop_at=None if drop is None else NOW + drop * DAY, at_stake=False) == pause


@pytest.mark.parametrize("phase", [Phase.ACTIVE, Phase.HOLD, Phase.AUTO_RENEW_GRACE, Phase.UNKNOWN])
@pytest.mark.parametrize(("ago", "days"), [(0, 1), (44.9, 1), (45, 30), (400, 30)])
def test_what_is_lately_gone_from_dns_is_watched_daily(phase: Phase, ago: float, days: int) -> None:
    assert after(phase, vanished_at=NOW - ago * DAY) == days * DAY


@pytest.mark.parametrize(("phase", "failures"), [(Phase.ACTIVE, 0), (Phase.AVAILABLE, 0), (Phase.REDEMPTION, 9)])
def test_a_trigger_is_due_at_once_and_a_later_one_delays_nothing(phase: Phase, failures: int) -> None:
    minute = timedelta(minutes=1)
    usual = after(phase, failures=failures)
    assert after(phase, failures=failures, triggered_at=NOW + minute) == minute
    assert after(phase, failures=failures, triggered_at=NOW + 40 * DAY) == usual
    assert after(phase, failures=failures, triggered_at=NOW) == usual


@pytest.mark.parametrize(("left", "days"), [(46, 30), (45, 7), (1, 7), (0, 30), (-1, 30)])
def test_a_switch_looks_weekly_before_expiry(left: int, days: int) -> None:
    policy = SchedulePolicy(weekly_before_expiry=True)
    assert after(Phase.ACTIVE, expires_at=NOW + left * DAY, policy=policy) == days * DAY
    assert after(Phase.ACTIVE, expires_at=NOW + left * DAY) == 30 * DAY


def test_a_switch_looks_daily_in_grace() -> None:
    policy = SchedulePolicy(daily_in_grace=True)
    assert after(Phase.AUTO_RENEW_GRACE, policy=policy) == DAY
    assert after(Phase.ACTIVE, policy=policy) == 30 * DAY


@pytest.mark.parametrize("tld", sorted(FAST_DROPPING))
def test_a_switch_looks_weekly_where_names_drop_fast(tld: str) -> None:
    policy = SchedulePolicy(weekly_for_fast_drops=True)
    assert after(Phase.ACTIVE, key=f"b.{tld}", policy=policy) == WEEK
    assert after(Phase.ACTIVE, key=f"{tld}.com", policy=policy) == 30 * DAY
    assert after(Phase.ACTIVE, key=f"b.{tld}") == 30 * DAY


@pytest.mark.parametrize("phase", Phase)
def test_no_switch_looks_less_often(phase: Phase) -> None:
    every = SchedulePolicy(weekly_before_expiry=True, daily_in_grace=True, weekly_for_fast_drops=True)
    for at_stake in (True, False):
        given: dict[str, Any] = {"key": "b.cn", "expires_at": NOW + DAY, "at_stake": at_stake}
        assert after(phase, policy=every, **given) <= after(phase, **given)

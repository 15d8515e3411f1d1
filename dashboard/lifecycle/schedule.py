"""When a domain's next full check is due."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.lifecycle.assessment import Assessment, HolderChange
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Phase

HOURLY, DAILY, WEEKLY = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
FIRST_RETRY, LAST_RETRY = timedelta(minutes=15), timedelta(hours=24)
BEFORE_DROP = timedelta(hours=48)
"""How long before a predicted drop every hour counts: a name may be caught within seconds of it."""
WATCH_DAILY, WATCH_WEEKLY = timedelta(days=14), timedelta(days=90)
"""How long after the drop a catch is looked for, daily and then weekly."""
BEFORE_EXPIRY = timedelta(days=45)
"""How long before an expiry the weekly look begins, where the policy wants it."""
OUT_OF_DNS = timedelta(days=45)
"""How long a name lately gone from DNS is looked at daily: no grace of a gTLD is longer (RFC 3915)."""

FAST_DROPPING = frozenset({"cn", "name", "tw", "ws"})
"""TLDs that may drop a name within 30 days of its deletion, unseen between two regular checks: .cn restores for 15
days, .tw and .ws have no redemption, .name has only its pending delete of 5 days."""

MANY_ADDRESSES = 50
"""From so many verified addresses on a domain is urgent, however well it stands."""

_ON_THE_WAY_OUT = LEAVING | {Phase.PENDING_DELETE}
_OTHER_HANDS = {HolderChange.DROPPED_AND_CAUGHT, HolderChange.SOLD}


@dataclass(frozen=True, slots=True)
class SchedulePolicy:
    """What may be looked at more often than the rules ask. Off by default: the daily DNS sweep finds most of it.

    `weekly_before_expiry`: in the last 45 days of a registration; `daily_in_grace`: in auto-renew grace;
    `weekly_for_fast_drops`: always, under the TLDs of `fast_dropping`. `make simulate` shows what each costs and
    finds.
    """

    weekly_before_expiry: bool = False
    daily_in_grace: bool = False
    weekly_for_fast_drops: bool = False
    fast_dropping: frozenset[str] = FAST_DROPPING


RULES_ALONE = SchedulePolicy()


def next_check_at(
    phase: Phase,
    checked_at: datetime,
    *,
    failures: int,
    recheck_days: int,
    key: str,
    drop_at: datetime | None = None,
    expires_at: datetime | None = None,
    vanished_at: datetime | None = None,
    triggered_at: datetime | None = None,
    at_stake: bool = True,
    policy: SchedulePolicy = RULES_ALONE,
) -> datetime:
    """Return the due time after a check at `checked_at` (domain clock), `recheck_days` later at the latest.

    Daily from redemption until 14 days after the drop (`drop_at`, predicted or seen), hourly in the last 48 hours
    before it, weekly until day 90. Daily, too, for 45 days after the delegation went (`vanished_at`), since DNS can
    then trigger nothing more. At `triggered_at`, when DNS changed after the check, at once. Where no verified address
    is left (`at_stake`), nothing waits for these: one look just after the drop, and DNS for the catch.

    After `failures` failures in a row: 15 minutes at first, 24 hours at most, spread by `key` (the domain's name) so
    that an outage's victims do not come back all at once.
    """
    if failures > 0:
        due = checked_at + back_off(failures, key)
    else:
        quiet = timedelta(days=recheck_days)
        if phase in _ON_THE_WAY_OUT:
            pause = _until_drop(checked_at, drop_at) if at_stake else _past_drop(phase, checked_at, drop_at, quiet)
        elif not at_stake:
            pause = quiet
        elif phase is Phase.AVAILABLE:
            pause = _until_catch(checked_at, drop_at, quiet)
        elif vanished_at is not None and checked_at < vanished_at + OUT_OF_DNS:
            pause = DAILY
        else:
            pause = _by_policy(phase, checked_at, expires_at, key, policy) or quiet
        due = checked_at + min(pause, quiet)
    return triggered_at if triggered_at is not None and checked_at < triggered_at < due else due


def _until_drop(checked_at: datetime, drop_at: datetime | None) -> timedelta:
    """Daily, then hourly; the first hourly look is not slept through. A drop that is overdue is awaited daily."""
    if drop_at is None or checked_at >= drop_at:
        return DAILY
    return min(DAILY, max(HOURLY, drop_at - BEFORE_DROP - checked_at))


def _past_drop(phase: Phase, checked_at: datetime, drop_at: datetime | None, quiet: timedelta) -> timedelta:
    """Once, an hour after the predicted drop; daily where a pending delete has no date or outlasts it."""
    if drop_at is not None and checked_at < drop_at:
        return drop_at + HOURLY - checked_at
    return DAILY if phase is Phase.PENDING_DELETE else quiet


def _until_catch(checked_at: datetime, drop_at: datetime | None, quiet: timedelta) -> timedelta:
    if drop_at is None or checked_at < drop_at + WATCH_DAILY:
        return DAILY
    return WEEKLY if checked_at < drop_at + WATCH_WEEKLY else quiet


def _by_policy(
    phase: Phase, checked_at: datetime, expires_at: datetime | None, key: str, policy: SchedulePolicy
) -> timedelta | None:
    """Return the pause that a switch asks for; None where none does."""
    if policy.daily_in_grace and phase is Phase.AUTO_RENEW_GRACE:
        return DAILY
    if policy.weekly_for_fast_drops and key.rpartition(".")[2] in policy.fast_dropping:
        return WEEKLY
    nears = expires_at is not None and expires_at - BEFORE_EXPIRY <= checked_at < expires_at
    return WEEKLY if policy.weekly_before_expiry and nears else None


def is_urgent(assessment: Assessment, addresses: int) -> bool:
    """Whether the domain goes before others where there is not enough for all: workers, or a server's daily budget.

    It is near its drop or beyond it, may be in other hands (what cases are opened for), or has many verified
    `addresses`; never where it has none.
    """
    if not addresses:
        return False
    in_danger = assessment.phase in LEAVING | LOST or assessment.holder_change in _OTHER_HANDS
    return in_danger or addresses >= MANY_ADDRESSES


def back_off(failures: int, key: str) -> timedelta:
    """Return the pause after `failures` failures in a row, 15 minutes to 24 hours: doubled with every one.

    A digest of the key places it within the step, the same every time.
    """
    # Sixteen doublings are far beyond the last step; more would only overflow.
    start = min(FIRST_RETRY * (1 << min(failures - 1, 16)), LAST_RETRY / 2)
    digest = hashlib.sha256(f"{key}\0{failures}".encode()).digest()
    return start + start * (int.from_bytes(digest[:4], "big") / 2**32)

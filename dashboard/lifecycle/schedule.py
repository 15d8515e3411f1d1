"""When a domain's next full check is due."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from dashboard.lifecycle.evidence import Phase

DAILY, WEEKLY = timedelta(days=1), timedelta(days=7)
FIRST_RETRY, LAST_RETRY = timedelta(minutes=15), timedelta(hours=24)
WATCH_DAILY, WATCH_WEEKLY = timedelta(days=14), timedelta(days=90)
"""How long after the drop a catch is looked for, daily and then weekly."""

_LAPSING = frozenset({Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE, Phase.AVAILABLE})


def next_check_at(
    phase: Phase,
    checked_at: datetime,
    *,
    failures: int,
    recheck_days: int,
    drop_at: datetime | None = None,
    key: str,
) -> datetime:
    """Return the due time after a check at `checked_at` (domain clock).

    Every `recheck_days` days; daily from redemption until 14 days after the drop (`drop_at`, predicted or seen),
    weekly until day 90. After `failures` failures in a row sooner: 15 minutes at first, 24 hours at most, spread by
    `key` (the domain's name) so that an outage's victims do not come back all at once.
    """
    usual = min(_rhythm(phase, checked_at, drop_at, timedelta(days=recheck_days)), timedelta(days=recheck_days))
    return checked_at + (_backoff(failures, key) if failures > 0 else usual)


def _rhythm(phase: Phase, checked_at: datetime, drop_at: datetime | None, quiet: timedelta) -> timedelta:
    """Return the pause that the phase asks for."""
    if phase not in _LAPSING:
        return quiet
    if phase is not Phase.AVAILABLE or drop_at is None or checked_at < drop_at + WATCH_DAILY:
        return DAILY
    return WEEKLY if checked_at < drop_at + WATCH_WEEKLY else quiet


def _backoff(failures: int, key: str) -> timedelta:
    """Double the pause with every failure; a digest of the key places it within the step, the same every time."""
    # Sixteen doublings are far beyond the last step; more would only overflow.
    start = min(FIRST_RETRY * (1 << min(failures - 1, 16)), LAST_RETRY / 2)
    digest = hashlib.sha256(f"{key}\0{failures}".encode()).digest()
    return start + start * (int.from_bytes(digest[:4], "big") / 2**32)

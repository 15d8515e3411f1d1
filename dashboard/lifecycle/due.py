"""When a domain whose readings are given is due again: the schedule, applied to readings instead of stored rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.lifecycle.assessment import Assessment
from dashboard.lifecycle.current import LOST
from dashboard.lifecycle.evidence import ErrorKind, EvidenceKind, Outcome, Phase, Reading
from dashboard.lifecycle.schedule import FIRST_RETRY, RULES_ALONE, SchedulePolicy, next_check_at
from dashboard.lifecycle.sweep import triggered, vanished_at

RECHECK_DAYS = 30
_HOPELESS = {ErrorKind.UNSUPPORTED, ErrorKind.NOT_CONFIGURED}
_DELEGATED = frozenset({Phase.ACTIVE, Phase.AUTO_RENEW_GRACE})


def due_at(
    assessment: Assessment,
    readings: Sequence[Reading],
    now: datetime,
    *,
    recheck_days: int = RECHECK_DAYS,
    policy: SchedulePolicy = RULES_ALONE,
) -> datetime:
    """Return the next due time, `now` at the earliest; what was never checked, and what DNS triggers, is due now."""
    asked = [r for r in readings if r.evidence.kind is not EvidenceKind.DELEGATION]
    answered = max((r.last_seen_at for r in asked if r.evidence.outcome is not Outcome.ERROR), default=None)
    failed = sorted({r.last_seen_at for r in asked if _failed_since(r, answered)})
    checked = max([*failed, *([answered] if answered else [])], default=None)
    if checked is None or _triggered(assessment.phase, readings, checked):
        return now
    drop = assessment.predicted.drop
    due = next_check_at(
        assessment.phase,
        checked,
        failures=len(failed),
        recheck_days=recheck_days,
        drop_at=drop.date if drop else None,
        expires_at=assessment.expires_at,
        vanished_at=vanished_at(readings),
        key=assessment.domain,
        policy=policy,
    )
    return max(due, now)


def _failed_since(reading: Reading, answered: datetime | None) -> bool:
    """Whether a look-up failed in a later check than the last one that was answered."""
    evidence = reading.evidence
    if evidence.outcome is not Outcome.ERROR or evidence.error in _HOPELESS:
        return False
    return answered is None or reading.last_seen_at >= answered + FIRST_RETRY


def _triggered(phase: Phase, readings: Sequence[Reading], checked: datetime) -> bool:
    """Whether DNS has said something since the last full check that it had not said before, or has lost the name."""
    told = [r for r in readings if r.evidence.delegation is not None]
    told.sort(key=lambda r: (r.last_seen_at, r.first_seen_at, r.evidence.digest))
    if not told or told[-1].last_seen_at < checked + FIRST_RETRY:
        return False
    newest = told[-1].evidence
    before = [r.evidence for r in told if r.first_seen_at <= checked][-1:]
    vanished = newest.phase in LOST and phase in _DELEGATED
    return vanished or any(triggered(answer, newest) for answer in before)

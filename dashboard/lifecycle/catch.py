"""Dropped and caught: signs that an earlier registration of the same name has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.lifecycle.assessment import History, HolderChange
from dashboard.lifecycle.current import APART, LEAVING
from dashboard.lifecycle.evidence import EvidenceKind, Outcome, Phase, Reading
from dashboard.lifecycle.facts import (
    HELD,
    SLACK,
    Registration,
    by_time,
    day,
    same_words,
    steps,
    unregistered_sightings,
)
from dashboard.lifecycle.tenure import Tenure


def dropped(present: Registration, phase: Phase, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Look for the end of an earlier registration: another date or handle, or a time when nobody held the domain."""
    began = present.registered_at
    return (
        _earlier_registration(began, readings, history)
        or _seen_unregistered(present, phase, unregistered_sightings(readings, history))
        or _held_before(began, readings)
        or _other_handle(present, readings, history)
    )


def _earlier_registration(began: datetime | None, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Compare the present creation date with those of earlier registrations."""
    if began is None:
        return _later_period(history)
    known = [(period.started_at, period.registrar) for period in history.periods]
    known += [(s.before.registered_at, s.before.registrar) for s in steps(readings) if s.before.registered_at]
    earlier = [(start, registrar or "") for start, registrar in known if start < began - SLACK]
    if not earlier:
        return None
    start, registrar = max(earlier)
    at = f" at {registrar}" if registrar else ""
    return _caught(began, f"An earlier registration{at} began on {day(start)}; the present one on {day(began)}.")


def _later_period(history: History) -> Tenure | None:
    """Without a creation date, believe the remembered periods: one that ended and one that began after it."""
    ended = [period.ended_at for period in history.periods if period.ended_at]
    later = [p.started_at for p in history.periods if any(end <= p.started_at for end in ended)]
    if not later:
        return None
    return _caught(max(later), f"An earlier registration ended; the last one known began on {day(max(later))}.")


def _seen_unregistered(present: Registration, phase: Phase, sightings: Sequence[datetime]) -> Tenure | None:
    """Tell a domain that nobody held and somebody holds again; an older creation date belies a sighting."""
    if phase not in HELD:
        return None
    began, held_at = present.registered_at, present.seen_at
    if began is not None:
        before = [seen for seen in sightings if seen <= began + SLACK]
    else:
        # Two providers that disagree in one check are a conflict, not a history.
        before = [seen for seen in sightings if held_at is not None and held_at - seen >= APART]
    if not before:
        return None
    seen = max(before)
    return _caught(began or seen, f"It was reported unregistered or dropping on {day(seen)} and is registered now.")


def _held_before(began: datetime | None, readings: Sequence[Reading]) -> Tenure | None:
    """Find a time, before the present registration began, at which somebody held the domain already."""
    if began is None:
        return None
    held = [r.first_seen_at for r in readings if _is_held(r) and r.first_seen_at < began - SLACK]
    if not held:
        return None
    since = f"It was registered on {day(max(held))} already; the present registration began on {day(began)}."
    return _caught(began, since)


def _is_held(reading: Reading) -> bool:
    evidence = reading.evidence
    is_strong = evidence.kind is not EvidenceKind.DELEGATION and evidence.outcome is Outcome.FOUND
    return is_strong and evidence.phase in HELD | LEAVING


def _other_handle(present: Registration, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Compare handles: a registry gives every registration one of its own (ROID, RFC 5730)."""
    for step in reversed(by_time(steps(readings))):
        if not same_words(step.before.handle, step.after.handle):
            return _caught(step.seen_at, _handles(step.before.handle, step.after.handle, step.seen_at))
    seen = [r.first_seen_at for r in readings if present.handle and r.evidence.handle == present.handle]
    for period in sorted(history.periods, key=lambda p: (p.started_at, p.handle or ""), reverse=True):
        if seen and not same_words(period.handle, present.handle):
            return _caught(min(seen), _handles(period.handle, present.handle, min(seen)))
    return None


def _handles(before: str | None, after: str | None, seen_at: datetime) -> str:
    """Put a change of handle into words."""
    return f"The registry's handle of the registration was {before} before and is {after} since {day(seen_at)}."


def _caught(since: datetime, why: str) -> Tenure:
    """Put a drop and catch into words."""
    return Tenure(since, HolderChange.DROPPED_AND_CAUGHT, (why,))

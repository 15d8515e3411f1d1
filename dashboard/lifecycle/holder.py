"""Has the domain changed hands since an address was verified? The resurrection test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.lifecycle.assessment import AddressFacts, AddressRisk, History, HolderChange
from dashboard.lifecycle.current import APART
from dashboard.lifecycle.evidence import Phase, Reading
from dashboard.lifecycle.facts import (
    HELD,
    SLACK,
    Registration,
    Step,
    day,
    remembered_date,
    same_words,
    steps,
    unregistered_seen_at,
)

_RUN_OUT = frozenset({Phase.AUTO_RENEW_GRACE, Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE})


@dataclass(frozen=True, slots=True)
class Tenure:
    """When the present holder's time began (None: nobody knows), and what else points to a change of holder."""

    since: datetime | None
    change: HolderChange = HolderChange.NONE
    reasons: tuple[str, ...] = ()


def tenure(present: Registration, phase: Phase, readings: Sequence[Reading], history: History) -> Tenure:
    """Find the beginning of the present holder's time; a drop outweighs a sale, both outweigh the bare date."""
    for found in (_dropped(present, phase, readings, history), _sold(present, readings, history)):
        if found is not None:
            return found
    return Tenure(present.registered_at or remembered_date(readings))


def _dropped(present: Registration, phase: Phase, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Look for the end of an earlier registration: another date or handle, or a time when nobody held the domain."""
    began = present.registered_at
    return (
        _earlier_registration(began, readings, history)
        or _seen_unregistered(present, phase, unregistered_seen_at(readings, history))
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


def _seen_unregistered(present: Registration, phase: Phase, seen: datetime | None) -> Tenure | None:
    """Tell a domain that nobody held and somebody holds again; an older creation date belies the sighting."""
    if seen is None or phase not in HELD:
        return None
    began = present.registered_at
    if began is None and (present.seen_at is None or present.seen_at - seen < APART):
        return None  # two providers disagree in one check: a conflict, not a history
    if began is not None and began < seen - SLACK:
        return None
    return _caught(began or seen, f"It was reported unregistered or dropping on {day(seen)} and is registered now.")


def _other_handle(present: Registration, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Compare handles: a registry gives every registration one of its own (ROID, RFC 5730)."""
    for step in reversed(_by_time(steps(readings))):
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


def _sold(present: Registration, readings: Sequence[Reading], history: History) -> Tenure | None:
    """Another registrar after the term had run out, while the creation date stayed: an auction before the drop."""
    for step in reversed(_by_time(steps(readings))):
        expiry = step.before.registrar_expires_at or step.before.expires_at
        ran_out = step.before.phase in _RUN_OUT or (expiry is not None and expiry <= step.seen_at)
        if ran_out and not same_words(step.before.registrar, step.after.registrar):
            moved = [t for t in (step.after.transferred_at, step.after.changed_at) if t and expiry and expiry <= t]
            return _sale(min(moved, default=step.seen_at), step.before.registrar, step.after.registrar)
    if history.previous_phase not in _RUN_OUT or not history.periods:
        return None
    last = max(history.periods, key=lambda p: (p.started_at, p.registrar or "", p.handle or ""))
    if same_words(last.registrar, present.registrar):
        return None
    seen = [r.first_seen_at for r in readings if r.evidence.registrar and r.evidence.registrar == present.registrar]
    return _sale(min(seen), last.registrar, present.registrar) if seen else None


def _sale(since: datetime, before: str | None, after: str | None) -> Tenure:
    """Put a sale into words."""
    why = f"After expiry the registrar changed from {before} to {after} ({day(since)}); the creation date stayed."
    return Tenure(since, HolderChange.SOLD, (why,))


def _caught(since: datetime, why: str) -> Tenure:
    """Put a drop and catch into words."""
    return Tenure(since, HolderChange.DROPPED_AND_CAUGHT, (why,))


def _by_time(found: list[Step]) -> list[Step]:
    """Order steps of several providers by when they were seen."""
    return sorted(found, key=lambda s: (s.seen_at, s.after.provider, s.after.digest))


def address_risk(address: AddressFacts, held: Tenure) -> AddressRisk:
    """Judge one address: verified before the present holder's time began, after it, or nobody knows."""
    if held.since is None:
        return AddressRisk(address.address_id, at_risk=None, why="no registration date is known to compare with")
    bound = held.since - SLACK
    times = [t for t in (address.first_verified_at, address.verified_at) if t]
    if times:
        return _by_verification(address, min(times), bound, held.since)
    return _by_account(address, bound, held.since)


def _by_verification(address: AddressFacts, first: datetime, bound: datetime, since: datetime) -> AddressRisk:
    """Compare the earliest verification; a later one may be the new holder's and clears nothing."""
    if first >= bound:
        why = f"verified on {day(first)}, under the present holder (since {day(since)})"
        return AddressRisk(address.address_id, at_risk=False, why=why)
    why = f"verified on {day(first)}, before the present holder's time began on {day(since)}"
    if address.verified_at and address.verified_at >= bound:
        why += f"; re-verified under the new holder on {day(address.verified_at)}"
    return AddressRisk(address.address_id, at_risk=True, why=why)


def _by_account(address: AddressFacts, bound: datetime, since: datetime) -> AddressRisk:
    """Without a verification date, the account's creation bounds it."""
    created = address.account_created_at
    if created is not None and created >= bound:
        why = f"the account is younger ({day(created)}) than the registration ({day(since)})"
        return AddressRisk(address.address_id, at_risk=False, why=why)
    known = f"the account is older ({day(created)})" if created else "nor when the account was created"
    why = f"unproven: the source does not say when it was verified, {known}; registered on {day(since)}"
    return AddressRisk(address.address_id, at_risk=None, why=why)


def holder_change(held: Tenure, phase: Phase, addresses: Sequence[AddressRisk]) -> HolderChange:
    """Sum up: what history shows, else what the addresses' dates show."""
    if held.change is not HolderChange.NONE:
        return held.change
    if held.since is None:  # of a domain that nobody holds, there is no holder to know
        return HolderChange.NONE if phase is Phase.AVAILABLE else HolderChange.UNKNOWN
    if any(address.at_risk for address in addresses):
        return HolderChange.DROPPED_AND_CAUGHT
    unproven = any(address.at_risk is None for address in addresses)
    return HolderChange.UNPROVEN if unproven else HolderChange.NONE


def suspected(change: HolderChange, addresses: Sequence[AddressRisk]) -> bool:
    """Whether the change concerns an address: one that every verification outlived concerns nobody."""
    if change in {HolderChange.NONE, HolderChange.UNKNOWN}:
        return False
    return not addresses or any(address.at_risk is not False for address in addresses)


def anybodys(addresses: Sequence[AddressRisk]) -> tuple[AddressRisk, ...]:
    """Put every address of an unregistered domain at risk, whenever it was verified."""
    why = "the domain is not registered: whoever takes it receives its mail"
    return tuple(AddressRisk(address.address_id, at_risk=True, why=why) for address in addresses)

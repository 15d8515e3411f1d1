"""Has the domain changed hands since an address was verified? The resurrection test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.lifecycle.assessment import AddressFacts, AddressRisk, History, HolderChange
from dashboard.lifecycle.catch import dropped
from dashboard.lifecycle.current import LOST
from dashboard.lifecycle.evidence import Phase, Reading
from dashboard.lifecycle.facts import SLACK, Registration, day, last_date, remembered_date
from dashboard.lifecycle.sale import sold
from dashboard.lifecycle.tenure import Tenure


def tenure(present: Registration, phase: Phase, readings: Sequence[Reading], history: History) -> Tenure:
    """Find the beginning of the present holder's time; a drop outweighs a sale, both outweigh the bare date.

    Of a domain that nobody holds it is the last holder's time.
    """
    found = dropped(present, phase, readings, history) or sold(present, phase, readings, history)
    if found is not None:
        return found
    began = last_date(readings, history) if phase is Phase.AVAILABLE else remembered_date(readings)
    return Tenure(present.registered_at or began)


def address_risk(address: AddressFacts, held: Tenure) -> AddressRisk:
    """Judge one address: verified before the present holder's time began, after it, or nobody knows."""
    times = [t for t in (address.first_verified_at, address.verified_at) if t]
    if held.since is None:
        why = "no registration date is known to compare with"
        if not times:
            why = f"unproven: the source does not say when it was verified, and {why}"
        return AddressRisk(address.address_id, at_risk=None, why=why, is_unproven=not times)
    bound = held.since - SLACK
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
    return AddressRisk(address.address_id, at_risk=None, why=why, is_unproven=True)


def holder_change(held: Tenure, phase: Phase, addresses: Sequence[AddressRisk]) -> HolderChange:
    """Sum up: what history shows, else what the addresses' dates show."""
    if held.change is not HolderChange.NONE:
        return held.change
    if any(address.at_risk for address in addresses):
        return HolderChange.DROPPED_AND_CAUGHT
    unproven = any(address.is_unproven for address in addresses)
    if held.since is not None or phase is Phase.AVAILABLE:  # nobody holds it: there is no holder to know
        return HolderChange.UNPROVEN if unproven and held.since is not None else HolderChange.NONE
    # Without any date a healthy name is not worth a case; one that is being deleted is never un-verified on a guess.
    return HolderChange.UNPROVEN if unproven and phase in LOST else HolderChange.UNKNOWN


def suspected(change: HolderChange, phase: Phase, addresses: Sequence[AddressRisk]) -> bool:
    """Whether the change concerns an address: one that every verification outlived concerns nobody.

    Of a lost domain it always matters: whoever lost it may not be whom the addresses were verified by.
    """
    if change in {HolderChange.NONE, HolderChange.UNKNOWN}:
        return False
    return phase in LOST or not addresses or any(address.at_risk is not False for address in addresses)


def anybodys(addresses: Sequence[AddressRisk]) -> tuple[AddressRisk, ...]:
    """Put every address of an unregistered domain at risk, whenever it was verified."""
    why = "the domain is not registered: whoever takes it receives its mail"
    return tuple(AddressRisk(address.address_id, at_risk=True, why=why) for address in addresses)

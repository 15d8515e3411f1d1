"""The mark of a take-over: what happened after the lapse or the catch, as ctx's release did within 38 minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dashboard.lifecycle.assessment import AddressFacts, AddressRisk, HolderChange
from dashboard.lifecycle.current import LEAVING, LOST, Current
from dashboard.lifecycle.facts import Registration, day
from dashboard.lifecycle.tenure import Tenure

_CHANGED = {HolderChange.DROPPED_AND_CAUGHT, HolderChange.SOLD}


def lapsed_at(
    change: HolderChange, held: Tenure, facts: Registration, seen: Current, now: datetime
) -> datetime | None:
    """Return when the present holder's time began, if another's was before; else when the domain lapsed.

    A lapse begins with the expiry. Registries then set their own date a year ahead, so the earlier one counts;
    where none is past, it begins with the first sight of it.
    """
    if change in _CHANGED:
        return held.since
    dates = [moment for moment in (facts.registrar_expires_at, facts.expires_at) if moment and moment < now]
    sights = [answer.since(LOST | LEAVING) for answer in seen.strong if answer.phase in LOST | LEAVING]
    return min(dates, default=None) or min(sights, default=None)


def explain_releases(
    seen: Current, held: Tenure, addresses: Sequence[AddressFacts], verdicts: Sequence[AddressRisk]
) -> Iterable[str]:
    """Say when an account at risk released a package after the lapse began or the present holder's time did."""
    lapsed = [answer.since(LOST | LEAVING) for answer in seen.strong if answer.phase in LOST | LEAVING]
    since = min(lapsed, default=held.since)
    judged = zip(addresses, verdicts, strict=True)
    moments = [address.last_release_at for address, verdict in judged if lapsed or verdict.at_risk]
    after = [moment for moment in moments if moment and since and moment > since]
    if after and since:
        what = "lapse" if lapsed else "change of holder"
        yield f"A package was released on {day(max(after))}, after the {what} ({day(since)}): a sign of a take-over."

"""The mark of a take-over: a release published after the lapse or the catch, as ctx's was within 38 minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.lifecycle.assessment import AddressFacts, AddressRisk
from dashboard.lifecycle.current import LEAVING, LOST, Current
from dashboard.lifecycle.facts import day
from dashboard.lifecycle.tenure import Tenure


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

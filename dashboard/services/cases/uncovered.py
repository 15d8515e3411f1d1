"""Why a case is opened when an allow-list entry has ended."""

from __future__ import annotations

from dashboard.models import Case, DecisionKind
from dashboard.services.cases.reopen import Why, waits


def why_uncovered(case: Case | None, why: Why | None, uncovered: Why | None) -> Why | None:
    """Put the end of an allow-list entry in the place of `why` where it is the reason.

    That is so for what was closed, or never opened, because of it, and for an approval whose effects it withheld; a
    decision to keep stands.
    """
    if uncovered is None or waits(case):
        return why
    if case is None or case.state.startswith("closed"):
        return uncovered
    approved = (case.decided_facts or {}).get("decision") == DecisionKind.APPROVE
    return uncovered if why is None and approved else why

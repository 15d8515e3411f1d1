"""Has the owner renewed? Only the registry's directory can say so, by the creation date or handle it still shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Evidence, EvidenceKind, Outcome
from dashboard.services.checking.facts import DomainFacts

WATCHED_FOR = timedelta(days=90)
"""How long after a lapse a name that seems alive again is looked at daily, until its directory has confirmed it."""


def lapse_seen_at(facts: DomainFacts) -> datetime | None:
    """When a registration provider last reported the domain as lapsing or gone."""
    return max(_seen(facts, lapsed=True), default=None)


def confirmed(facts: DomainFacts) -> bool:
    """Whether the directory has described the registration since the last sighting of a lapse.

    A change of the creation date or the handle is then a change of holder, not a renewal: `assess()` tells.
    """
    described, lapsed = max(_seen(facts, lapsed=False), default=None), lapse_seen_at(facts)
    return described is not None and (lapsed is None or described > lapsed)


def unsettled(facts: DomainFacts, now: datetime) -> bool:
    """Whether a lapse was seen lately and nobody knows yet whether the owner or a stranger holds the name now."""
    lapsed = lapse_seen_at(facts)
    return lapsed is not None and now - lapsed < WATCHED_FOR and not confirmed(facts)


def _seen(facts: DomainFacts, *, lapsed: bool) -> Iterator[datetime]:
    for kept in facts.readings:
        evidence = kept.reading.evidence
        if evidence.kind is EvidenceKind.DELEGATION or evidence.outcome is Outcome.ERROR:
            continue
        if _lapsed(evidence) if lapsed else _describes(evidence):
            yield kept.reading.last_seen_at


def _lapsed(evidence: Evidence) -> bool:
    return evidence.phase in LEAVING | LOST


def _describes(evidence: Evidence) -> bool:
    named = evidence.registered_at is not None or evidence.handle is not None
    return evidence.kind is EvidenceKind.REGISTRY_DIRECTORY and named and not _lapsed(evidence)

"""What a domain's mail and names rest on besides itself, and what follows when one of these lapses.

Whoever takes an operator's lapsed domain receives the mail of every domain whose MX lies there, and answers for every
domain whose name servers do. That is for a person to judge: it never recommends to un-verify by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.lifecycle.assessment import (
    AddressRisk,
    Assessment,
    Confidence,
    HolderChange,
    LapsedDependency,
    Recommendation,
    Reliance,
)
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider, Reading
from dashboard.lifecycle.hosts import reduce_host

MOST = 8
"""Domains that one domain may rely on for its mail, and as many for its names: a hostile zone may list any number."""

CHANGED_HANDS = frozenset({HolderChange.DROPPED_AND_CAUGHT, HolderChange.SOLD})


def targets(readings: Iterable[Reading], domain: str) -> frozenset[tuple[Reliance, str]] | None:
    """Return the registrable domains that the newest DNS answer names as mail hosts or name servers, itself left out.

    None where there is no answer that names hosts: an error says nothing, and nor does a name that is gone.
    """
    told = [r for r in readings if r.evidence.provider is Provider.DNS and r.evidence.outcome is not Outcome.ERROR]
    newest = _newest(told)
    if newest is None or newest.outcome is not Outcome.FOUND:
        return None
    found = [r for r in told if r.evidence.outcome is Outcome.FOUND]
    # A lame domain's mail hosts are the ones it had; and a resolver's NS set is asked for in need only.
    mail = _newest([r for r in found if r.evidence.delegation is None or r.evidence.delegation.knows_mail])
    names = _newest([r for r in found if not r.evidence.by_resolver]) or newest
    return frozenset(
        (kind, name)
        for kind, hosts in ((Reliance.MX, _mail_hosts(mail or newest)), (Reliance.NS, names.nameservers))
        for name in _others(hosts, domain)
    )


def _newest(readings: Iterable[Reading]) -> Evidence | None:
    found = max(readings, key=lambda r: (r.last_seen_at, r.first_seen_at, r.evidence.digest), default=None)
    return found.evidence if found else None


def _mail_hosts(evidence: Evidence) -> tuple[str, ...]:
    return tuple(host for _, host in evidence.delegation.mx) if evidence.delegation else ()


def _others(hosts: Iterable[str], domain: str) -> list[str]:
    """Reduce hosts to the first few registrable domains that are not the domain's own."""
    names = dict.fromkeys(reduce_host(host).domain for host in hosts)
    return [name for name in names if name is not None and name != domain][:MOST]


def endangers(assessment: Assessment) -> bool:
    """Whether those who rely on this domain are in danger: it is leaving its holder, is lost, or changed hands."""
    if assessment.confidence is Confidence.CONFLICTING:
        return False
    return assessment.phase in LEAVING | LOST or assessment.holder_change in CHANGED_HANDS


def concerns(lapsed: LapsedDependency, relied_since: datetime) -> bool:
    """Whether a lapse concerns a domain that has relied on the other since a moment.

    A change of hands before that does not: who points there afterwards has chosen the new holder.
    """
    return lapsed.phase in LEAVING | LOST or relied_since < lapsed.since


def rely(assessment: Assessment, lapsed: Sequence[LapsedDependency]) -> Assessment:
    """Weigh in what a domain relies on and has lapsed: a person must judge, and no address is proven safe."""
    if not lapsed:
        return assessment
    ordered = tuple(
        sorted(lapsed, key=lambda each: (each.domain, each.kinds, each.phase, each.holder_change, each.since))
    )
    why = tuple(explain(each) for each in ordered)
    return replace(
        assessment,
        recommendation=assessment.recommendation if assessment.flags else Recommendation.REVIEW,
        reasons=(*assessment.reasons, *why) if assessment.flags else (*why, *assessment.reasons),
        addresses=tuple(_exposed(address, ordered) for address in assessment.addresses),
        lapsed_at=assessment.lapsed_at or min(each.since for each in ordered),
        lapsed_dependencies=ordered,
    )


def explain(lapsed: LapsedDependency) -> str:
    """Say in a sentence what the domain relies on, and what became of that."""
    return f"{_rests(lapsed)}, which {_became(lapsed)}."


def _rests(lapsed: LapsedDependency) -> str:
    words = {Reliance.MX: "mail is delivered to", Reliance.NS: "names are served by"}
    return f"Its {' and its '.join(words[kind] for kind in lapsed.kinds)} {lapsed.domain}"


def _became(lapsed: LapsedDependency) -> str:
    if lapsed.phase in LEAVING | LOST:
        return f"is {'not registered' if lapsed.phase is Phase.AVAILABLE else 'in ' + _phase_words(lapsed.phase)}"
    sold = lapsed.holder_change is HolderChange.SOLD
    return "was sold before its drop" if sold else "was dropped and registered by somebody else"


def _phase_words(phase: Phase) -> str:
    return phase.value.replace("_", " ")


def _exposed(address: AddressRisk, lapsed: Sequence[LapsedDependency]) -> AddressRisk:
    """Judge an address by what its mail relies on; what puts it at risk by itself says more."""
    if address.at_risk:
        return address
    open_to_all = [each for each in lapsed if each.phase is Phase.AVAILABLE or each.phase not in LEAVING | LOST]
    worst = (open_to_all or list(lapsed))[0]
    return replace(address, at_risk=True if open_to_all else None, why=explain(worst).removesuffix(".").lower())

"""The classifier: all evidence of a domain in, one assessment out; total, deterministic, blind to the order.

The rule it never breaks: `unverify` only when two kinds of evidence, or one registration provider twice at least 24
hours apart, agree that the domain is lost, and no change of holder is suspected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.lifecycle.assessment import (
    AddressFacts,
    Assessment,
    Confidence,
    History,
    Recommendation,
    RegistrationPeriod,
)
from dashboard.lifecycle.current import LEAVING, LOST, Current, current
from dashboard.lifecycle.evidence import Outcome, Phase, Reading
from dashboard.lifecycle.facts import Registration, registration
from dashboard.lifecycle.holder import address_risk, anybodys, holder_change, suspected, tenure
from dashboard.lifecycle.predict import predict
from dashboard.lifecycle.releases import explain_releases, lapsed_at
from dashboard.lifecycle.verdict import Verdict, judge
from dashboard.lifecycle.words import explain, explain_dates, explain_holder, explain_rule

__all__ = ["History", "RegistrationPeriod", "assess"]

_WATCHED = frozenset({Phase.AUTO_RENEW_GRACE, Phase.HOLD, Phase.RESERVED})


def assess(
    domain: str,
    readings: Sequence[Reading],
    addresses: Sequence[AddressFacts],
    history: History,
    now: datetime,
) -> Assessment:
    """Weigh all readings of `domain` (old ones too: they are history) and judge each verified address.

    `domain` is the registrable domain as an A-label; all times are aware UTC.
    """
    seen = current(domain, readings, now)
    verdict = judge(seen)
    facts = registration(seen, verdict.phase)
    # An error tells nothing of the domain, whatever else it carries.
    answers = [reading for reading in readings if reading.evidence.outcome is not Outcome.ERROR]
    held = tenure(facts, verdict.phase, answers, history)
    dated = tuple(address_risk(address, held) for address in addresses)
    change = holder_change(held, verdict.phase, dated)
    of_holder = suspected(change, verdict.phase, dated)
    return Assessment(
        domain=domain,
        assessed_at=now,
        phase=verdict.phase,
        confidence=verdict.confidence,
        recommendation=_recommend(verdict, of_holder, seen),
        holder_change=change,
        reasons=_reasons(
            domain,
            verdict,
            seen,
            facts,
            (*held.reasons, *explain_holder(change, dated), *explain_releases(seen, held, addresses, dated)),
            of_holder,
        ),
        registered_at=facts.registered_at,
        expires_at=facts.expires_at,
        registrar=facts.registrar,
        handle=facts.handle,
        nameservers=facts.nameservers,
        predicted=predict(domain, verdict.phase, seen, facts),
        addresses=anybodys(dated) if verdict.phase is Phase.AVAILABLE else dated,
        lapsed_at=lapsed_at(change, held, facts, seen, now),
    )


def _recommend(verdict: Verdict, of_holder: bool, seen: Current) -> Recommendation:  # noqa: FBT001 (private)
    """Apply DESIGN's first invariant; the order of the rules is the order of caution."""
    missing_in_dns = any(answer.phase in LOST for answer in seen.weak)
    rules = (
        (verdict.phase is Phase.UNKNOWN, Recommendation.WATCH),
        (of_holder or verdict.confidence is Confidence.CONFLICTING, Recommendation.REVIEW),
        (verdict.proven, Recommendation.UNVERIFY),
        (verdict.phase in LOST | LEAVING, Recommendation.REVIEW),
        (verdict.phase in _WATCHED or missing_in_dns, Recommendation.WATCH),
    )
    return next((advice for applies, advice in rules if applies), Recommendation.NONE)


def _reasons(
    domain: str,
    verdict: Verdict,
    seen: Current,
    facts: Registration,
    holder: tuple[str, ...],
    of_holder: bool,  # noqa: FBT001 (private)
) -> tuple[str, ...]:
    """Put everything the recommendation rests on into sentences, the deciding one first."""
    evidence = (*explain(verdict, seen), *explain_rule(verdict.phase, domain), *explain_dates(facts, seen))
    return (*holder, *evidence) if of_holder else (*evidence, *holder)

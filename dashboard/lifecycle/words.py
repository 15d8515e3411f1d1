"""Reasons in plain words: who said what, when, and what the rules make of it. Never an address, never markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from dashboard.lifecycle.assessment import AddressRisk, Confidence, HolderChange
from dashboard.lifecycle.current import LEAVING, LOST, Answer, Current
from dashboard.lifecycle.evidence import ErrorKind, EvidenceKind, Phase, Provider, Reading
from dashboard.lifecycle.facts import SLACK, Registration, day
from dashboard.lifecycle.verdict import Verdict

NAMES = {
    Provider.FASTLY: "Fastly",
    Provider.DOMAINR: "Domainr",
    Provider.RDAP: "RDAP",
    Provider.WHOIS: "WHOIS",
    Provider.DNS: "DNS",
}
_ERRORS = {
    ErrorKind.TIMEOUT: "it took too long",
    ErrorKind.THROTTLED: "it asks us to slow down",
    ErrorKind.SERVER_ERROR: "it failed",
    ErrorKind.REFUSED: "it refused",
    ErrorKind.MALFORMED: "its reply could not be read",
    ErrorKind.WRONG_DOMAIN: "it answered for another domain",
    ErrorKind.TOO_LARGE: "its reply was too large",
    ErrorKind.UNSUPPORTED: "it does not serve this top-level domain",
    ErrorKind.NOT_CONFIGURED: "it is not set up",
    ErrorKind.FORBIDDEN_ADDRESS: "it led to an address that is not allowed",
    ErrorKind.CONNECTION: "it could not be reached",
    ErrorKind.NOT_ASKED: "it is left alone for now",
    ErrorKind.UNTRUSTED: "it was wrong about a domain whose state is known",
}
_SHOWN = 120


def phase_words(phase: Phase) -> str:
    """Return a phase as readers say it."""
    return phase.value.replace("_", " ")


def explain(verdict: Verdict, current: Current) -> Iterable[str]:
    """Yield the rule that settled the phase, then every provider's word."""
    yield _rule(verdict, current)
    for answer in sorted(current.answers, key=lambda a: (list(Provider).index(a.provider), a.kind)):
        yield _said(answer)
    for reading in current.errors:
        yield _failed(reading)


def _rule(verdict: Verdict, current: Current) -> str:
    """Say why the phase and its confidence are what they are."""
    phase = phase_words(verdict.phase)
    if verdict.confidence is Confidence.CONFLICTING:
        return f"The evidence conflicts: {_sides(verdict.for_it)}, but {_sides(verdict.against)}."
    if verdict.confidence is Confidence.INSUFFICIENT:
        return _insufficient(current)
    if verdict.confidence is Confidence.SINGLE:
        more = "; one reading never un-verifies" if verdict.phase in LOST else ""
        return f"Only {_names(verdict.for_it)} says {phase} so far{more}."
    if len({answer.kind for answer in verdict.for_it}) > 1:
        return f"{_names(verdict.for_it)} agree on {phase}."
    return f"{_names(verdict.for_it)} has said {phase} for at least 24 hours."


def _insufficient(current: Current) -> str:
    """Say what is missing."""
    if any(answer.phase in LOST for answer in current.weak):
        return "The domain is missing from DNS, which alone proves nothing; no registration provider gave a phase."
    return (
        "No provider gave a phase within the last 30 days." if not current.answers else "The answers give no phase."
    )


def _sides(answers: Sequence[Answer]) -> str:
    """Name one side of a conflict."""
    return ", ".join(f"{NAMES[a.provider]} says {_phase_said(a)}" for a in answers)


def _phase_said(answer: Answer) -> str:
    """Return the phase, or the words where they contradict themselves."""
    return _quoted(answer) if answer.phase is Phase.UNKNOWN else phase_words(answer.phase)


def _names(answers: Sequence[Answer]) -> str:
    """Join providers' names."""
    names = list(dict.fromkeys(NAMES[answer.provider] for answer in answers))
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _said(answer: Answer) -> str:
    """Quote one provider: its own words, what they mean, when."""
    first, last = day(answer.reading.first_seen_at), day(answer.seen_at)
    when = f"on {last}" if first == last else f"from {first} to {last}"
    kind = " (an estimate)" if answer.evidence.estimate else ""
    return f"{NAMES[answer.provider]}{kind} said {_quoted(answer)} {when}: {phase_words(answer.phase)}."


def _quoted(answer: Answer) -> str:
    """Quote the provider's own words, bounded."""
    evidence = answer.evidence
    if evidence.delegation is not None:
        return evidence.delegation.rcode.value
    words = (" " if answer.kind is EvidenceKind.STATUS_API or evidence.estimate else ", ").join(evidence.statuses)
    shown = words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"
    return f"“{shown}”" if shown else evidence.outcome.value.replace("_", " ")


def _failed(reading: Reading) -> str:
    """Say that a provider gave no answer, and that this means nothing."""
    why = _ERRORS.get(reading.evidence.error or ErrorKind.CONNECTION, "it failed")
    return f"{NAMES[reading.evidence.provider]} gave no answer on {day(reading.last_seen_at)}: {why}."


def explain_rule(phase: Phase, domain: str) -> Iterable[str]:
    """Yield what a phase means for its holder, where that decides the recommendation."""
    if phase in LEAVING:
        uk = domain.endswith(".uk") and phase is Phase.REDEMPTION
        yield "The holder can still renew it." if uk else "The holder can still restore it."
    if phase is Phase.HOLD:
        yield "It is registered but not in DNS."


def explain_holder(change: HolderChange, addresses: Sequence[AddressRisk]) -> Iterable[str]:
    """Yield how many addresses the change of holder concerns."""
    total = len(addresses)
    at_risk = sum(address.at_risk is True for address in addresses)
    unproven = sum(address.at_risk is None for address in addresses)
    if change in {HolderChange.DROPPED_AND_CAUGHT, HolderChange.SOLD} and at_risk:
        of = _of(at_risk, total)
        yield f"{of[0].upper()}{of[1:]} older than the present holder's time."
    if any("re-verified under the new holder" in address.why for address in addresses):
        yield "An address was re-verified under the new holder, which clears nothing."
    if unproven and change not in {HolderChange.NONE, HolderChange.UNKNOWN}:
        yield f"Whether {_of(unproven, total)} younger than the registration is unproven."


def _of(count: int, total: int) -> str:
    """Say how many addresses of how many."""
    if total == 1:
        return "the only verified address is"
    return f"{count} of {total} verified addresses {'is' if count == 1 else 'are'}"


def explain_dates(facts: Registration, current: Current) -> Iterable[str]:
    """Yield the dates that matter, and where two directories disagree on them."""
    if facts.registered_at:
        yield f"The present registration began on {day(facts.registered_at)}."
    dates = [a.evidence.registered_at for a in current.directory if a.evidence.registered_at]
    if dates and max(dates) - min(dates) > SLACK:
        yield f"Directories disagree on that date: {day(min(dates))} or {day(max(dates))}; the later one counts."
    behind, ahead = facts.registrar_expires_at, facts.expires_at
    if behind and ahead and ahead - behind > timedelta(days=300):
        yield f"The registrar's expiry date ({day(behind)}) is behind the registry's ({day(ahead)}): not renewed yet."

"""Why a case is opened, or opened again: new facts do it, a provider's silence never (DESIGN invariant 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from dashboard.lifecycle.assessment import Assessment, HolderChange, LapsedDependency
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Phase
from dashboard.models import PENDING, Case, CaseState, DecisionKind
from dashboard.times import rfc3339

RENEWED_FOR = timedelta(days=30)
"""A shorter time of health between two lapses is a provider that flaps."""
SLACK = timedelta(days=1)
"""Registries round dates, in zones of their own."""

_CHANGED_HANDS = {HolderChange.DROPPED_AND_CAUGHT.value, HolderChange.SOLD.value}
_UNKNOWN = Phase.UNKNOWN.value


def waits(case: Case | None) -> bool:
    """Whether a case waits for a decision, now or later."""
    return case is not None and case.state in PENDING


@dataclass(frozen=True, slots=True)
class Why:
    """Why a case was opened: a code for the audit log, a sentence for people."""

    code: str
    words: str


def why_open(case: Case | None, assessment: Assessment, now: datetime, *, unreached: bool) -> Why | None:
    """Why a flagged case must be opened (again); None: it is open already, or a decision on the same facts holds.

    `unreached`: an address at risk is verified that no un-verification was made for.
    """
    if case is None:
        return Why("flagged", assessment.reasons[0] if assessment.reasons else "flagged")
    if case.state in {CaseState.OPEN, CaseState.ESCALATED}:
        return None  # escalated: the admins who were asked see the new facts in it
    if case.state == CaseState.SNOOZED:
        return changed_facts(case.decided_facts or {}, facts_of(assessment), "it was snoozed")
    if case.state != CaseState.DECIDED:
        return Why("flagged_again", "flagged again after it had been closed")
    decided = case.decided_facts or {}
    return changed_facts(decided, facts_of(assessment)) or _since_decided(decided, now, unreached=unreached)


def _since_decided(decided: Mapping[str, Any], now: datetime, *, unreached: bool) -> Why | None:
    if _lapsed_again(decided, now):
        return Why("lapsed_again", "lapsed again after it had been renewed since the decision")
    if why := _ran_out(decided, now):
        return why
    if unreached and decided.get("decision") == DecisionKind.APPROVE:
        return Why("verified_since", "an address is verified that the approval did not reach")
    return None


def _ran_out(decided: Mapping[str, Any], now: datetime) -> Why | None:
    """Say that the term of a decision is over; what is still flagged then opens again."""
    until = decided.get("until")
    if until is None or datetime.fromisoformat(until) > now:
        return None
    return Why("term_over", f"the decision to keep it held until {until[:10]}, and the domain is still flagged")


def left_out(case: Case | None) -> frozenset[int]:
    """Return the addresses that an approval of a part left out on purpose: they are no reason to open it again."""
    decided = case.decided_facts if case is not None and case.state == CaseState.DECIDED else None
    return frozenset((decided or {}).get("left_out", ()))


def facts_of(assessment: Assessment) -> dict[str, Any]:
    """The facts a decision rests on: while they stand, the decision does."""
    return {
        "phase": assessment.phase.value,
        "holder_change": assessment.holder_change.value,
        "registered_at": assessment.registered_at.date().isoformat() if assessment.registered_at else None,
        "lapsed_dependencies": [_dependency(lapsed) for lapsed in assessment.lapsed_dependencies] or None,
    }


def _dependency(lapsed: LapsedDependency) -> str:
    what = lapsed.phase if lapsed.phase in LEAVING | LOST else lapsed.holder_change
    return f"{lapsed.domain} ({what.value})"


def decided_facts(case: Any, assessment: Assessment, kind: StrEnum, until: datetime | None = None) -> dict[str, Any]:
    """The facts to keep with a decision or a snooze; what the evidence no longer says is what the case (row) showed.

    `until`: when the decision runs out.
    """
    facts = facts_of(assessment)
    if facts["phase"] == _UNKNOWN:
        facts["phase"] = case.phase
    if facts["holder_change"] == HolderChange.UNKNOWN:
        facts["holder_change"] = case.holder_change
    return {**facts, "decision": kind.value, **({"until": rfc3339(until)} if until else {})}


def changed_facts(decided: Mapping[str, Any], now: Mapping[str, Any], since: str = "the decision") -> Why | None:
    """Say which facts of a decision changed since; None when it still stands. Not knowing changes nothing."""
    if now["phase"] == _UNKNOWN:
        return None
    for name, words, differs in _FACTS:
        old, new = decided.get(name), now[name]
        if new is not None and old != new and differs(old, new):
            return Why(
                f"{name}_changed", f"{words} changed from {_words(_like(new, old))} to {_words(new)} since {since}"
            )
    return None


def note_renewal(case: Case, now: datetime) -> None:
    """Remember on a decided case that the domain is healthy again: the next lapse is another one."""
    if case.decided_facts is not None and "renewed_at" not in case.decided_facts:
        case.decided_facts = {**case.decided_facts, "renewed_at": now.isoformat()}


def forget_renewal(case: Case) -> None:
    """Take the note back when the lapse goes on: a provider had flapped."""
    if case.decided_facts is not None and "renewed_at" in case.decided_facts:
        case.decided_facts = {name: value for name, value in case.decided_facts.items() if name != "renewed_at"}


def _lapsed_again(decided: Mapping[str, Any], now: datetime) -> bool:
    renewed = decided.get("renewed_at")
    return renewed is not None and now - datetime.fromisoformat(renewed) >= RENEWED_FOR


def _other_phase(_old: object, _new: object) -> bool:
    return True


def _other_holder(_old: object, new: object) -> bool:
    """Only a change of hands is news; `none`, `unproven` and `unknown` turn into each other as dates come and go."""
    return new in _CHANGED_HANDS


def _other_date(old: str | None, new: str) -> bool:
    return old is not None and abs(date.fromisoformat(new) - date.fromisoformat(old)) > SLACK


def _more_lapsed(old: list[str] | None, new: list[str]) -> bool:
    """What is well again is no news; what has lapsed, or gone further, is."""
    return bool(set(new) - set(old or []))


_FACTS = (
    ("phase", "the phase", _other_phase),
    ("holder_change", "what is known of the holder", _other_holder),
    ("registered_at", "the registration date", _other_date),
    ("lapsed_dependencies", "what has lapsed of what it relies on", _more_lapsed),
)


def _like(new: object, old: object) -> object:
    """Take a list that was not kept for an empty one: decisions are older than some facts."""
    return [] if old is None and isinstance(new, list) else old


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "nothing"
    return str(value or "unknown").replace("_", " ")

"""When results look like a provider's fault rather than the world's: counts in, a decision out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Evidence, EvidenceKind, Outcome, Provider, Reading

WINDOW = timedelta(hours=24)
"""The sliding window in which new lapses are counted."""
HISTORY = timedelta(days=30)
"""How much history a baseline needs; until then only the share speaks."""


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """What is still believed; an admin sets it (`dashboard.lifecycle.policy`).

    Fewer than `minimum` new lapses are never a fault. `share`: the largest believable share (0.02 is 2 %) of a TLD's
    checked names as long as there is no baseline; then at most `factor` times the baseline.
    """

    share: float = 0.02
    factor: float = 2.0
    minimum: int = 20


class Mode(StrEnum):
    """What a brake measured by."""

    SHARE = "share"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Counts:
    """New lapses in the window; names checked since counting began; new lapses of the month before the window."""

    lapsed: int
    checked: int
    month: int = 0


@dataclass(frozen=True, slots=True)
class Scope:
    """What a brake stops: one provider's word on one TLD, on every TLD (`tld` empty), or the sweep (both empty)."""

    provider: str = ""
    tld: str = ""

    @property
    def kind(self) -> str:
        """`tld`, `provider` or `all`."""
        return "tld" if self.tld else "provider" if self.provider else "all"


def mode_at(began: datetime | None, now: datetime) -> Mode:
    """Return how to measure at `now` when counting began at `began`: the first full sweep has nothing to compare."""
    return Mode.BASELINE if began is not None and began <= now - HISTORY else Mode.SHARE


def limit_of(counts: Counts, mode: Mode, limits: BrakeLimits) -> float:
    """Return the number of new lapses that is still believed; more of them trip the brake.

    By share: a part of the names checked. By baseline: a multiple of what a window of the trailing month held on
    average.
    """
    if mode is Mode.SHARE:
        return counts.checked * limits.share
    return limits.factor * counts.month * (WINDOW / HISTORY)


def measures(mode: Mode, scope: Scope) -> bool:
    """Whether `mode` can judge `scope` at all: the share is one of a TLD's names, it says nothing of wider scopes."""
    return mode is Mode.BASELINE or bool(scope.tld)


def trips(counts: Counts, mode: Mode, scope: Scope, limits: BrakeLimits) -> bool:
    """Whether the brake of `scope` goes on."""
    if counts.lapsed < limits.minimum or not measures(mode, scope):
        return False
    return counts.lapsed > limit_of(counts, mode, limits)


def tld_of(domain: str) -> str:
    """Return the last label of a name."""
    return domain.rpartition(".")[2]


def claims_lapse(evidence: Evidence) -> bool:
    """Whether a reading says that the domain is lapsing or gone."""
    return evidence.outcome is not Outcome.ERROR and evidence.phase in LEAVING | LOST


def newly_lapsed(evidence: Evidence, before: Sequence[Reading]) -> bool:
    """Whether `evidence` reports a lapse that its provider's last good reading did not.

    Delegation only triggers and corroborates, and many a name has long been dark: there it is news only of a name
    that was seen alive.
    """
    if not claims_lapse(evidence):
        return False
    last = _last_good(evidence.provider, before)
    if last is None:
        return evidence.kind is not EvidenceKind.DELEGATION
    return not claims_lapse(last)


def _last_good(provider: Provider, readings: Sequence[Reading]) -> Evidence | None:
    good = [r for r in readings if r.evidence.provider is provider and r.evidence.outcome is not Outcome.ERROR]
    return max(good, key=lambda r: r.last_seen_at).evidence if good else None


def claimants(readings: Sequence[Reading]) -> frozenset[str]:
    """Return the providers whose last good reading reports a lapse."""
    providers = {reading.evidence.provider for reading in readings}
    last = {provider: _last_good(provider, readings) for provider in providers}
    return frozenset(provider.value for provider, evidence in last.items() if evidence and claims_lapse(evidence))


def stops(scope: Scope, domain: str, readings: Sequence[Reading]) -> bool:
    """Whether a brake of `scope` stops what is done about `domain`: in its TLD, on the word of its provider."""
    if scope.tld and scope.tld != tld_of(domain):
        return False
    return not scope.provider or scope.provider in claimants(readings)

"""What an admin may set: when a case opens, how friction grows, what stops by itself, what is approved by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from dashboard.lifecycle.assessment import Assessment, Confidence, HolderChange
from dashboard.lifecycle.brakes import BrakeLimits
from dashboard.lifecycle.current import LEAVING, LOST, RANK
from dashboard.lifecycle.evidence import Phase

FIRST_VERSION = 1
"""The version that is in force before anybody has changed anything: the defaults."""
FLAG_PHASES = (Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.AVAILABLE)
FLAG_CONFIDENCES = (Confidence.SINGLE, Confidence.CORROBORATED)

# The least and the most of every number, as `to_values` writes it. No setting here switches a safeguard off.
LIMITS: Mapping[str, tuple[float, float]] = {
    "type_above": (1, 1_000),
    "second_above": (1, 10_000),
    "high_profile_downloads": (1, 10**12),
    "evidence_max_age": (1, 72),
    "abort_share": (0.01, 0.5),
    "automatic_accounts": (1, 1_000),
    "brake_share": (0.001, 0.2),
    "brake_factor": (1.1, 10),
    "brake_minimum": (5, 1_000),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the policy; shares are fractions (0.02 is 2 %).

    Cases: a lapse opens one from `flag_phase` on, and from `flag_confidence`. Friction: the number is typed above
    `type_above` addresses, a second person is needed above `second_above` of them or for a high-profile package.
    High profile: `high_profile_downloads` in 30 days or more, or (`high_profile_critical`) called critical by its
    source. Effects and bulk actions rest on evidence no older than `evidence_max_age`; a bulk action aborts when
    more than `abort_share` of it differs from its preview. `automatic`: whether recommendations to un-verify are
    approved without a person, for `automatic_accounts` accounts a day at most. Brakes: `dashboard.lifecycle.brakes`.
    """

    version: int = FIRST_VERSION
    flag_phase: Phase = Phase.REDEMPTION
    flag_confidence: Confidence = Confidence.SINGLE
    type_above: int = 10
    second_above: int = 100
    high_profile_downloads: int = 1_000_000
    high_profile_critical: bool = True
    evidence_max_age: timedelta = timedelta(hours=24)
    abort_share: float = 0.10
    automatic: bool = False
    automatic_accounts: int = 20
    brake_share: float = 0.02
    brake_factor: float = 2.0
    brake_minimum: int = 20

    @property
    def brakes(self) -> BrakeLimits:
        """What the brakes still believe."""
        return BrakeLimits(self.brake_share, self.brake_factor, self.brake_minimum)


DEFAULTS = Policy()
NAMES = tuple(field.name for field in fields(Policy) if field.name != "version")
"""The names of the values, in the order of the screen."""


def to_values(policy: Policy) -> dict[str, Any]:
    """Return the values as JSON: enumerations by value, spans of time in whole hours."""
    return {name: _plain(getattr(policy, name)) for name in NAMES}


def from_values(values: Mapping[str, Any], version: int) -> Policy:
    """Read what `to_values` wrote. A value that an older version did not have yet is the default's.

    `ValueError` when a value cannot be one.
    """
    known = {name: _typed(getattr(DEFAULTS, name), values[name]) for name in NAMES if name in values}
    return Policy(version=version, **known)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return round(value / timedelta(hours=1))
    return value.value if isinstance(value, Phase | Confidence) else value


def _typed(default: Any, value: Any) -> Any:
    """Give a JSON value the type of its default."""
    if isinstance(default, timedelta):
        return timedelta(hours=value)
    return type(default)(value)


def problems(policy: Policy) -> dict[str, str]:
    """Say what is wrong with which value, in words for the person who set it; empty when the policy can be used."""
    found = {
        name: _out_of_range(name, value) for name, value in to_values(policy).items() if _is_outside(name, value)
    }
    if policy.flag_phase not in FLAG_PHASES:
        found["flag_phase"] = "Choose redemption, pending delete or available."
    if policy.flag_confidence not in FLAG_CONFIDENCES:
        found["flag_confidence"] = "Choose one reading or corroborated."
    if not found.keys() & {"type_above", "second_above"} and policy.second_above < policy.type_above:
        found["second_above"] = f"Must be at least {policy.type_above:,}, from where on the number is typed."
    return found


def _is_outside(name: str, value: Any) -> bool:
    if name not in LIMITS:
        return False
    least, most = LIMITS[name]
    return not least <= value <= most  # also true of NaN


def _out_of_range(name: str, _value: object) -> str:
    least, most = (_words(name, limit) for limit in LIMITS[name])
    return f"Must be from {least} to {most}."


def _words(name: str, limit: float) -> str:
    return f"{limit * 100:g} %" if name.endswith("_share") else f"{limit:,g}" if limit < 10 else f"{limit:,.0f}"


def differences(before: Policy, after: Policy) -> dict[str, tuple[Any, Any]]:
    """Return the values that differ, before and after, as JSON has them."""
    old, new = to_values(before), to_values(after)
    return {name: (old[name], new[name]) for name in NAMES if old[name] != new[name]}


def opens_case(policy: Policy, assessment: Assessment) -> bool:
    """Whether an answer opens a case under `policy`: it flags, and it passes the thresholds."""
    return assessment.flags and passes(policy, assessment.phase, assessment.confidence, assessment.holder_change)


def passes(policy: Policy, phase: Phase, confidence: Confidence, holder_change: HolderChange) -> bool:
    """Whether a flagged domain passes the thresholds of `policy`.

    They are about lapses. A possible change of holder and a contradiction between providers always pass: there the
    account may be in danger today, and only a person can tell.
    """
    if phase not in LEAVING | LOST or holder_change is not HolderChange.NONE or confidence is Confidence.CONFLICTING:
        return True
    reached = Phase.REDEMPTION if phase in LEAVING else phase
    if RANK[reached] < RANK[policy.flag_phase]:
        return False
    return policy.flag_confidence is Confidence.SINGLE or confidence is policy.flag_confidence


def is_high_profile(policy: Policy, downloads_30d: int | None, *, critical: bool) -> bool:
    """Whether a package is of high profile: never without a second person, never approved by itself."""
    if policy.high_profile_critical and critical:
        return True
    return downloads_30d is not None and downloads_30d >= policy.high_profile_downloads

"""How urgent a case is: a sum whose every part is shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.lifecycle.assessment import Assessment, HolderChange
from dashboard.lifecycle.evidence import Phase

PHASE_WEIGHT = {
    Phase.AVAILABLE: 20,
    Phase.PENDING_DELETE: 16,
    Phase.REDEMPTION: 10,
    Phase.PENDING_RESTORE: 6,
    Phase.AUTO_RENEW_GRACE: 3,
    Phase.HOLD: 3,
    Phase.UNKNOWN: 1,
    Phase.RESERVED: 1,
    Phase.ACTIVE: 1,
}
HOLDER_WEIGHT = {HolderChange.DROPPED_AND_CAUGHT: 24, HolderChange.SOLD: 20, HolderChange.UNPROVEN: 4}
"""A domain in other hands is worse than one in nobody's: the attack may be under way."""

HOLDER_POINTS = {HolderChange.DROPPED_AND_CAUGHT: 60, HolderChange.SOLD: 40, HolderChange.UNPROVEN: 10}
RELEASE_POINTS, RESET_POINTS, CREDENTIALS_POINTS, TOKEN_POINTS, SIGN_IN_POINTS = 60, 40, 30, 20, 10
"""A release is the deed, a reset the way in, a new address or second factor the changed lock.

An owner may sign in or make a token at any time, so these weigh little.
"""
DEPENDENCY = "dependency"
DEPENDENCY_POINTS = 10
NEAR = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Exposure:
    """What hangs on the addresses at risk; `downloads_30d` sums over distinct packages.

    What ends in `_after` counts what happened since the lapse or the catch; `credentials_after` are changes of
    e-mail addresses and second factors.
    """

    addresses: int
    accounts: int
    only_address_accounts: int
    no_second_factor_accounts: int
    packages: int
    downloads_30d: int
    released_after: int = 0
    resets_after: int = 0
    credentials_after: int = 0
    tokens_after: int = 0
    sign_ins_after: int = 0


@dataclass(frozen=True, slots=True)
class RiskPart:
    """One summand, with the sentence that explains it."""

    name: str
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Risk:
    """The score and its parts, which sum to it exactly."""

    score: int
    parts: tuple[RiskPart, ...]


def risk(assessment: Assessment, exposure: Exposure, now: datetime) -> Risk:
    """Score a flagged domain; parts worth nothing are left out, the phase's part always stands first."""
    rest = (
        _holder(assessment),
        _dependency(assessment),
        _drop(assessment, now),
        _accounts("only_address", exposure.only_address_accounts, 12, _ONLY_ADDRESS),
        _accounts("no_second_factor", exposure.no_second_factor_accounts, 8, _NO_SECOND_FACTOR),
        _since("release_after", exposure.released_after, RELEASE_POINTS, "packages released"),
        _since("reset_after", exposure.resets_after, RESET_POINTS, "password resets"),
        _since("credentials_after", exposure.credentials_after, CREDENTIALS_POINTS, _CREDENTIALS),
        _since("token_after", exposure.tokens_after, TOKEN_POINTS, "tokens created"),
        _since("sign_in_after", exposure.sign_ins_after, SIGN_IN_POINTS, "sign-ins"),
    )
    parts = (_downloads(assessment, exposure), *(part for part in rest if part.points))
    return Risk(score=sum(part.points for part in parts), parts=parts)


def _downloads(assessment: Assessment, exposure: Exposure) -> RiskPart:
    """Weigh the reach of the packages by the phase, or by the change of holder where that is worse."""
    phase, change = assessment.phase, assessment.holder_change
    weights = {**_weights(assessment), change: HOLDER_WEIGHT.get(change, 0), phase: PHASE_WEIGHT[phase]}
    weight = max(weights.values())
    words = next(of for of in reversed(weights) if weights[of] == weight).replace("_", " ")
    points = round(weight * math.log10(1 + max(exposure.downloads_30d, 0)))
    noun = "package" if exposure.packages == 1 else "packages"
    why = f"{words} weighs {weight}; {exposure.packages:,} {noun}, {exposure.downloads_30d:,} downloads in 30 days"
    return RiskPart("phase_and_downloads", points, why)


def _holder(assessment: Assessment) -> RiskPart:
    """Add for a suspected change of holder."""
    change = assessment.holder_change
    return RiskPart(
        "holder_change", HOLDER_POINTS.get(change, 0), f"change of holder: {change.value.replace('_', ' ')}"
    )


def _weights(assessment: Assessment) -> dict[str, int]:
    """Weigh a lapsed dependency as if it were the domain itself: whoever takes it receives the same mail."""
    lapsed = assessment.lapsed_dependencies
    phases = {f"{each.phase.value} dependency": PHASE_WEIGHT[each.phase] for each in lapsed}
    changes = {f"{each.holder_change.value} dependency": HOLDER_WEIGHT.get(each.holder_change, 0) for each in lapsed}
    return phases | changes


def _dependency(assessment: Assessment) -> RiskPart:
    """Add for what the domain relies on and has lapsed, most for what is in other hands."""
    lapsed = assessment.lapsed_dependencies
    points = [max(HOLDER_POINTS.get(each.holder_change, 0), DEPENDENCY_POINTS) for each in lapsed]
    why = f"relies on what has lapsed: {', '.join(each.domain for each in lapsed)}"
    return RiskPart(DEPENDENCY, max(points, default=0), why)


def _drop(assessment: Assessment, now: datetime) -> RiskPart:
    """Add for a drop that is near: the time to act is running out."""
    drop = assessment.predicted.drop
    if drop is None or assessment.phase is Phase.AVAILABLE:
        return RiskPart("near_drop", 0, "")
    left = drop.date - now
    days = max(math.ceil(left / timedelta(days=1)), 0)
    return RiskPart("near_drop", 30 if left <= NEAR else max(20 - days // 2, 0), f"drops in about {days} days")


_CREDENTIALS = "e-mail addresses or second factors changed"
_ONLY_ADDRESS = ("account would lose its only verified address", "accounts would lose their only verified address")
_NO_SECOND_FACTOR = ("account has no second factor", "accounts have no second factor")


def _accounts(name: str, count: int, each: int, words: tuple[str, str]) -> RiskPart:
    """Add for accounts, said of one or of many; the hundredth counts less than the first."""
    points = round(each * math.log2(1 + max(count, 0)))
    return RiskPart(name, points, f"{count:,} {words[count != 1]}")


def _since(name: str, count: int, points: int, what: str) -> RiskPart:
    """Add once, however often it happened: it is a signature, not a quantity."""
    return RiskPart(name, points if count > 0 else 0, f"{what} since the lapse or the catch: {count:,}")

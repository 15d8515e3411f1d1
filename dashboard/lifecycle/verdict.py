"""From today's witnesses to one phase, and how far it is borne out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.lifecycle.assessment import Confidence
from dashboard.lifecycle.current import APART, LEAVING, LOST, RANK, Answer, Current, is_torn
from dashboard.lifecycle.evidence import EvidenceKind, Phase

_HEALTHY = frozenset({Phase.ACTIVE, Phase.RESERVED, Phase.AUTO_RENEW_GRACE})
_AGAINST = {
    # A status API's `undelegated active` (hold) is also what redemption and pending delete look like.
    Phase.AVAILABLE: _HEALTHY | LEAVING | {Phase.HOLD},
    Phase.PENDING_DELETE: _HEALTHY,
    Phase.REDEMPTION: _HEALTHY,
    Phase.PENDING_RESTORE: _HEALTHY,
}
"""Which answers of the same check contradict a phase. Redemption and pending delete are neighbours, not rivals."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The phase, its confidence, who says otherwise, and whether the loss of the domain is proven."""

    phase: Phase
    confidence: Confidence
    proven: bool = False
    against: tuple[Answer, ...] = ()
    for_it: tuple[Answer, ...] = ()


def judge(current: Current) -> Verdict:
    """Settle the phase from the registration providers' newest check; delegation only corroborates or contradicts."""
    if not current.strong:
        return _from_delegation(current)
    newest = max(answer.seen_at for answer in current.strong)
    latest = [answer for answer in current.strong if newest - answer.seen_at <= APART]
    claimed = max((answer.phase for answer in latest), key=RANK.__getitem__)
    against = _against(claimed, latest, current)
    if against:
        return _conflict(claimed, against, latest)
    phase = _least_lapsed(a for a in latest if a.phase in LEAVING | LOST) if claimed in _AGAINST else claimed
    for_it = tuple(answer for answer in current.answers if _supports(answer, phase))
    agreed = len({answer.kind for answer in for_it}) > 1 or any(current.stands(k, _same(phase)) for k in EvidenceKind)
    return Verdict(
        phase,
        Confidence.CORROBORATED if agreed else Confidence.SINGLE,
        proven=agreed and phase in LOST,
        for_it=for_it,
    )


def _from_delegation(current: Current) -> Verdict:
    """Without a registration provider, DNS may say that a name lives; that one is gone it can never say alone."""
    alive = tuple(answer for answer in current.weak if answer.phase is Phase.ACTIVE)
    if alive and len(alive) == len(current.weak):
        return Verdict(Phase.ACTIVE, Confidence.SINGLE, for_it=alive)
    return Verdict(Phase.UNKNOWN, Confidence.INSUFFICIENT)


def _against(claimed: Phase, latest: list[Answer], current: Current) -> tuple[Answer, ...]:
    """Find who contradicts the furthest phase claimed in the newest check."""
    rivals = [answer for answer in latest if answer.phase in _AGAINST.get(claimed, frozenset())]
    if claimed not in LOST:
        return tuple(rivals)
    older = [answer for answer in current.strong if answer not in latest]
    # Redemption alone takes thirty days: who was healthy within them cannot be gone.
    rivals += [answer for answer in older if answer.phase in _HEALTHY]
    newest = max(answer.seen_at for answer in latest)
    doubters = [a for a in current.weak if a.phase is Phase.ACTIVE]
    doubters += [a for a in current.mute if is_torn(a.evidence)]
    return (*rivals, *(a for a in doubters if newest - a.seen_at <= APART))


def _conflict(claimed: Phase, against: tuple[Answer, ...], latest: list[Answer]) -> Verdict:
    """Report the registry directory's phase, the authority on registrations, until a person has judged."""
    directory = [answer for answer in latest if answer.kind is EvidenceKind.REGISTRY_DIRECTORY]
    return Verdict(
        _least_lapsed(directory or latest),
        Confidence.CONFLICTING,
        against=against,
        for_it=tuple(answer for answer in latest if answer.phase is claimed),
    )


def _least_lapsed(answers: Iterable[Answer]) -> Phase:
    """Of lapsing answers believe the mildest; of the others there is only one side."""
    return min((answer.phase for answer in answers), key=RANK.__getitem__)


def _same(phase: Phase) -> frozenset[Phase]:
    """Return the phases that say the same as `phase`: pending delete and available both say that it is lost."""
    return LOST if phase in LOST else frozenset({phase})


def _supports(answer: Answer, phase: Phase) -> bool:
    """Whether an answer bears `phase` out; a missing delegation goes with every phase taken out of DNS."""
    if answer.kind is not EvidenceKind.DELEGATION:
        return answer.phase in _same(phase)
    if answer.phase in LOST:
        return phase in LOST | LEAVING | {Phase.HOLD}
    return answer.phase is Phase.ACTIVE and phase in {Phase.ACTIVE, Phase.AUTO_RENEW_GRACE}

"""From all readings to what each provider says now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, takewhile

from dashboard.lifecycle.evidence import ByContent, Evidence, EvidenceKind, Outcome, Phase, Provider, Reading
from dashboard.lifecycle.phases import renewable_in_uk

CURRENT_FOR = timedelta(days=30)
"""Older readings are history: they say what was, not what is."""

APART = timedelta(hours=24)
"""Two sightings this far apart outlive every outage of DESIGN's list; nearer ones are one check."""

LEAVING = frozenset({Phase.PENDING_RESTORE, Phase.REDEMPTION})
LOST = frozenset({Phase.PENDING_DELETE, Phase.AVAILABLE})
"""Beyond the holder's rescue."""

RANK = {
    phase: rank
    for rank, phase in enumerate((
        Phase.UNKNOWN,
        Phase.ACTIVE,
        Phase.RESERVED,
        Phase.HOLD,
        Phase.AUTO_RENEW_GRACE,
        Phase.PENDING_RESTORE,
        Phase.REDEMPTION,
        Phase.PENDING_DELETE,
        Phase.AVAILABLE,
    ))
}  # fmt: skip
"""How far a phase is from a healthy registration."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One unchanged answer of a provider, from the first time it was given to the last."""

    first: datetime
    last: datetime
    phase: Phase
    is_silent: bool
    """The provider answered, but said nothing either way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one provider says now, with the trail that led there, the newest sighting first."""

    reading: Reading
    phase: Phase
    trail: tuple[Sighting, ...]

    @property
    def evidence(self) -> Evidence:
        """The newest reading's evidence."""
        return self.reading.evidence

    @property
    def kind(self) -> EvidenceKind:
        """The kind of evidence."""
        return self.reading.evidence.kind

    @property
    def provider(self) -> Provider:
        """Who says so."""
        return self.reading.evidence.provider

    @property
    def seen_at(self) -> datetime:
        """When it was said last."""
        return self.reading.last_seen_at

    def since(self, phases: Collection[Phase]) -> datetime:
        """Since when this provider has said nothing but one of `phases`."""
        return min((sighting.first for sighting in unbroken(self.trail, phases)), default=self.seen_at)


def is_torn(evidence: Evidence) -> bool:
    """Whether a status API contradicts itself (`inactive active`), which is doubt and not silence."""
    return evidence.phase is Phase.UNKNOWN and "active" in evidence.statuses


def unbroken(trail: Iterable[Sighting], phases: Collection[Phase]) -> list[Sighting]:
    """Return the newest sightings of `phases`, back to the first that said otherwise; silence breaks nothing."""
    run = takewhile(lambda sighting: sighting.phase in phases or sighting.is_silent, trail)
    return [sighting for sighting in run if not sighting.is_silent]


@dataclass(frozen=True, slots=True)
class Current:
    """Today's witnesses: registration providers, delegation, answers without a phase, and providers that failed."""

    strong: tuple[Answer, ...]
    weak: tuple[Answer, ...]
    mute: tuple[Answer, ...]
    errors: tuple[Reading, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Everyone who answered."""
        return (*self.strong, *self.weak, *self.mute)

    def stands(self, kind: EvidenceKind, phases: Collection[Phase]) -> bool:
        """Whether two sightings of one kind, at least 24 h apart, say one of `phases` and none between contradicts.

        Providers of one kind ask the same registry: RDAP's word of yesterday and WHOIS's of today are two sightings.
        """
        trail = [sighting for answer in self.strong if answer.kind is kind for sighting in answer.trail]
        trail.sort(key=lambda s: (s.last, s.first, -RANK[s.phase]), reverse=True)
        run = unbroken(trail, phases)
        return bool(run) and max(s.last for s in run) - min(s.first for s in run) >= APART

    @property
    def directory(self) -> tuple[Answer, ...]:
        """What registry directories say of a registration they found, the newest first."""
        found = [
            answer
            for answer in self.strong
            if answer.kind is EvidenceKind.REGISTRY_DIRECTORY and answer.evidence.outcome is Outcome.FOUND
        ]
        return tuple(sorted(found, key=lambda answer: answer.seen_at, reverse=True))


def in_order(readings: Iterable[Reading]) -> list[Reading]:
    """Sort by provider, kind and time, so that the order of arrival cannot matter."""
    return sorted(
        readings,
        key=lambda r: (
            *(r.evidence.provider, r.evidence.kind, r.last_seen_at, r.first_seen_at),
            *(-RANK[r.evidence.phase], ByContent(r.evidence)),
        ),
    )


def current(domain: str, readings: Sequence[Reading], now: datetime) -> Current:
    """Find the newest answer of every provider; an error is reported beside it and takes nothing back.

    A provider's precise and estimated answers are told apart, for they are different kinds of evidence.
    """
    fresh = in_order(r for r in readings if now - r.last_seen_at <= CURRENT_FOR)
    known = _of_present_registration([r for r in fresh if r.evidence.outcome is not Outcome.ERROR])
    expires_at = _expires_at(known)
    answers = [
        _answer(list(group), domain, expires_at, now)
        for _, group in groupby(known, key=lambda r: (r.evidence.provider, r.evidence.kind))
    ]
    spoken = [a for a in answers if a.phase is not Phase.UNKNOWN]
    return Current(
        strong=tuple(a for a in spoken if a.kind is not EvidenceKind.DELEGATION),
        weak=tuple(a for a in spoken if a.kind is EvidenceKind.DELEGATION),
        mute=tuple(a for a in answers if a.phase is Phase.UNKNOWN),
        errors=_failed(fresh, answers),
    )


def _of_present_registration(known: list[Reading]) -> list[Reading]:
    """Leave out what was said of an earlier registration's end: the later creation date explains it."""
    dated = [
        (r.last_seen_at, r.evidence.registered_at)
        for r in known
        if r.evidence.kind is EvidenceKind.REGISTRY_DIRECTORY
        and r.evidence.registered_at is not None
        and r.evidence.registered_at <= r.last_seen_at
    ]
    began = max(dated)[1] if dated else None
    if began is None:
        return known
    return [r for r in known if r.last_seen_at >= began or r.evidence.phase not in LOST | LEAVING]


def _answer(group: list[Reading], domain: str, expires_at: datetime | None, now: datetime) -> Answer:
    """Put one provider's readings together; the last of the group is the newest."""
    trail = tuple(_sighting(reading, domain, expires_at, now) for reading in reversed(group))
    return Answer(reading=group[-1], phase=trail[0].phase, trail=trail)


def _sighting(reading: Reading, domain: str, expires_at: datetime | None, now: datetime) -> Sighting:
    phase = _phase(reading.evidence, domain, expires_at, now)
    # A slow look-up of a status API ends in `unknown` or a bare `undelegated`: a failure in all but name.
    is_silent = phase is Phase.UNKNOWN and not is_torn(reading.evidence)
    return Sighting(reading.first_seen_at, reading.last_seen_at, phase, is_silent)


def _phase(evidence: Evidence, domain: str, expires_at: datetime | None, now: datetime) -> Phase:
    """Correct a status API's `deleting` where the holder can still renew; it knows no dates, the directory does."""
    if evidence.phase is Phase.PENDING_DELETE and renewable_in_uk(domain, evidence.expires_at or expires_at, now):
        return Phase.REDEMPTION
    return evidence.phase


def _expires_at(known: list[Reading]) -> datetime | None:
    """Return the expiry date of the newest reading that has one."""
    dated = [(r.last_seen_at, r.evidence.expires_at) for r in known if r.evidence.expires_at]
    return max(dated)[1] if dated else None


def _failed(fresh: list[Reading], answers: list[Answer]) -> tuple[Reading, ...]:
    """Return the newest error of each provider that has not answered since."""
    answered: dict[Provider, datetime] = {}
    for answer in answers:
        answered[answer.provider] = max(answer.seen_at, answered.get(answer.provider, answer.seen_at))
    newest = {r.evidence.provider: r for r in fresh if r.evidence.outcome is Outcome.ERROR}
    return tuple(r for p, r in sorted(newest.items()) if p not in answered or r.last_seen_at > answered[p])

"""What the registry directory says of the present registration, and how it differs from what was said before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from dashboard.lifecycle.assessment import History
from dashboard.lifecycle.current import LEAVING, LOST, Current
from dashboard.lifecycle.evidence import ByContent, Evidence, EvidenceKind, Outcome, Phase, Reading
from dashboard.lifecycle.phases import renewable_in_uk

SLACK = timedelta(days=1)
"""Registries publish dates without times, in zones of their own."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The present registration as far as it is known; every field may be missing.

    `seen_at`: when a status API or registry directory last reported it as held by somebody.
    """

    registered_at: datetime | None = None
    expires_at: datetime | None = None
    registrar_expires_at: datetime | None = None
    registrar: str | None = None
    handle: str | None = None
    nameservers: tuple[str, ...] = ()
    seen_at: datetime | None = None


HELD = frozenset({Phase.ACTIVE, Phase.AUTO_RENEW_GRACE, Phase.HOLD})


def registration(current: Current, phase: Phase) -> Registration:
    """Take each fact from the newest directory answer that has it; of differing dates of creation the latest.

    What a directory said of a lapsing registration is not taken for the one that `phase` says is held since: it may
    be another.
    """
    past = LEAVING | LOST if phase in HELD else frozenset[Phase]()
    found = [answer.evidence for answer in current.directory if answer.phase not in past]
    dates = [e.registered_at for e in found if e.registered_at]
    return Registration(
        registered_at=max(dates, default=None),
        expires_at=next((e.expires_at for e in found if e.expires_at), None),
        registrar_expires_at=next((e.registrar_expires_at for e in found if e.registrar_expires_at), None),
        registrar=next((e.registrar for e in found if e.registrar), None),
        handle=next((e.handle for e in found if e.handle), None),
        nameservers=next((a.evidence.nameservers for a in current.answers if a.evidence.nameservers), ()),
        seen_at=max((a.seen_at for a in current.strong if a.phase not in LOST), default=None),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """Two successive readings of one directory, and when the later one was first seen."""

    before: Evidence
    after: Evidence
    seen_at: datetime


def steps(readings: Iterable[Reading]) -> list[Step]:
    """List what changed from one found registration to the next, by provider, oldest first.

    Only readings of the same provider are compared: two directories spell one registrar in two ways.
    """
    found = sorted(
        (r for r in readings if r.evidence.outcome is Outcome.FOUND and is_directory(r)),
        key=lambda r: (r.evidence.provider, r.last_seen_at, r.first_seen_at, ByContent(r.evidence)),
    )
    return [
        Step(before.evidence, after.evidence, after.first_seen_at)
        for before, after in pairwise(found)
        if before.evidence.provider is after.evidence.provider
    ]


def by_time(found: list[Step]) -> list[Step]:
    """Order steps of several providers by when they were seen."""
    return sorted(found, key=lambda s: (s.seen_at, s.after.provider, ByContent(s.after)))


def is_directory(reading: Reading) -> bool:
    """Whether a registry directory said so."""
    return reading.evidence.kind is EvidenceKind.REGISTRY_DIRECTORY


def same_words(one: str | None, other: str | None) -> bool:
    """Whether two spellings mean the same name; an unknown one differs from nothing."""
    if not one or not other:
        return True
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    """Reduce a name to what spelling cannot vary."""
    return "".join(ch for ch in text.casefold() if ch.isalnum())


def remembered_date(readings: Sequence[Reading]) -> datetime | None:
    """Return the creation date by a directory that fell silent; None when it gave none, or a lapse was seen since."""
    last = max((r for r in readings if is_directory(r) and _found(r)), key=_dated, default=None)
    if last is None or any(_lapsed(r) and r.last_seen_at >= last.last_seen_at for r in readings):
        return None
    return last.evidence.registered_at


def last_date(readings: Sequence[Reading], history: History) -> datetime | None:
    """Return when the last registration began that anybody knows of; the domain may be unregistered since."""
    dates = [r.evidence.registered_at for r in readings if is_directory(r) and _found(r) and r.evidence.registered_at]
    return max([*dates, *(period.started_at for period in history.periods)], default=None)


def unregistered_sightings(readings: Sequence[Reading], history: History) -> list[datetime]:
    """List when registration providers said that nobody holds the domain, by the readings and by memory.

    Not where the registry's directory, without dates to compare, found a registration at that very time (then two
    providers disagree), nor .uk's pending delete, which its holder can undo.
    """
    held = [r for r in readings if is_directory(r) and r.evidence.phase in HELD and r.evidence.registered_at is None]
    seen = [
        r.last_seen_at
        for r in readings
        if _strong(r)
        and r.evidence.phase in LOST
        and not _renewable(r)
        and not any(h.first_seen_at <= r.last_seen_at <= h.last_seen_at for h in held)
    ]
    return [*seen, *([history.unregistered_seen_at] if history.unregistered_seen_at else [])]


def unregistered_seen_at(readings: Sequence[Reading], history: History) -> datetime | None:
    """When that was said last."""
    return max(unregistered_sightings(readings, history), default=None)


def _dated(reading: Reading) -> tuple[datetime, bool, float]:
    began = reading.evidence.registered_at
    return reading.last_seen_at, began is not None, began.timestamp() if began else 0.0


def _renewable(reading: Reading) -> bool:
    evidence = reading.evidence
    return evidence.phase is Phase.PENDING_DELETE and renewable_in_uk(
        evidence.domain, evidence.expires_at, reading.last_seen_at
    )


def _strong(reading: Reading) -> bool:
    return reading.evidence.kind is not EvidenceKind.DELEGATION


def _lapsed(reading: Reading) -> bool:
    return _strong(reading) and reading.evidence.phase in LEAVING | LOST


def _found(reading: Reading) -> bool:
    return reading.evidence.outcome is Outcome.FOUND


def day(moment: datetime) -> str:
    """Write a date as readers of every country read it."""
    return moment.date().isoformat()

"""Which brakes are on, and which of them stops what is done about a domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.brakes import HISTORY, WINDOW, Scope, claims_lapse, stops, tld_of
from dashboard.lifecycle.evidence import Reading
from dashboard.models import Brake
from dashboard.services.checking.facts import DomainFacts


@dataclass(frozen=True, slots=True)
class OnBrake:
    """A brake that is on."""

    id: int
    scope: Scope


def open_brakes(session: Session) -> list[OnBrake]:
    """Return the brakes that are on, the oldest first."""
    rows = session.execute(
        select(Brake.id, Brake.provider, Brake.tld).where(Brake.released_at.is_(None)).order_by(Brake.id)
    )
    return [OnBrake(row.id, Scope(row.provider, row.tld)) for row in rows]


@dataclass(frozen=True, slots=True)
class Discarded:
    """What an admin said was wrong: the lapses in a scope that were reported in a span of time."""

    scope: Scope
    since: datetime
    until: datetime

    def covers(self, domain: str, reading: Reading) -> bool:
        """Whether `reading` is one of them."""
        if not self.since < reading.last_seen_at <= self.until or not claims_lapse(reading.evidence):
            return False
        provider = self.scope.provider in {"", reading.evidence.provider.value}
        return provider and self.scope.tld in {"", tld_of(domain)}


def discarded(session: Session, now: datetime) -> list[Discarded]:
    """Return what was discarded of late: until its providers have been asked again, it tells of no earlier lapse."""
    rows = session.execute(
        select(Brake.provider, Brake.tld, Brake.opened_at, Brake.released_at).where(
            Brake.released_how == "discarded", Brake.released_at > now - HISTORY * 2
        )
    )
    return [
        Discarded(Scope(row.provider, row.tld), row.opened_at - WINDOW, row.released_at)
        for row in rows
        if row.released_at
    ]


def brake_over(brakes: Sequence[OnBrake], facts: DomainFacts) -> int | None:
    """Return the first of `brakes` that stops what is done about a domain, or None."""
    if not brakes:
        return None
    readings = [kept.reading for kept in facts.readings]
    return next((brake.id for brake in brakes if stops(brake.scope, facts.name, readings)), None)

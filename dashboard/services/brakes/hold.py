"""Which brakes are on, and which of them stops what is done about a domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.brakes import Scope, stops
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


def brake_over(brakes: Sequence[OnBrake], facts: DomainFacts) -> int | None:
    """Return the first of `brakes` that stops what is done about a domain, or None."""
    if not brakes:
        return None
    readings = [kept.reading for kept in facts.readings]
    return next((brake.id for brake in brakes if stops(brake.scope, facts.name, readings)), None)

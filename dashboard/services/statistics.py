"""Freeze the figures of months that are over: what a report said once, it says for ever.

Everything that is counted carries the time at which it was written, so nothing new comes into a month that is over,
but for transactions that were under way at its end. What does go on changing is whom it counts for: a check or a case
belongs to the sources that have addresses at its domain, and addresses come, move and go with every import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, system
from dashboard.audit.events import JSON, Event
from dashboard.audit.record import record
from dashboard.models import MonthFigures, Source

ACTOR = system("statistics")
FREEZE_AFTER = timedelta(days=3)
"""So long a month that is over waits for addresses that an import brings late, over a weekend at most."""
UNDER_WAY = timedelta(hours=1)
"""So long after a month's end something of it may still be on its way into the database, or a clock be behind."""


class Standing(StrEnum):
    """Whether a month goes on, has ended so lately that it is not all there, or is over."""

    RUNNING = "running"
    ENDING = "ending"
    OVER = "over"


def standing(end: datetime, now: datetime) -> Standing:
    """Return how a month that ends (or ended) at `end` stands."""
    if now < end:
        return Standing.RUNNING
    return Standing.OVER if end + UNDER_WAY <= now else Standing.ENDING


def freeze(session: Session, figures: Sequence[MonthFigures], now: datetime) -> list[MonthFigures]:
    """Keep a month's newly counted figures, with one audit entry that tells them; return the ones that are kept.

    These are others where somebody froze the month meanwhile: the first to do so is right.
    """
    try:
        with session.begin_nested():
            for each in figures:
                each.frozen_at = now
            session.add_all(figures)
    except IntegrityError:
        month = figures[0].month
        return list(session.scalars(select(MonthFigures).where(MonthFigures.month == month)))
    if figures:
        _record(session, figures, now)
    return list(figures)


def export(
    session: Session,
    month: str,
    figures: Sequence[MonthFigures],
    form: str,
    actor: Actor,
    now: datetime,
    *,
    over: bool,
) -> list[MonthFigures]:
    """Note in the audit log that a month leaves as a file, and return what it must say.

    `over`: the month has ended. Then the file is final, and freezes the month if that was not done before.
    """
    new = over and any(each.frozen_at is None for each in figures)
    kept = freeze(session, figures, now) if new else list(figures)
    record(
        session,
        Event.STATISTICS_EXPORTED,
        actor=actor,
        object_type="month",
        object_id=month,
        data={"format": form, "rows": len(kept)},
        now=now,
    )
    return kept


def _record(session: Session, figures: Sequence[MonthFigures], now: datetime) -> None:
    slugs = {row.id: row.slug for row in session.execute(select(Source.id, Source.slug))}
    record(
        session,
        Event.MONTH_FROZEN,
        actor=ACTOR,
        object_type="month",
        object_id=figures[0].month,
        data={"figures": {slugs[each.source_id]: _values(each) for each in figures}},
        now=now,
    )


def _values(figures: MonthFigures) -> Mapping[str, JSON]:
    """Return the figures for the audit log, where a fraction is written as text."""
    hours = figures.median_hours_to_decision
    return {
        "domains_checked": figures.domains_checked,
        "flagged": figures.flagged,
        "approved": figures.approved,
        "overridden": figures.overridden,
        "addresses_unverified": figures.addresses_unverified,
        "stale": figures.stale,
        "rejected": figures.rejected,
        "reverted": figures.reverted,
        "median_hours_to_decision": None if hours is None else str(hours),
        "resets_refused": figures.resets_refused,
        "early_warnings": figures.early_warnings,
        "takeovers_reported": figures.takeovers_reported,
    }

"""Record a batch of the DNS sweep: news makes full checks due, errors and what cannot be believed come back later.

Everything is written in one transaction, for domains that the batch still holds: a job that runs twice, or dies
anywhere, neither loses a change nor tells it twice. Nothing here is evidence: the full check asks DNS itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Evidence, Outcome
from dashboard.lifecycle.schedule import FIRST_RETRY, back_off
from dashboard.lifecycle.sweep import WINDOW, Swept, is_believable, is_news, next_sweep_at, picture, remembered
from dashboard.models import Domain, Sweep, SweepBatch

KEPT = timedelta(days=7)
"""How long a batch's figures are kept."""


@dataclass(frozen=True, slots=True)
class SweepFigures:
    """What came of a batch; see `SweepBatch`."""

    answered: int
    failed: int
    changed: int
    triggered: int
    held: bool


def record_sweep(session: Session, batch_id: int, answers: Mapping[int, Evidence], now: datetime) -> SweepFigures:
    """Take in `answers` (by the domain's id) as far as `batch_id` still holds the domains.

    A domain that a check holds at this moment is looked at again soon: that check may have asked before the change.
    """
    rows = _held(session, batch_id, answers)
    said = {row.domain_id: picture(answers[row.domain_id]) for row in rows if _is_answer(answers[row.domain_id])}
    news = {row.domain_id for row in rows if row.domain_id in said and _is_news(row, said[row.domain_id], now)}
    believed = is_believable(len(news), len(said), swept_lately(session, now))
    fired = _make_due(session, news, now) if believed else set()
    later = FIRST_RETRY if believed else None
    values = [
        _postponed(row, now, later if row.domain_id in news else None)
        if row.domain_id not in said or row.domain_id in news - fired
        else _answered(row, said[row.domain_id], now, is_change=row.domain_id in fired)
        for row in rows
    ]
    if values:
        session.execute(update(Sweep), values)
    figures = SweepFigures(len(said), len(rows) - len(said), len(news), len(fired), not believed)
    if rows:
        _close(session, batch_id, figures, now)
    return figures


def swept_lately(session: Session, now: datetime) -> Swept:
    """Return what the sweep came to in the last `WINDOW`."""
    sums = select(func.sum(SweepBatch.answered), func.sum(SweepBatch.triggered))
    answered, triggered = session.execute(sums.where(SweepBatch.swept_at > now - WINDOW)).one()
    return Swept(int(answered or 0), int(triggered or 0))


def _held(session: Session, batch_id: int, answers: Mapping[int, Evidence]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Lock what the batch still holds."""
    return session.execute(
        select(Sweep.domain_id, Sweep.seen, Sweep.swept_at, Sweep.changed_at, Sweep.failures, Domain.name)
        .join(Domain, Domain.id == Sweep.domain_id)
        .where(Sweep.domain_id.in_(answers), Sweep.batch_id == batch_id)
        .order_by(Sweep.domain_id)
        .with_for_update(of=Sweep)
    ).all()


def _is_answer(evidence: Evidence) -> bool:
    return evidence.outcome is not Outcome.ERROR


def _is_news(row: Row[*tuple[Any, ...]], after: str, now: datetime) -> bool:
    return is_news(_pictures(row.seen), after, row.changed_at, now)


def _make_due(session: Session, ids: Collection[int], now: datetime) -> set[int]:
    """Make the domains due at once; return those that no check holds. Locked in order of id, as checks do."""
    free = session.scalars(
        select(Domain.id)
        .where(Domain.id.in_(ids), Domain.batch_id.is_(None))
        .order_by(Domain.id)
        .with_for_update(key_share=True)
    ).all()
    session.execute(update(Domain).where(Domain.id.in_(free)).values(urgent=True))
    session.execute(update(Domain).where(Domain.id.in_(free), Domain.next_check_at > now).values(next_check_at=now))
    return set(free)


def _answered(row: Row[*tuple[Any, ...]], after: str, now: datetime, *, is_change: bool) -> dict[str, Any]:
    """Note what was seen and wait for the next day's turn. A rotation counts as a change too."""
    seen = _pictures(row.seen)
    moved = is_change or bool(seen and seen[0] != after)
    return _let_go(row) | {
        "next_at": next_sweep_at(now, key=row.name),
        "swept_at": now,
        "changed_at": now if moved else row.changed_at,
        "seen": ",".join(remembered(seen, after)),
        "failures": 0,
    }


def _postponed(row: Row[*tuple[Any, ...]], now: datetime, pause: timedelta | None) -> dict[str, Any]:
    """Come back after `pause`, or after a failure's, and at the next day's turn at the latest."""
    failures = row.failures + (pause is None)
    again = now + (back_off(failures, row.name) if pause is None else pause)
    return _let_go(row) | {
        "next_at": min(again, next_sweep_at(now, key=row.name)),
        "swept_at": row.swept_at,
        "changed_at": row.changed_at,
        "seen": row.seen,
        "failures": failures,
    }


def _let_go(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {"domain_id": row.domain_id, "batch_id": None, "leased_until": None}


def _pictures(seen: str) -> tuple[str, ...]:
    return tuple(filter(None, seen.split(",")))


def _close(session: Session, batch_id: int, figures: SweepFigures, now: datetime) -> None:
    """Keep the batch's figures, and forget old ones."""
    session.execute(update(SweepBatch).where(SweepBatch.id == batch_id).values(swept_at=now, **asdict(figures)))
    session.execute(delete(SweepBatch).where(SweepBatch.swept_at < now - KEPT))

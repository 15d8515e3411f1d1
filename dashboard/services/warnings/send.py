"""Early warnings go out in measure: each address once, the most pressing first, so many a day."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.lifecycle.brakes import Mode
from dashboard.lifecycle.warning import WarningKind
from dashboard.models import Address, EarlyWarning, Notice, NoticeKind, Source, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.allow_list.ask import NOTHING, coverage
from dashboard.services.brakes.counts import mode_now
from dashboard.services.notices import queue_notices
from dashboard.services.recheck import braked_domains

ACTOR = system("warnings")
DAY = timedelta(hours=24)
CHUNK = 500
MAX_TURN = 5000
"""Addresses looked at in one turn of the job, at most."""
_UNDER_WAY = (State.QUEUED, State.RECHECKING, State.SENT)
_PRESSING = (WarningKind.DARK_IN_REDEMPTION, WarningKind.IN_GRACE, WarningKind.EXPIRES_SOON)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An address that was not told of a running warning yet."""

    address_id: int
    source_id: int


def waiting(session: Session, per_day: int, now: datetime) -> list[Waiting]:
    """Return the addresses to warn now, for each source up to what is left of its day.

    A day is the last 24 hours. Nothing in baseline mode.
    """
    if per_day == 0 or mode_now(session, now) is not Mode.BASELINE:
        return []
    found: list[Waiting] = []
    for source_id, left in _left(session, per_day, now).items():
        query = _untold().where(Address.source_id == source_id).limit(min(left, MAX_TURN))
        found += [Waiting(row.id, source_id) for row in session.execute(query)] if left > 0 else []
    return found


def _left(session: Session, per_day: int, now: datetime) -> dict[int, int]:
    """Return what each source may still be told within 24 hours."""
    said = and_(
        Notice.source_id == Source.id, Notice.kind == NoticeKind.EARLY_WARNING.value, Notice.raised_at > now - DAY
    )
    rows = session.execute(select(Source.id, func.count(Notice.id)).outerjoin(Notice, said).group_by(Source.id))
    return {row[0]: per_day - row[1] for row in rows}


def _untold() -> Select[*tuple[Any, ...]]:
    """Verified addresses of running warnings without a notice, the most pressing first.

    Not those with an un-verification under way: the source is being told more than a warning.
    """
    warning = EarlyWarning
    rank = case({kind.value: place for place, kind in enumerate(_PRESSING)}, value=warning.why, else_=len(_PRESSING))
    told = exists().where(Notice.warning_id == warning.id, Notice.address_id == Address.id)
    leaving = exists().where(Unverification.address_id == Address.id, Unverification.state.in_(_UNDER_WAY))
    return (
        select(
            Address.id,
            Address.source_id,
            Address.domain_id,
            Address.verified,
            Address.verified_at,
            Address.state_token,
            warning.id.label("warning_id"),
            warning.why,
        )
        .join(warning, warning.domain_id == Address.domain_id)
        .where(warning.ended_at.is_(None), Address.verified, ~told, ~leaving)
        .order_by(rank, warning.expires_at, Address.id)
    )


def warn(session: Session, chosen: Sequence[Waiting], now: datetime) -> int:
    """Queue one notice for each of `chosen` (at most `CHUNK`) that still waits; returns how many.

    The source's row is locked first: of two that send at once the second finds the addresses told. What a brake
    covers, or the allow-list keeps, is left out.
    """
    ids = [each.address_id for each in chosen]
    sources = _locked(session, {each.source_id for each in chosen})
    rows = session.execute(_untold().where(Address.id.in_(ids))).all()
    domains = {row.domain_id for row in rows}
    held, covers = braked_domains(session, domains), coverage(session, domains, now)
    free = [
        row for row in rows if row.domain_id not in held and covers.get(row.domain_id, NOTHING).over(row.id) is None
    ]
    queued = queue_notices(session, free, NoticeKind.EARLY_WARNING, now)
    entries = [
        NewEntry(Event.WARNING_QUEUED, ACTOR, "source", sources[source_id], {"ids": public_ids})
        for source_id, public_ids in sorted(queued.items())
    ]
    session.flush()
    record_many(session, entries, now)
    return len(free)


def _locked(session: Session, source_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(
        select(Source.id, Source.slug)
        .where(Source.id.in_(source_ids))
        .order_by(Source.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.slug for row in rows}

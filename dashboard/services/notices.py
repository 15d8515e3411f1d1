"""Notices on their way out: checked once more, numbered with the un-verifications of their source, acknowledged."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Data, Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.models import Address, Notice, NoticeKind, Source
from dashboard.models import UnverificationState as State
from dashboard.services.allow_list.ask import NOTHING, Coverage, coverage
from dashboard.services.judged import judged_state
from dashboard.services.numbering import take_numbers

ACTOR = system("publisher")
LIMIT = 1000
CHUNK = 500


def queue_notices(
    session: Session,
    addresses: Sequence[Any],
    kind: NoticeKind,
    now: datetime,
    *,
    reason: str | None = None,
    report_id: int | None = None,
) -> dict[int, list[str]]:
    """Queue one notice an address; returns the public ids by source.

    `addresses` are rows with the address's columns, of early warnings also with `warning_id` and `why`.
    """
    queued: dict[int, list[str]] = defaultdict(list)
    for start in range(0, len(addresses), CHUNK):
        rows = [
            {
                "public_id": secrets.token_hex(12),
                "kind": kind.value,
                "warning_id": None if report_id else row.warning_id,
                "report_id": report_id,
                "address_id": row.id,
                "source_id": row.source_id,
                "domain_id": row.domain_id,
                "state": State.QUEUED.value,
                "judged": judged_state(row),
                "reason": reason or row.why,
                "raised_at": now,
            }
            for row in addresses[start : start + CHUNK]
        ]
        session.execute(insert(Notice), rows)
        for row in rows:
            queued[row["source_id"]].append(row["public_id"])
    return queued


def publish_notices(session: Session, now: datetime, limit: int = LIMIT) -> int:
    """Give the next queued notices their place in their source's order; returns how many were come to.

    What is allow-listed by now, or an address that is no longer at the domain, is withheld or stale; an early warning
    also needs the address still to be verified. That it was verified anew hinders nothing, for nothing is changed.
    """
    queued = session.execute(_queued(limit)).all()
    covers = coverage(session, {row.domain_id for row in queued}, now)
    checked = [(row, _objection(row, covers)) for row in queued]
    bad = [(row, *objection) for row, objection in checked if objection is not None]
    values = [{"id": row.id, "state": state.value, "settled_at": now, "settled_why": why} for row, state, why in bad]
    if values:
        session.execute(update(Notice), values)
    entries = [_withheld(row, state) for row, state, _ in bad]
    entries += _number(session, [row for row, objection in checked if objection is None], now)
    session.flush()
    record_many(session, entries, now)
    return len(queued)


def _queued(limit: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Notice.id,
            Notice.public_id,
            Notice.kind,
            Notice.source_id,
            Notice.address_id,
            Notice.domain_id,
            Address.domain_id.label("now_at"),
            Address.verified,
            Source.slug,
        )
        .join(Address, Address.id == Notice.address_id)
        .join(Source, Source.id == Notice.source_id)
        .where(Notice.state == State.QUEUED.value, Notice.seq.is_(None))
        .order_by(Notice.id)
        .limit(limit)
        .with_for_update(of=Notice, skip_locked=True)
    )


def _objection(row: Row[Any], covers: Mapping[int, Coverage]) -> tuple[State, str] | None:
    """Why a notice must not go out now, or None."""
    if cover := covers.get(row.domain_id, NOTHING).over(row.address_id):
        return State.WITHHELD, f"allow_listed: {cover.words}"
    moved = row.now_at != row.domain_id
    if moved or (row.kind == NoticeKind.EARLY_WARNING and not row.verified):
        return State.STALE, "the address changed before it was told"
    return None


def _withheld(row: Row[Any], state: State) -> NewEntry:
    why = "allow_listed" if state is State.WITHHELD else "address_changed"
    data: Data = {"source": row.slug, "why": why}
    return NewEntry(Event.UNVERIFICATION_WITHHELD, ACTOR, "unverification", row.public_id, data)


def _number(session: Session, rows: Iterable[Row[Any]], now: datetime) -> list[NewEntry]:
    by_source: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_source[row.source_id].append(row)
    entries, values = [], []
    for source_id, items in sorted(by_source.items()):
        first = take_numbers(session, source_id, len(items))
        values += [{"id": row.id, "seq": seq, "published_at": now} for seq, row in enumerate(items, start=first)]
        ids = [row.public_id for row in items]
        data: Data = {"first_seq": first, "last_seq": first + len(items) - 1, "ids": ids}
        entries.append(NewEntry(Event.UNVERIFICATION_PUBLISHED, ACTOR, "source", items[0].slug, data))
    if values:
        session.execute(update(Notice), values)
    return entries


def mark_notices_sent(session: Session, source_id: int, public_ids: Sequence[str], now: datetime) -> None:
    """Note the first serving of notices to their source."""
    chosen = Notice.source_id == source_id, Notice.public_id.in_(public_ids), Notice.state == State.QUEUED.value
    session.execute(update(Notice).where(*chosen).values(state=State.SENT.value, sent_at=now))


def published_notices(
    session: Session, source_id: int, public_ids: Sequence[str]
) -> dict[str, Row[*tuple[Any, ...]]]:
    """Lock the published notices among `public_ids` and return them by their ids."""
    rows = session.execute(
        select(Notice.id, Notice.public_id, Notice.state)
        .where(Notice.source_id == source_id, Notice.public_id.in_(public_ids), Notice.seq.is_not(None))
        .order_by(Notice.id)
        .with_for_update()
    )
    return {row.public_id: row for row in rows}


def settle_notices(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Write what the source answered: rows of `id`, `state`, `settled_at`, `settled_why`."""
    if values:
        session.execute(update(Notice), list(values))

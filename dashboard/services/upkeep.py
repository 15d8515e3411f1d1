"""Raw replies are kept for 400 days, and longer only where a decision rests on them (DESIGN invariant 7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Case, Decision, Domain, EvidenceRecord

ACTOR = system("upkeep")
KEPT = timedelta(days=400)
"""How long a raw reply outlives the last time it was given; what it said in normalised form is kept for ever."""
SLICE = 5000
"""Domains looked at together: an index answers, and rows are read only where a reply is old."""
CHUNK = 500
"""Replies dropped together: a tenth of a second of writing."""


@dataclass(frozen=True, slots=True)
class OldReplies:
    """Evidence whose raw reply may go, and the last domain that was looked at; None when there is no further one."""

    ids: Sequence[int]
    last_domain: int | None


def old_replies(session: Session, now: datetime, after_domain: int = 0) -> OldReplies:
    """Find the raw replies of the next `SLICE` domains that are older than `KEPT` and frozen by no decision."""
    part = select(Domain.id).where(Domain.id > after_domain).order_by(Domain.id).limit(SLICE).subquery()
    first, last = session.execute(select(func.min(part.c.id), func.max(part.c.id))).one()
    if last is None:
        return OldReplies((), None)
    rows = session.execute(
        select(EvidenceRecord.id, EvidenceRecord.domain_id).where(
            EvidenceRecord.domain_id.between(first, last),
            EvidenceRecord.last_seen_at < now - KEPT,
            EvidenceRecord.raw.is_not(None),
        )
    ).all()
    return OldReplies(_unfrozen(session, rows), last)


def _unfrozen(session: Session, rows: Sequence[Row[int, int]]) -> list[int]:
    """Leave out what a decision rests on."""
    by_domain = defaultdict[int, list[int]](list)
    for row in rows:
        by_domain[row.domain_id].append(row.id)
    domains, found = sorted(by_domain), list[int]()
    for start in range(0, len(domains), CHUNK):
        part = domains[start : start + CHUNK]
        frozen = _frozen(session, part)
        found += [ident for domain in part for ident in by_domain[domain] if ident not in frozen]
    return found


def _frozen(session: Session, domain_ids: Collection[int]) -> set[int]:
    query = select(Decision.frozen).join(Case, Case.id == Decision.case_id).where(Case.domain_id.in_(domain_ids))
    return {item["id"] for frozen in session.scalars(query) for item in frozen.get("evidence", ())}


def drop_replies(session: Session, ids: Sequence[int], now: datetime) -> int:
    """Drop raw replies for good, with one audit entry for all; return how many. Their digests stay.

    They are looked at once more: a decision may have frozen one, or its provider said the same again, meanwhile.
    """
    rows = session.execute(
        select(EvidenceRecord.id, EvidenceRecord.domain_id)
        .where(EvidenceRecord.id.in_(ids), EvidenceRecord.raw.is_not(None), EvidenceRecord.last_seen_at < now - KEPT)
        .order_by(EvidenceRecord.id)
        .with_for_update(skip_locked=True)
    ).all()
    going = _unfrozen(session, rows)
    if not going:
        return 0
    session.execute(update(EvidenceRecord).where(EvidenceRecord.id.in_(going)).values(raw=None))
    before = (now - KEPT).date().isoformat()
    record(
        session,
        Event.RAW_REPLIES_DROPPED,
        actor=ACTOR,
        object_type="raw_replies",
        object_id=before,
        data={"rows": len(going), "first_id": min(going), "last_id": max(going)},
        now=now,
    )
    return len(going)

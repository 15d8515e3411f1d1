"""Un-verifications on their way out: checked once more, numbered per source, noted when first served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Data, Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.models import Address, Case, Decision, Source, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.allow_list.ask import NOTHING, Cover, Coverage, coverage
from dashboard.services.allow_list.hits import count_hits
from dashboard.services.judged import unchanged
from dashboard.services.numbering import take_numbers
from dashboard.services.recheck import BRAKED, braked_domains, fresh_domains, recheck, reopen_braked, resume, withhold
from dashboard.services.revert import restore, touched

ACTOR = system("publisher")
LIMIT = 1000
TOUCHED = "the user has changed the address since"


@dataclass(frozen=True, slots=True)
class Published:
    """What one turn of the publisher did: items given a sequence number, settled as stale, withheld, or rechecked."""

    published: int
    stale: int
    withheld: int
    rechecking: int = 0

    @property
    def handled(self) -> int:
        """How many queued items the turn came to, at least."""
        return self.published + self.stale + self.withheld + self.rechecking


def publish(session: Session, now: datetime, limit: int = LIMIT) -> Published:
    """Give the next queued un-verifications their place in their source's order.

    Each is checked once more at its turn: an allow-listed domain is withheld, an address whose state is no longer
    the one that was judged is stale and not forced (DESIGN invariants 5 and 6). What a brake covers is withheld and
    its case opened again; what rests on old evidence waits for a fresh check. What takes an un-verification back
    needs no evidence: it goes out unless the user has touched the address.
    """
    resumed = resume(session, now)
    queued = _queued(session, limit)
    covers = coverage(session, {row.judged_domain_id for row in queued}, now)
    reverts = [row for row in queued if row.kind == "revert"]
    queued = [row for row in queued if row.kind != "revert"]
    late = [row for row in reverts if touched(row.judged, row, row.effect)]
    checked = [(row, _objection(row, covers)) for row in queued]
    good = [row for row, objection in checked if objection is None]
    bad = [(row, *objection) for row, objection in checked if objection is not None]
    held = braked_domains(session, {row.judged_domain_id for row in good})
    braked = [row for row in good if row.judged_domain_id in held]
    free = [row for row in good if row.judged_domain_id not in held]
    fresh = fresh_domains(session, {row.judged_domain_id for row in free}, now)
    old = [row for row in free if row.judged_domain_id not in fresh]
    ready = [row for row in free if row.judged_domain_id in fresh]
    ready += [row for row in reverts if not touched(row.judged, row, row.effect)]
    bad += [(row, State.STALE, TOUCHED) for row in late]
    restore(session, [row.reverts_id for row in late])
    entries = [*resumed.entries, *_number(session, ready, now)]
    entries += _settle_unpublished(session, bad, now)
    entries += withhold(session, [(row, BRAKED) for row in braked], now)
    entries += recheck(session, old, now)  # domains before cases, as checks lock them
    entries += reopen_braked(session, resumed.braked_cases | {row.case_id for row in braked}, now)
    session.flush()
    count_hits(session, Counter(cover for row in queued if (cover := _cover(row, covers))), now)
    record_many(session, entries, now)
    stale = sum(state is State.STALE for _, state, _ in bad)
    withheld = len(bad) - stale + len(braked) + resumed.withheld
    return Published(published=len(ready), stale=stale, withheld=withheld, rechecking=len(old))


def _queued(session: Session, limit: int) -> Sequence[Row[Any]]:
    query = (
        select(
            Unverification.id,
            Unverification.public_id,
            Unverification.source_id,
            Unverification.address_id,
            Unverification.judged,
            Unverification.kind,
            Unverification.effect,
            Unverification.reverts_id,
            Address.verified,
            Address.verified_at,
            Address.state_token,
            Address.domain_id,
            Case.id.label("case_id"),
            Case.domain_id.label("judged_domain_id"),
            Source.slug,
        )
        .join(Address, Address.id == Unverification.address_id)
        .join(Source, Source.id == Unverification.source_id)
        .join(Decision, Decision.id == Unverification.decision_id)
        .join(Case, Case.id == Decision.case_id)
        .where(Unverification.state == State.QUEUED.value, Unverification.seq.is_(None))
        .order_by(Unverification.id)
        .limit(limit)
        .with_for_update(of=Unverification, skip_locked=True)
    )
    return session.execute(query).all()


def _cover(row: Row[Any], covers: Mapping[int, Coverage]) -> Cover | None:
    return covers.get(row.judged_domain_id, NOTHING).over(row.address_id)


def _objection(row: Row[Any], covers: Mapping[int, Coverage]) -> tuple[State, str] | None:
    """Why an item must not go out now, or None."""
    if cover := _cover(row, covers):
        return State.WITHHELD, f"allow_listed: {cover.words}"
    if row.domain_id != row.judged_domain_id or not unchanged(row.judged, row):
        return State.STALE, "the address changed after it was judged"
    return None


def _number(session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[NewEntry]:
    """Number the rows per source under the lock of the source's row, so that no number appears late."""
    entries, values = [], []
    by_source = sorted(rows, key=lambda row: (row.source_id, row.id))
    for source_id, group in groupby(by_source, key=lambda row: row.source_id):
        items = list(group)
        first = take_numbers(session, source_id, len(items))
        values += [{"id": row.id, "seq": seq, "published_at": now} for seq, row in enumerate(items, start=first)]
        last = first + len(items) - 1
        data: Data = {"first_seq": first, "last_seq": last, "ids": [row.public_id for row in items]}
        entries.append(NewEntry(Event.UNVERIFICATION_PUBLISHED, ACTOR, "source", items[0].slug, data))
    if values:
        session.execute(update(Unverification), values)
    return entries


def _settle_unpublished(
    session: Session, rows: Sequence[tuple[Row[Any], State, str]], now: datetime
) -> list[NewEntry]:
    values = [{"id": row.id, "state": state.value, "settled_at": now, "settled_why": why} for row, state, why in rows]
    if values:
        session.execute(update(Unverification), values)
    return [
        NewEntry(
            Event.UNVERIFICATION_WITHHELD,
            ACTOR,
            "unverification",
            row.public_id,
            {"source": row.slug, "why": "allow_listed" if state is State.WITHHELD else "address_changed"},
        )
        for row, state, _ in rows
    ]


def mark_sent(session: Session, source_id: int, public_ids: Sequence[str], now: datetime) -> set[str]:
    """Note the first serving of items to their source; return those that were withdrawn and must not be served."""
    mine = Unverification.source_id == source_id, Unverification.public_id.in_(public_ids)
    session.execute(
        update(Unverification)
        .where(*mine, Unverification.state == State.QUEUED.value)
        .values(state=State.SENT.value, sent_at=now)
    )
    return set(
        session.scalars(select(Unverification.public_id).where(*mine, Unverification.state == State.WITHDRAWN.value))
    )

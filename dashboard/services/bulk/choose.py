"""Let high-profile accounts into a previewed action, or leave them out again: they are nobody's by default."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from dashboard.audit.events import Data, Event
from dashboard.models import BulkAddress, BulkItem, BulkState, ItemState
from dashboard.services.bulk.confirm import tell
from dashboard.services.bulk.judging import Why
from dashboard.services.bulk.outcome import Outcome, Refusal, locked, moved, objection, refused
from dashboard.services.bulk.prepare import Person
from dashboard.services.bulk.preview import recount
from dashboard.services.decide import left_out


def choose(
    session: Session,
    bulk_id: int,
    version: int,
    account_ids: Collection[int],
    author: Person,
    now: datetime,
    wall_now: datetime,
) -> Outcome:
    """Choose exactly these high-profile accounts; counts and digest are made anew. Only the author chooses."""
    bulk = locked(session, bulk_id)
    if refusal := objection(bulk, version, [BulkState.PREVIEWED], wall_now):
        return refused(bulk, refusal)
    if bulk.author_id != author.staff_id:
        return refused(bulk, Refusal.CONFLICT)
    mine = BulkAddress.bulk_id == bulk_id, BulkAddress.is_high_profile
    session.execute(update(BulkAddress).where(*mine).values(is_chosen=BulkAddress.account_id.in_(account_ids)))
    _recount_items(session, bulk_id)
    recount(session, bulk)
    data: Data = {"accounts": bulk.counts["high_profile"], "addresses": bulk.addresses, "digest": bulk.digest}
    tell(session, bulk, Event.BULK_CHOSEN, data, author, now)
    return moved(bulk, BulkState.PREVIEWED)


def choose_part(session: Session, bulk_id: int, address_ids: Collection[int]) -> None:
    """Keep only these addresses of a single decision, before its author confirms it; counts and digest follow."""
    bulk = locked(session, bulk_id)
    for item in session.scalars(select(BulkItem).where(BulkItem.bulk_id == bulk_id, BulkItem.judged)):
        rows = session.execute(
            select(BulkAddress.address_id, BulkAddress.is_high_profile).where(BulkAddress.item_id == item.id)
        ).all()
        chosen = [row for row in rows if row.address_id in address_ids]
        item.addresses, item.is_high_profile = len(chosen), any(row.is_high_profile for row in chosen)
        left = left_out([row.address_id for row in rows], [row.address_id for row in chosen])
        item.facts = {**(item.facts or {}), **left}
        if not chosen:
            item.state, item.why = ItemState.EXCLUDED.value, Why.NO_ADDRESSES.value
    mine = BulkAddress.bulk_id == bulk_id
    session.execute(update(BulkAddress).where(mine).values(is_chosen=BulkAddress.address_id.in_(address_ids)))
    session.flush()
    recount(session, bulk)


def _recount_items(session: Session, bulk_id: int) -> None:
    """Count each item's chosen addresses anew; one with none is left out, one that has some again is back."""
    count = (
        select(func.count())
        .where(BulkAddress.item_id == BulkItem.id, BulkAddress.is_chosen)
        .correlate(BulkItem)
        .scalar_subquery()
    )
    concerned = BulkItem.bulk_id == bulk_id, BulkItem.is_high_profile
    judged = BulkItem.why.in_(["", Why.HIGH_PROFILE.value])
    session.execute(
        update(BulkItem)
        .where(*concerned, judged)
        .values(addresses=count)
        .execution_options(synchronize_session=False)
    )
    empty = BulkItem.addresses == 0
    session.execute(
        update(BulkItem)
        .where(*concerned, judged)
        .values(
            state=case((empty, ItemState.EXCLUDED.value), else_=ItemState.PENDING.value),
            why=case((empty, Why.HIGH_PROFILE.value), else_=""),
        )
        .execution_options(synchronize_session=False)
    )

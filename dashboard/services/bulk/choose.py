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

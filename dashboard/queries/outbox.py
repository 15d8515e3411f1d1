"""What a source pulls: its published un-verifications and notices in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, literal, null, select, union_all
from sqlalchemy.orm import Session, aliased

from dashboard.models import Account, Address, Notice, Unverification, UnverificationState


def page_after(session: Session, source_id: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """Return up to `limit` published items of the source whose `seq` is above `after`, in order of `seq`.

    Both tables count with the same numbers, so a page is the beginning of the two merged. One statement reads them:
    what another transaction publishes between two would be left out for ever, below the cursor of the other table.
    What was withdrawn before it was served is left out; `reverts` is the public id of what an item takes back.
    """
    halves = (_unverifications(source_id, after), _notices(source_id, after))
    both = union_all(*(select(half.limit(limit).subquery()) for half in halves)).order_by("seq").limit(limit)
    return session.execute(both).all()


def _unverifications(source_id: int, after: int) -> Select[Any]:
    item, reverted = Unverification, aliased(Unverification)
    return (
        select(
            item.public_id,
            item.seq,
            item.kind,
            item.effect,
            item.state,
            item.judged,
            item.reason,
            item.decided_at,
            literal(value=False).label("is_notice"),
            Account.external_id.label("account_id"),
            Address.external_id.label("address_id"),
            reverted.public_id.label("reverts"),
        )
        .join(Address, Address.id == item.address_id)
        .join(Account, Account.id == Address.account_id)
        .outerjoin(reverted, reverted.id == item.reverts_id)
        .where(item.source_id == source_id, item.seq > after, item.state != UnverificationState.WITHDRAWN.value)
        .order_by(item.seq)
    )


def _notices(source_id: int, after: int) -> Select[Any]:
    """A notice has no effect: nothing is to be changed."""
    return (
        select(
            Notice.public_id,
            Notice.seq,
            Notice.kind,
            null().label("effect"),
            Notice.state,
            Notice.judged,
            Notice.reason,
            Notice.raised_at.label("decided_at"),
            literal(value=True).label("is_notice"),
            Account.external_id.label("account_id"),
            Address.external_id.label("address_id"),
            null().label("reverts"),
        )
        .join(Address, Address.id == Notice.address_id)
        .join(Account, Account.id == Address.account_id)
        .where(Notice.source_id == source_id, Notice.seq > after)
        .order_by(Notice.seq)
    )

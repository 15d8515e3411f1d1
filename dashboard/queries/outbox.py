"""What a source pulls: its published un-verifications in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from dashboard.models import Account, Address, Unverification


def page_after(session: Session, source_id: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """Return up to `limit` published items of the source whose `seq` is above `after`, in order of `seq`."""
    query = (
        select(
            Unverification.public_id,
            Unverification.seq,
            Unverification.kind,
            Unverification.effect,
            Unverification.state,
            Unverification.judged,
            Unverification.reason,
            Unverification.decided_at,
            Account.external_id.label("account_id"),
            Address.external_id.label("address_id"),
        )
        .join(Address, Address.id == Unverification.address_id)
        .join(Account, Account.id == Address.account_id)
        .where(Unverification.source_id == source_id, Unverification.seq > after)
        .order_by(Unverification.seq)
        .limit(limit)
    )
    return session.execute(query).all()

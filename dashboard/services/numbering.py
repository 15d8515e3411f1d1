"""Sequence numbers of a source's feed: one row of numbers for all that it is told."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import Source


def take_numbers(session: Session, source_id: int, count: int) -> int:
    """Take `count` numbers of a source and return the first.

    The source's row stays locked until the transaction ends: no number ever appears late below one that was served.
    """
    source = session.scalar(select(Source).where(Source.id == source_id).with_for_update(key_share=True))
    assert source is not None
    first = source.last_seq + 1
    source.last_seq += count
    return first

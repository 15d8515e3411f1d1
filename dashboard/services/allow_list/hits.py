"""Count what entries have kept from being flagged or applied."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.models import AllowKind, AllowListEntry
from dashboard.services.allow_list.ask import Cover

LIVE = text("ended_at IS NULL OR kind = 'preset'")
"""The unique index's own condition, word for word: with a parameter in it PostgreSQL does not know it again."""


def count_hits(session: Session, hits: Counter[Cover], now: datetime) -> None:
    """Add to the entries' counters, one statement an entry; call it last but for the audit log.

    Always in the same order, so that two transactions do not wait for each other in a circle.
    """
    for cover, count in sorted(hits.items(), key=lambda item: (item[0].kind, item[0].value)):
        if cover.kind is AllowKind.PRESET:
            _count_preset(session, cover.value, count, now)
        else:
            session.execute(
                update(AllowListEntry)
                .where(AllowListEntry.id == cover.id)
                .values(hits=AllowListEntry.hits + count, last_hit_at=now)
            )


def _count_preset(session: Session, value: str, count: int, now: datetime) -> None:
    """Count for a part of the preset, which gets its row with the first hit; one switched off meanwhile stays off."""
    insert = dialect_insert(session)
    row = insert(AllowListEntry).values(
        kind=AllowKind.PRESET.value,
        value=value,
        domain=value,
        reason="",
        created_at=now,
        hits=count,
        last_hit_at=now,
        settled_at=now,
        settled_through=0,
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=[AllowListEntry.kind, AllowListEntry.value],
            index_where=LIVE,
            set_={"hits": AllowListEntry.hits + count, "last_hit_at": now},
        )
    )

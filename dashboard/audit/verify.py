"""Checks the audit chain from its first entry to its head, in one pass and flat memory.

What it cannot see: entries cut off the end *together with* a head row set back, or a chain rewritten from some entry
to its end. Only a head kept outside the database tells of those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dashboard.audit.record import GENESIS, HEAD_ID, chain_hash, time_text
from dashboard.models import AuditEntry, AuditHead

PAGE = 2000


class Fault(StrEnum):
    """What is wrong at the first bad `seq`."""

    EDITED = "edited"  # its contents are not those that were chained
    MISSING = "missing"  # there is no such entry, but later ones
    REORDERED = "reordered"  # it was written under another seq
    FORKED = "forked"  # it continues another entry than the one before it, or goes on behind the head
    TRUNCATED = "truncated"  # the head row knows of it, but the entries end before it


class Head(NamedTuple):
    """The seq and hash that the chain should end with."""

    seq: int
    hash: str


class ChainRow(NamedTuple):
    """One entry as it is stored."""

    seq: int
    hash: str
    canonical: bytes
    event: str
    actor: str
    object_type: str
    object_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome: `entries` were read, the last good one has `head_hash`; `fault` is at `first_bad_seq`."""

    entries: int
    head_hash: str
    first_bad_seq: int | None = None
    fault: Fault | None = None

    @property
    def ok(self) -> bool:
        """Whether the whole chain holds."""
        return self.fault is None


def verify(session: Session) -> Verdict:
    """Verify the chain as it stands at one moment; entries added meanwhile are not looked at."""
    head = _head(session)
    with session.execute(_statement().execution_options(yield_per=PAGE)) as found:
        rows = iter(found)
        first = next(rows, None)
        if first is None:
            return verify_rows((), head)
        head = Head(first.head_seq or 0, first.head_hash or GENESIS)
        return verify_rows((ChainRow(*row[2:]) for row in chain((first,), rows)), head)


def verify_rows(rows: Iterable[ChainRow], head: Head) -> Verdict:
    """Verify `rows` in the order of their `seq` against `head`; stops at the first fault."""
    count, last, before_last = 0, Head(0, GENESIS), GENESIS
    for row in rows:
        count += 1
        if bad := _fault_of(row, last, before_last):
            return Verdict(count, last.hash, *bad)
        last, before_last = Head(row.seq, row.hash), last.hash
    if last == head:
        return Verdict(count, last.hash)
    return Verdict(count, last.hash, *_fault_of_end(last, head))


def _fault_of(row: ChainRow, last: Head, before_last: str) -> tuple[int, Fault] | None:
    """Return the first bad seq and its fault when `row` does not follow `last`."""
    if row.seq != last.seq + 1:
        return (last.seq + 1, Fault.MISSING) if row.seq > last.seq else (row.seq, Fault.FORKED)
    entry = _parse(row.canonical)
    if entry is None or chain_hash(row.canonical) != row.hash:
        return row.seq, Fault.EDITED
    if entry.get("seq") != row.seq:
        return row.seq, Fault.REORDERED
    if entry.get("previous") != last.hash:
        # The entry before was rewritten with a fitting hash of its own, or this one grew from the same parent.
        return (row.seq, Fault.FORKED) if entry.get("previous") == before_last else (max(last.seq, 1), Fault.EDITED)
    return None if _same(row, entry) else (row.seq, Fault.EDITED)


def _fault_of_end(last: Head, head: Head) -> tuple[int, Fault]:
    if last.seq < head.seq:
        return last.seq + 1, Fault.TRUNCATED
    return (last.seq, Fault.EDITED) if last.seq == head.seq else (head.seq + 1, Fault.FORKED)


def _parse(canonical: bytes) -> dict[str, Any] | None:
    try:
        entry = orjson.loads(canonical)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def _same(row: ChainRow, entry: dict[str, Any]) -> bool:
    """Whether the columns that the screens filter by say what the hashed bytes say."""
    told = (entry.get("event"), entry.get("actor"), entry.get("object"), entry.get("at"))
    object_ = {"id": row.object_id, "type": row.object_type}
    return told == (row.event, row.actor, object_, time_text(row.occurred_at))


def _head(session: Session) -> Head:
    row = session.execute(select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == HEAD_ID)).one_or_none()
    return Head(*row) if row else Head(0, GENESIS)


def _statement() -> Select[Any]:
    """Return head and entries as one statement, so that both are of one moment while others append."""
    columns = AuditEntry.__table__.c
    return select(
        select(AuditHead.seq).where(AuditHead.id == HEAD_ID).scalar_subquery().label("head_seq"),
        select(AuditHead.hash).where(AuditHead.id == HEAD_ID).scalar_subquery().label("head_hash"),
        *(columns[name] for name in ChainRow._fields),
    ).order_by(columns.seq)

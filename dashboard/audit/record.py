"""Writes audit entries: one linear SHA-256 chain, in the same transaction as the change it tells of.

An entry's hash is SHA-256 over a tag and the entry's RFC 8785 bytes, which name the hash before it. The chain's one
head row is locked while entries are added (on SQLite the whole write transaction is that lock), so it cannot fork.
Record last in a transaction: until it commits, every other writer of entries waits.

The chain is tamper-evident, not tamper-proof: whoever may write the database can also rewrite the chain to its end.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import orjson
from sqlalchemy import Row, Table, insert, select, update
from sqlalchemy.orm import Session

from dashboard import runtime
from dashboard.audit.actor import Actor
from dashboard.audit.events import AuditError, Data, Event, check_shape
from dashboard.database import WRITE, TransactionError
from dashboard.models import AuditEntry, AuditHead

TAG = b"lapsewatch audit entry 1\n"
GENESIS = "0" * 64
HEAD_ID = 1

# Rows go in by table: twice as fast as by class.
_ENTRIES = cast("Table", AuditEntry.__table__)
_HEX = re.compile(r"[0-9a-f]{64}")
# Something, an at sign (also the full-width one), then a name with a dot and a letter after it, or an IP literal.
# `requests@2.31` and `@scope/name` of package names pass.
_ADDRESS = re.compile(r"[^\s/][@＠](?:\[|(?:[\w-]+\.)+[^\W\d_])")  # noqa: RUF001  the full-width sign is meant
_AT_SIGNS = (b"@", "＠".encode())  # noqa: RUF001
_LIMITS = {"actor": 64, "object_type": 32, "object_id": 255}


@dataclass(frozen=True, slots=True)
class NewEntry:
    """One entry to be written; `subjects` are the `subject()` digests of the persons it concerns."""

    event: Event
    actor: Actor
    object_type: str
    object_id: str
    data: Data
    subjects: Sequence[str] = ()


def subject(kind: str, ident: str) -> str:
    """Return the keyed digest (HMAC-SHA256, hex) that stands for a person in the log, e.g. `subject("email", ...)`.

    The same person has the same digest in every entry; without the audit key nobody can tell who it is.
    """
    return hmac.digest(runtime.settings().audit_key, f"{kind}\0{ident}".encode(), "sha256").hex()


def record(
    session: Session,
    event: Event,
    *,
    actor: Actor,
    object_type: str,
    object_id: str,
    data: Data,
    now: datetime,
    subjects: Sequence[str] = (),
) -> int:
    """Append one entry and return its `seq`; errors as for `record_many`."""
    return record_many(session, [NewEntry(event, actor, object_type, object_id, data, subjects)], now)[0]


def record_many(session: Session, entries: Sequence[NewEntry], now: datetime) -> list[int]:
    """Append `entries` in their order, all at time `now`, and return their `seq`s.

    `AuditError` when one is malformed or carries an e-mail address, and then none is written; `TransactionError`
    outside a write transaction (`writing()`).
    """
    if not entries:
        return []
    head = _lock_head(session)
    rows, previous, at = [], head.hash, time_text(now)
    for seq, entry in enumerate(entries, start=head.seq + 1):
        row = _row(entry, canonical_bytes(entry, seq, previous, at))
        row |= {"seq": seq, "occurred_at": now}
        rows.append(row)
        previous = row["hash"]
    session.execute(insert(_ENTRIES), rows)
    session.execute(update(AuditHead).where(AuditHead.id == HEAD_ID).values(seq=head.seq + len(rows), hash=previous))
    return [row["seq"] for row in rows]


def chain_hash(canonical: bytes) -> str:
    """Return the hash (hex) of an entry's canonical bytes."""
    return hashlib.sha256(TAG + canonical).hexdigest()


def canonical_bytes(entry: NewEntry, seq: int, previous: str, at: str) -> bytes:
    """Return the entry's RFC 8785 bytes.

    orjson with sorted keys writes the same bytes as RFC 8785 for what `check_shape` lets through, 50 times faster.
    """
    document = {
        "actor": entry.actor.label,
        "at": at,
        "data": entry.data,
        "event": entry.event.value,
        "object": {"id": entry.object_id, "type": entry.object_type},
        "previous": previous,
        "seq": seq,
        "subjects": entry.subjects,
    }
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # e.g. a lone surrogate
        raise AuditError(f"{entry.event}: {error}") from error


def time_text(moment: datetime) -> str:
    """Return a UTC time as RFC 3339 with all six digits of its microseconds, exactly as precise as the database."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _lock_head(session: Session) -> Row[int, str]:
    if not session.connection().get_execution_options().get(WRITE):
        raise TransactionError("audit entries are written inside writing()")
    head = select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == HEAD_ID)
    return session.execute(head.with_for_update()).one()


def _row(entry: NewEntry, canonical: bytes) -> dict[str, Any]:
    check_shape(entry.event, entry.object_type, entry.data)
    columns = {"actor": entry.actor.label, "object_type": entry.object_type, "object_id": entry.object_id}
    for name, limit in _LIMITS.items():
        if not 0 < len(columns[name]) <= limit:
            raise AuditError(f"{entry.event}: {name} must have 1 to {limit} characters")
    if not all(_HEX.fullmatch(each) for each in entry.subjects):
        raise AuditError(f"{entry.event}: subjects are digests made by subject()")
    if any(sign in canonical for sign in _AT_SIGNS) and _ADDRESS.search(canonical.decode()):
        raise AuditError(f"{entry.event}: an e-mail address has no place in the audit log")
    return {"hash": chain_hash(canonical), "canonical": canonical, "event": entry.event.value, **columns}

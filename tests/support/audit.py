"""Reads the audit log in tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.events import Event
from dashboard.database import db
from dashboard.models import AuditEntry


@dataclass
class Entry:
    """One audit entry as its hashed bytes tell it."""

    seq: int = 0
    event: str = ""
    actor: str = ""
    at: str = ""
    object: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    previous: str = ""


def entries(session: Session, after: int = 0) -> list[Entry]:
    """All entries behind `after`, in order; ends the read transaction, so that the next call sees what is new."""
    found = session.scalars(select(AuditEntry.canonical).where(AuditEntry.seq > after).order_by(AuditEntry.seq))
    told = [Entry(**orjson.loads(canonical)) for canonical in found]
    session.rollback()
    return told


@contextmanager
def assert_one_entry(event: Event) -> Iterator[Entry]:
    """Fail unless the block writes exactly one audit entry, of `event`; its fields are filled in at the end.

    Needs the application's context.
    """
    before = len(entries(db.session()))
    entry = Entry()
    yield entry
    new = entries(db.session())[before:]
    assert [each.event for each in new] == [event.value]
    vars(entry).update(vars(new[0]))

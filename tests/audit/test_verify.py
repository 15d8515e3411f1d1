"""The verifier names the first bad entry and what happened to it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import GENESIS, NewEntry, chain_hash, record_many
from dashboard.audit.verify import Fault, verify
from dashboard.database import db, writing
from dashboard.models import AuditEntry, AuditHead
from tests.conftest import START

ENTRIES = 6


def write(count: int) -> None:
    with writing() as session:
        data = {"domain": "example.com", "how": "closed_renewed"}
        new = [NewEntry(Event.CASE_CLOSED, system("sweep"), "case", str(n), data) for n in range(count)]
        record_many(session, new, START)


def open_the_vault(session: Session) -> None:
    """Drop the triggers, as somebody with the database's password could."""
    if db.engine.dialect.name == "sqlite":
        session.execute(text("DROP TRIGGER audit_entries_no_update"))
        session.execute(text("DROP TRIGGER audit_entries_no_delete"))
    else:
        session.execute(text("DROP TRIGGER audit_entries_no_change ON audit_entries"))


def set_entry(session: Session, number: int, /, **values: object) -> None:
    session.execute(update(AuditEntry).where(AuditEntry.seq == number).values(**values))


def edit(session: Session) -> None:
    canonical = session.get_one(AuditEntry, 3).canonical
    set_entry(session, 3, canonical=canonical.replace(b"example.com", b"example.org"))


def edit_with_a_fitting_hash(session: Session) -> None:
    canonical = session.get_one(AuditEntry, 3).canonical.replace(b"example.com", b"example.org")
    set_entry(session, 3, canonical=canonical, hash=chain_hash(canonical))


def edit_the_last_with_a_fitting_hash(session: Session) -> None:
    canonical = session.get_one(AuditEntry, 6).canonical.replace(b"example.com", b"example.org")
    set_entry(session, 6, canonical=canonical, hash=chain_hash(canonical))


def replace_with_no_json(session: Session) -> None:
    set_entry(session, 3, canonical=b"?", hash=chain_hash(b"?"))


def edit_a_filter_column(session: Session) -> None:
    set_entry(session, 3, actor="system:other")


def edit_the_shown_time(session: Session) -> None:
    set_entry(session, 3, occurred_at=START - timedelta(microseconds=1))


def delete_one(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.seq == 3))


def delete_the_first(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.seq == 1))


def delete_and_close_the_gap(session: Session) -> None:
    delete_one(session)
    for seq in (4, 5, 6):
        set_entry(session, seq, seq=seq - 1)


def swap_two(session: Session) -> None:
    for old, new in ((3, 99), (4, 3), (99, 4)):
        set_entry(session, old, seq=new)


def fork(session: Session) -> None:
    """Make entry 4 continue from entry 2, as a second writer without the lock would."""
    third, second = session.get_one(AuditEntry, 3), session.get_one(AuditEntry, 2)
    canonical = session.get_one(AuditEntry, 4).canonical.replace(third.hash.encode(), second.hash.encode())
    set_entry(session, 4, canonical=canonical, hash=chain_hash(canonical))


def set_the_head_back(session: Session) -> None:
    session.execute(update(AuditHead).values(seq=4, hash=session.get_one(AuditEntry, 4).hash))


def cut_off_the_end(session: Session) -> None:
    session.execute(delete(AuditEntry).where(AuditEntry.seq > 4))


def delete_everything(session: Session) -> None:
    session.execute(delete(AuditEntry))


@pytest.mark.parametrize(
    ("tamper", "seq", "fault"),
    [
        (edit, 3, Fault.EDITED),
        (edit_with_a_fitting_hash, 3, Fault.EDITED),
        (edit_the_last_with_a_fitting_hash, 6, Fault.EDITED),
        (edit_a_filter_column, 3, Fault.EDITED),
        (edit_the_shown_time, 3, Fault.EDITED),
        (replace_with_no_json, 3, Fault.EDITED),
        (delete_one, 3, Fault.MISSING),
        (delete_the_first, 1, Fault.MISSING),
        (delete_and_close_the_gap, 3, Fault.REORDERED),
        (swap_two, 3, Fault.REORDERED),
        (fork, 4, Fault.FORKED),
        (set_the_head_back, 5, Fault.FORKED),
        (cut_off_the_end, 5, Fault.TRUNCATED),
        (delete_everything, 1, Fault.TRUNCATED),
    ],
)
def test_tampering_is_named(context: Flask, tamper: Callable[[Session], None], seq: int, fault: Fault) -> None:
    write(ENTRIES)
    assert verify(db.session()).ok
    with writing() as session:
        open_the_vault(session)
        tamper(session)
    verdict = verify(db.session())
    assert (verdict.ok, verdict.first_bad_seq, verdict.fault) == (False, seq, fault)


def test_an_empty_chain_holds(context: Flask) -> None:
    verdict = verify(db.session())
    assert (verdict.ok, verdict.entries, verdict.head_hash) == (True, 0, GENESIS)


def test_a_whole_chain_ends_at_the_head(context: Flask) -> None:
    write(ENTRIES)
    verdict = verify(db.session())
    assert verdict.ok
    assert verdict.entries == ENTRIES
    assert verdict.head_hash == db.session.get_one(AuditHead, 1).hash


def test_memory_stays_flat_however_long_the_chain_is(context: Flask) -> None:
    for _ in range(10):
        write(3000)
    db.session.rollback()
    tracemalloc.start()
    assert verify(db.session()).entries == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000

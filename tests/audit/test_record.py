"""Writing audit entries: one chain, declared shapes, no addresses."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import rfc8785
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from dashboard.audit.actor import Actor, ActorKind, system
from dashboard.audit.events import LARGEST, SHAPES, AuditError, Event
from dashboard.audit.record import GENESIS, NewEntry, canonical_bytes, chain_hash, record, record_many, subject
from dashboard.audit.verify import verify
from dashboard.database import TransactionError, db, writing
from dashboard.models import AuditEntry, AuditHead, Marker
from tests.conftest import START
from tests.support.audit import assert_one_entry, entries

SWEEP = system("sweep")


def case_closed(number: int = 1, **changes: Any) -> NewEntry:
    fields: dict[str, Any] = {
        "event": Event.CASE_CLOSED,
        "actor": SWEEP,
        "object_type": "case",
        "object_id": str(number),
        "data": {"domain": "example.com", "how": "closed_renewed"},
    }
    return NewEntry(**(fields | changes))


def test_an_entry_tells_who_did_what_to_what_and_when(context: Flask) -> None:
    with assert_one_entry(Event.STAFF_SIGNED_IN) as entry, writing() as session:
        record(
            session,
            Event.STAFF_SIGNED_IN,
            actor=Actor(ActorKind.STAFF, "3"),
            object_type="staff",
            object_id="3",
            data={},
            now=START.replace(microsecond=1200),
            subjects=[subject("email", "ann@example.com")],
        )
    assert entry.actor == "staff:3"
    assert entry.object == {"type": "staff", "id": "3"}
    assert entry.at == "2026-11-01T08:00:00.001200Z"
    assert entry.subjects == [subject("email", "ann@example.com")]
    assert len(entry.subjects[0]) == 64
    assert entry.previous == GENESIS


def test_entries_are_numbered_without_gaps_and_chained(context: Flask) -> None:
    with writing() as session:
        assert record_many(session, [case_closed(n) for n in range(3)], START) == [1, 2, 3]
    with writing() as session:
        assert record_many(session, [case_closed(3)], START) == [4]
        assert record_many(session, [], START) == []
    rows = db.session.query(AuditEntry).order_by(AuditEntry.seq).all()
    assert [row.hash for row in rows] == [chain_hash(row.canonical) for row in rows]
    assert [each.previous for each in entries(db.session())] == [GENESIS, *(row.hash for row in rows[:-1])]


def test_a_change_that_rolls_back_takes_its_entry_along(context: Flask) -> None:
    with pytest.raises(RuntimeError), writing() as session:
        session.add(Marker(name="a", value="x"))
        record_many(session, [case_closed()], START)
        raise RuntimeError
    assert entries(db.session()) == []
    assert db.session.get_one(AuditHead, 1).seq == 0


def test_entries_are_refused_outside_a_write_transaction(context: Flask) -> None:
    with pytest.raises(TransactionError):
        record_many(db.session(), [case_closed()], START)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data": {"domain": "example.com"}}, "keys"),
        ({"data": {"domain": "example.com", "how": "renewed", "note": "x"}}, "keys"),
        ({"object_type": "domain"}, "object is a case"),
        ({"data": {"domain": "example.com", "how": 0.5}}, "float"),
        ({"data": {"domain": "example.com", "how": START}}, "datetime"),
        ({"data": {"domain": "example.com", "how": LARGEST + 1}}, "too large"),
        ({"data": {"domain": "example.com", "how": {1: "x"}}}, "key|str"),
        ({"data": {"domain": "example.com", "how": {"é": "x"}}}, "plain key"),
        ({"data": {"domain": "example.com", "how": "\ud800"}}, "surrogates|utf"),
        ({"object_id": ""}, "object_id"),
        ({"object_id": "x" * 256}, "object_id"),
        ({"actor": system("x" * 64)}, "actor"),
        ({"subjects": ["ann"]}, "digest"),
        ({"data": {"domain": "example.com", "how": "ann@example.com"}}, "e-mail"),
        ({"data": {"domain": "example.com", "how": ["x", {"y": "told by ann@example.com."}]}}, "e-mail"),
        ({"data": {"domain": "example.com", "how": "ann\uff20example.com"}}, "e-mail"),
        ({"data": {"domain": "example.com", "how": '"ann lee"@exämple.com'}}, "e-mail"),
        ({"data": {"domain": "example.com", "how": "ann@[192.0.2.1]"}}, "e-mail"),
        ({"object_id": "ann@example.com"}, "e-mail"),
        ({"actor": Actor(ActorKind.STAFF, "ann@example.com")}, "e-mail"),
    ],
)
def test_a_malformed_entry_writes_nothing_at_all(context: Flask, changes: dict[str, Any], says: str) -> None:
    with writing() as session, pytest.raises(AuditError, match=says):
        record_many(session, [case_closed(), case_closed(**changes)], START)
    assert entries(db.session()) == []


@pytest.mark.parametrize("harmless", ["pkg:pypi/requests@2.31", "pkg:npm/@scope/name", "@example", "a @ b.com"])
def test_package_names_are_not_taken_for_addresses(context: Flask, harmless: str) -> None:
    with writing() as session:
        record_many(session, [case_closed(data={"domain": "example.com", "how": harmless})], START)
    assert entries(db.session())[0].data["how"] == harmless


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_the_hashed_bytes_are_those_of_rfc_8785(value: Any) -> None:
    entry = case_closed(data={"domain": "example.com", "how": value})
    document: dict[str, Any] = {
        "actor": "system:sweep",
        "at": "2026-11-01T08:00:00.000000Z",
        "data": {"domain": "example.com", "how": value},
        "event": "case.closed",
        "object": {"type": "case", "id": "1"},
        "previous": GENESIS,
        "seq": 7,
        "subjects": [],
    }
    assert canonical_bytes(entry, 7, GENESIS, "2026-11-01T08:00:00.000000Z") == rfc8785.dumps(document)


def test_every_event_declares_its_shape() -> None:
    assert set(SHAPES) == set(Event)


def test_many_writers_at_once_make_one_chain(app: Flask) -> None:
    def work(number: int) -> None:
        with app.app_context():
            for turn in range(15):
                with writing() as session:
                    record_many(session, [case_closed(number), case_closed(turn)], START)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        verdict = verify(db.session())
        assert verdict.ok
        assert verdict.entries == 120


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"])
def test_entries_can_be_neither_changed_nor_deleted(context: Flask, statement: str) -> None:
    with writing() as session:
        record_many(session, [case_closed()], START)
    with pytest.raises(Exception, match="never changed"), writing() as session:
        session.execute(text(statement))
    assert verify(db.session()).ok


def test_the_table_cannot_be_truncated(context: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        return  # it knows no TRUNCATE
    with pytest.raises(Exception, match="never changed"), writing() as session:
        session.execute(text("TRUNCATE audit_entries"))

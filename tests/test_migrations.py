"""The migrations lead to exactly the tables that the code declares, on both databases."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from dashboard.database import Base, db, writing
from dashboard.lifecycle.evidence import Outcome, Provider
from dashboard.models import AllowListEntry, Domain, MonthFigures, PolicyVersion, Sweep
from dashboard.queries.accounts import accounts_called
from tests import factories as make
from tests.conftest import START
from tests.support import story


def test_the_migrated_schema_is_the_declared_one(context: Flask) -> None:
    with db.engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message=".*expression-based index.*"
        )  # which SQLite cannot show: see the next test
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert [change for change in found if "ix_cases_open_risk" not in repr(change)] == []


def test_the_queues_index_is_there_and_partial(context: Flask) -> None:
    plan = "EXPLAIN QUERY PLAN " if db.engine.dialect.name == "sqlite" else "EXPLAIN "
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.execute(text("SET enable_seqscan = off"))
        query = "SELECT id FROM cases WHERE state = 'open' ORDER BY risk DESC, id DESC LIMIT 50"
        assert "ix_cases_open_risk" in str(connection.execute(text(plan + query)).fetchall())


def test_upgrading_twice_changes_nothing(context: Flask) -> None:
    before = sorted(inspect(db.engine).get_table_names())
    flask_migrate.upgrade()
    assert sorted(inspect(db.engine).get_table_names()) == before


def test_brakes_come_to_a_database_that_is_in_use_and_leave_it_as_it_was(context: Flask) -> None:
    """From 0001 with cases in it to 0002: every row stays, no case is held, references are still watched over."""
    with writing() as session:
        source, domain = make.make_source(session), make.make_domain(session)
        address = make.make_address(session, make.make_account(session, source), domain)
        case = make.make_case(session, domain)
        make.make_unverification(session, make.make_decision(session, case, story.add_staff(session).id), address)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0001")
    assert "brakes" not in inspect(db.engine).get_table_names()
    flask_migrate.upgrade()
    assert rows() == before
    assert db.session.execute(text("SELECT brake_id FROM cases")).all() == [(None,)]
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("UPDATE cases SET brake_id = 99"))


def test_warnings_come_to_a_database_that_is_in_use_and_leave_it_as_it_was(context: Flask) -> None:
    """From 0004 with un-verifications in it to 0005: every row stays, and notices are watched over like the rest."""
    with writing() as session:
        source, domain = make.make_source(session), make.make_domain(session)
        address = make.make_address(session, make.make_account(session, source), domain)
        case = make.make_case(session, domain)
        make.make_unverification(session, make.make_decision(session, case, story.add_staff(session).id), address)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0004")
    assert "notices" not in inspect(db.engine).get_table_names()
    flask_migrate.upgrade()
    assert rows() == before
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(
            text(
                "INSERT INTO notices (public_id, kind, address_id, source_id, domain_id, state, judged, reason, raised_at)"
                " VALUES ('p', 'early_warning', 99, 99, 99, 'queued', '{}', 'r', '2026-01-01 00:00:00')"
            )
        )


def test_triage_comes_to_a_database_that_is_in_use_and_leaves_it_as_it_was(context: Flask) -> None:
    """From 0006 with cases in it to 0007: every row stays, and every case gets its domain's last label."""
    with writing() as session:
        for name in ("parcel.net", "post.co.uk", "xn--e1afmkfd.xn--p1ai"):
            make.make_case(session, make.make_domain(session, name), tld=None)
        story.add_staff(session)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0006")
    assert "claims" not in inspect(db.engine).get_table_names()
    flask_migrate.upgrade()
    assert rows() == before
    found = db.session.execute(text("SELECT tld, wake_at FROM cases ORDER BY id")).all()
    assert found == [("net", None), ("uk", None), ("xn--p1ai", None)]
    assert db.session.scalars(text("SELECT shortcuts FROM staff")).all() == [True]
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("INSERT INTO claims VALUES (99, 99, '2026-01-01 00:00:00', '2026-01-01 00:00:00')"))


def test_bulk_actions_come_to_a_database_that_is_in_use_and_leave_it_as_it_was(context: Flask) -> None:
    """From 0007 with decisions in it to 0008: every row stays, belongs to no bulk action, references are watched."""
    with writing() as session:
        source, domain = make.make_source(session), make.make_domain(session)
        address = make.make_address(session, make.make_account(session, source), domain)
        case = make.make_case(session, domain)
        make.make_unverification(session, make.make_decision(session, case, story.add_staff(session).id), address)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0007")
    assert "bulk_actions" not in inspect(db.engine).get_table_names()
    flask_migrate.upgrade()
    assert rows() == before
    assert db.session.execute(text("SELECT bulk_id, reverted_by FROM decisions")).all() == [(None, None)]
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("UPDATE decisions SET bulk_id = 99"))
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("UPDATE unverifications SET reverts_id = 99"))


def test_the_allow_list_comes_to_a_database_that_is_in_use_and_leaves_it_as_it_was(context: Flask) -> None:
    with writing() as session:
        case = make.make_case(session)
        make.make_decision(session, case, story.add_staff(session).id)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0008")
    assert not {"allow_list_entries", "reveals"} & set(inspect(db.engine).get_table_names())
    flask_migrate.upgrade()
    assert rows() == before
    assert db.session.execute(text("SELECT allow_entry_id FROM cases")).all() == [(None,)]
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("UPDATE cases SET allow_entry_id = 99"))


def test_dependencies_come_to_a_database_that_is_in_use_and_leave_it_as_it_was(context: Flask) -> None:
    with writing() as session:
        source, domain = make.make_source(session), make.make_domain(session)
        make.make_address(session, make.make_account(session, source), domain)
        make.make_case(session, domain)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0003")
    assert not {"dependencies", "dependency_lapses"} & set(inspect(db.engine).get_table_names())
    flask_migrate.upgrade()
    assert rows() == before
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(
            text(
                "INSERT INTO dependencies (domain_id, kind, depends_on_id, first_seen_at)"
                " VALUES (1, 'mx', 99, '2026-01-01 00:00:00')"
            )
        )


def test_the_sweep_comes_to_a_database_that_is_in_use_and_leaves_it_as_it_was(context: Flask) -> None:
    """From 0002 with checked domains to 0003: every row stays; what was checked in vain was not checked completely."""
    with writing() as session:
        make.make_case(session, make.make_domain(session, "fine.net"))
        make.make_domain(session, "failing.net", failures=3)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0002")
    assert not {"sweeps", "sweep_batches"} & set(inspect(db.engine).get_table_names())
    flask_migrate.upgrade()
    assert rows() == before
    query = "SELECT name, urgent, completed_at = last_checked_at FROM domains ORDER BY name"
    assert [tuple(row) for row in db.session.execute(text(query))] == [("failing.net", 0, None), ("fine.net", 0, 1)]
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("INSERT INTO sweeps (domain_id, next_at) VALUES (99, '2026-01-01 00:00:00')"))


def test_month_figures_come_to_a_database_that_is_in_use_and_every_checked_domain_is_swept_at_once(
    context: Flask,
) -> None:
    """From 0010 to 0011: what was checked before gets a place in the DNS sweep within a day; gone is no news to it."""
    with writing() as session:
        domains = {
            name: make.make_domain(session, name) for name in ("fine.net", "gone.net", "back.net", "swept.net")
        }
        ids = {name: domain.id for name, domain in domains.items()}
        session.add(Domain(name="new.net", created_at=START, next_check_at=START))
        gone, there = Outcome.NOT_FOUND, Outcome.FOUND
        for name, days, said in (("gone.net", 1, gone), ("back.net", 2, gone), ("back.net", 1, there)):
            at = START - timedelta(days=days)
            make.make_evidence(session, domains[name], Provider.DNS, at=at, outcome=said)
        session.add(Sweep(domain_id=ids["swept.net"], next_at=START, seen="abc"))
        make.make_check(session, domains["fine.net"], START)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0010")
    assert "month_figures" not in inspect(db.engine).get_table_names()
    flask_migrate.upgrade()
    assert rows() == before
    swept = {row.domain_id: row for row in db.session.scalars(select(Sweep))}
    assert {name: swept[ident].seen for name, ident in ids.items()} == {
        "fine.net": "",
        "gone.net": "gone",
        "back.net": "",
        "swept.net": "abc",
    }
    now = datetime.now(UTC)
    turns = [swept[ids[name]].next_at for name in ("fine.net", "gone.net", "back.net")]
    assert all(now - timedelta(minutes=5) < turn < now + timedelta(days=1) for turn in turns)
    assert len(set(turns)) == 3
    with pytest.raises(IntegrityError), writing() as session:
        session.add(MonthFigures(month="2026-10", source_id=99, frozen_at=START))


def test_the_policy_comes_to_a_database_with_decisions_and_its_own_become_a_persons_when_it_goes(
    context: Flask,
) -> None:
    """SQLite rebuilds the table of decisions: ids, what hangs on them, and its indexes must outlive that."""
    with writing() as session:
        ada = story.add_staff(session, "ada@desk.test")
        session.add(PolicyVersion(version=2, values={}, note="on", staff_id=ada.id, created_at=START))
        source, domain = make.make_source(session), make.make_domain(session)
        address = make.make_address(session, make.make_account(session, source), domain)
        case = make.make_case(session, domain)
        by_rita = make.make_decision(session, case, story.add_staff(session).id)
        by_policy = make.make_decision(session, case, ada.id)
        by_policy.staff_id, by_policy.policy_version = None, 2
        make.make_unverification(session, by_policy, address)
        ids = [by_rita.id, by_policy.id]
        people = [by_rita.staff_id, ada.id]
    before = rows() | {"policies": 0}
    indexes = {each["name"] for each in inspect(db.engine).get_indexes("decisions")}
    db.session.remove()
    flask_migrate.downgrade(revision="0005")
    assert "policies" not in inspect(db.engine).get_table_names()
    found = db.session.execute(text("SELECT id, staff_id FROM decisions ORDER BY id")).all()
    assert [tuple(row) for row in found] == list(zip(ids, people, strict=True))
    db.session.remove()
    flask_migrate.upgrade()
    assert rows() == before
    assert {each["name"] for each in inspect(db.engine).get_indexes("decisions")} == indexes
    for change in ("staff_id = NULL", "policy_version = 1", "case_id = 99"):
        with pytest.raises(IntegrityError), writing() as session:
            session.execute(text(f"UPDATE decisions SET {change}"))


def test_the_desk_comes_to_a_database_that_is_in_use_and_leaves_it_as_it_was(context: Flask) -> None:
    """From 0009 with decisions in it to 0010: every row stays, none has a term, the shipped reasons are there."""
    with writing() as session:
        make.make_decision(session, make.make_case(session), story.add_staff(session).id)
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0009")
    assert not {"reasons", "note_templates", "case_notes", "mentions"} & set(inspect(db.engine).get_table_names())
    flask_migrate.upgrade()
    assert rows() == before
    assert db.session.execute(text("SELECT until, reverted_at FROM decisions")).all() == [(None, None)]
    assert db.session.scalar(text("SELECT term_at FROM cases")) is None
    assert db.session.scalar(text("SELECT count(*) FROM reasons WHERE retired_at IS NULL")) == 10
    for table in ("INSERT INTO mentions VALUES (99, 99, NULL)", "UPDATE reasons SET retired_by = 99"):
        with pytest.raises(IntegrityError), writing() as session:
            session.execute(text(table))


def test_changes_of_entries_and_the_desks_indexes_come_to_a_database_that_is_in_use_and_go_again(
    context: Flask,
) -> None:
    """From 0011 to 0012: every row stays, no entry of the allow-list was changed."""
    new = {"ix_decisions_opening_id", "ix_case_openings_decided"}
    with writing() as session:
        make.make_account(session, make.make_source(session), "Paula")
        make.make_decision(session, make.make_case(session), story.add_staff(session).id)
        session.add(AllowListEntry(kind="domain", value="kept.net", reason="owner", created_at=START))
    before = rows()
    db.session.remove()
    flask_migrate.downgrade(revision="0011")
    assert "changed_at" not in {each["name"] for each in inspect(db.engine).get_columns("allow_list_entries")}
    assert not new & index_names()
    flask_migrate.upgrade()
    assert (rows(), new - index_names()) == (before, set())
    assert accounts_called(db.session(), "paula") == [1]
    assert db.session.execute(text("SELECT changed_at, changed_by FROM allow_list_entries")).all() == [(None, None)]
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text("UPDATE allow_list_entries SET changed_by = 99"))


def index_names() -> set[str]:
    where = (
        "sqlite_master WHERE type = 'index'" if db.engine.dialect.name == "sqlite" else "pg_class WHERE relkind = 'i'"
    )
    name = "name" if db.engine.dialect.name == "sqlite" else "relname"
    found = set(db.session.scalars(text(f"SELECT {name} FROM {where}")))
    db.session.remove()
    return found


def rows() -> dict[str, int]:
    """Count every table but the sweep's, which a migration fills."""
    counts = {name: text(f"SELECT count(*) FROM {name}") for name in Base.metadata.tables if name != "sweeps"}
    return {name: db.session.scalar(query) or 0 for name, query in counts.items()}


def test_the_audit_table_refuses_changes_after_a_migration(context: Flask) -> None:
    with writing() as session:
        session.execute(
            text(
                "INSERT INTO audit_entries (seq, hash, canonical, event, actor, object_type, object_id, occurred_at)"
                " VALUES (1, 'h', 'c', 'e', 'a', 't', 'i', '2026-01-01 00:00:00')"
            )
        )
    for statement in ("UPDATE audit_entries SET actor = 'x'", "DELETE FROM audit_entries"):
        with pytest.raises(DatabaseError, match="never changed"), writing() as session:
            session.execute(text(statement))


@pytest.mark.postgres
def test_the_audit_table_refuses_changes_in_a_replaying_session_too(context: Flask) -> None:
    if db.engine.dialect.name != "postgresql":
        return
    with pytest.raises(DatabaseError, match="never changed"), writing() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("DELETE FROM audit_entries"))

"""The two ways of opening a transaction, on both databases."""

from __future__ import annotations

import os
import stat
import threading
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.app import create_app
from dashboard.database import TransactionError, db, writing
from dashboard.models import Marker, Source
from tests.conftest import START, make_settings, migrate


def add_marker(name: str, value: str = "x") -> None:
    with writing() as session:
        session.add(Marker(name=name, value=value))


def test_what_is_written_is_committed(context: Flask) -> None:
    add_marker("a")
    db.session.rollback()
    assert db.session.scalars(select(Marker.name)).all() == ["a"]


def test_a_new_sqlite_file_and_its_journals_are_their_owners_alone(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        migrate(f"sqlite:///{tmp_path / 'new.db'}", tmp_path)
        app = create_app(make_settings(tmp_path, database_url=f"sqlite:///{tmp_path / 'new.db'}"))
        with app.app_context():
            add_marker("a")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("new.db*")}
            db.engine.dispose()
    finally:
        os.umask(umask)
    assert modes == dict.fromkeys(["new.db", "new.db-shm", "new.db-wal"], 0o600)


def test_an_exception_rolls_back(context: Flask) -> None:
    with pytest.raises(RuntimeError), writing() as session:
        session.add(Marker(name="a", value="x"))
        session.flush()
        raise RuntimeError
    assert db.session.scalars(select(Marker.name)).all() == []


def test_changes_made_before_the_write_transaction_are_refused(context: Flask) -> None:
    db.session.execute(select(Marker))
    db.session.add(Marker(name="a", value="x"))
    with pytest.raises(TransactionError), writing():
        pass


def test_two_writers_that_read_then_write_lose_nothing(app: Flask) -> None:
    with app.app_context():
        add_marker("count", "0")

    def bump() -> None:
        with app.app_context():
            for _ in range(20):
                with writing() as session:
                    marker = session.get_one(Marker, "count", with_for_update=True)
                    marker.value = str(int(marker.value) + 1)

    threads = [threading.Thread(target=bump) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        assert db.session.get_one(Marker, "count").value == "60"


def test_times_come_back_aware_and_naive_ones_are_refused(context: Flask) -> None:
    with writing() as session:
        session.add(Source(slug="s", name="S", created_at=START))
    assert db.session.scalars(select(Source.created_at)).one() == START
    with pytest.raises(Exception, match="naive"), writing() as session:
        session.add(Source(slug="t", name="T", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001
        session.flush()


def test_a_write_transaction_within_another_is_refused_and_nothing_is_half_written(context: Flask) -> None:
    with pytest.raises(TransactionError), writing() as session:
        session.add(Marker(name="a", value="x"))
        session.flush()
        add_marker("b")
    assert db.session.scalars(select(Marker.name)).all() == []

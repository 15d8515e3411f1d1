from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from tests.support import postgres
from tests.support.postgres import Cluster, conninfo
from tests.support.require import require

pytestmark = pytest.mark.postgres


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def test_a_database_is_fresh_each_time_it_is_made(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database("fresh")
    assert make_url(url).drivername == "postgresql+psycopg"
    run(url, "CREATE TABLE mark (id int)")
    again = postgres_cluster.create_database("fresh")
    assert again == url
    assert run(again, "SELECT count(*) FROM pg_tables WHERE tablename = 'mark'") == [(0,)]


def test_a_database_can_be_copied_from_another(postgres_cluster: Cluster) -> None:
    run(postgres_cluster.create_database("pattern"), "CREATE TABLE mark AS SELECT 7 AS id")
    copy = postgres_cluster.create_database("copied", template="pattern")
    assert run(copy, "SELECT id FROM mark") == [(7,)]


def test_a_database_is_dropped_under_a_forgotten_connection(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database("held")
    with psycopg.connect(conninfo(url)) as forgotten:
        postgres_cluster.drop_database("held")
        with pytest.raises(psycopg.OperationalError):
            forgotten.execute("SELECT 1")


def test_text_is_utf_8(postgres_cluster: Cluster) -> None:
    url = postgres_cluster.create_database("utf8")
    assert run(url, "SELECT getdatabaseencoding()") == [("UTF8",)]


def test_the_named_server_is_used_and_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    require("postgres")
    with postgres.cluster() as host:
        url = host.create_database("maintenance")
        monkeypatch.setenv(postgres.VARIABLE, conninfo(url))
        with postgres.cluster() as named:
            made = named.create_database("fresh")
            assert run(made, "SELECT 1") == [(1,)]
            assert make_url(made).database != "fresh", "another run may use the same server"
        left = run(url, "SELECT datname FROM pg_database WHERE datname LIKE '%fresh'")
        assert left == []
        monkeypatch.delenv(postgres.VARIABLE)


def test_a_temporary_cluster_starts_soon_and_leaves_nothing() -> None:
    if postgres.programs() is None:
        require("postgres")
        pytest.skip("only a named server here")
    began = time.monotonic()
    with postgres.temporary_cluster() as cluster:
        base = Path(str(cluster.url.query["host"]))
        assert base.stat().st_mode & 0o777 == 0o700
        pid = int((base / "data" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}").exists()
    assert not base.exists()
    assert not Path(f"/proc/{pid}").exists()
    assert time.monotonic() - began < 60

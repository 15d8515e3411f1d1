"""Many rows in few statements, by the quickest way each driver has.

SQLAlchemy's own handling of a row costs more than the database's, so rows pass it by here. Times come and go as UTC
text (`values.moment`), booleans from SQLite as 0 and 1.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol, cast

import orjson
import psycopg
from sqlalchemy.orm import Session

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table of one source's things: `key` is the source's own id, unique with `source_id`; `columns` may change.

    Rows of a `numbered` one get their ids from here, since others name them; else the database numbers them.
    """

    table: str
    key: str
    columns: tuple[str, ...]
    times: frozenset[str]
    numbered: bool = True

    @property
    def inserted(self) -> tuple[str, ...]:
        """All columns of a new row, in the order of `Bulk.insert`."""
        return (*(("id",) if self.numbered else ()), "source_id", self.key, *self.columns)


ACCOUNTS = Shape(
    "accounts",
    "external_id",
    ("username", "two_factor", "last_active_at", "account_created_at"),
    frozenset({"last_active_at", "account_created_at"}),
)
ADDRESSES = Shape(
    "addresses",
    "external_id",
    (
        "account_id",
        "local_part",
        "host",
        "domain_id",
        "unchecked",
        "verified",
        "verified_at",
        "first_verified_at",
        "is_primary",
        "state_token",
    ),
    frozenset({"verified_at", "first_verified_at"}),
    numbered=False,
)
PACKAGES = Shape(
    "packages", "purl", ("name", "critical", "downloads_30d", "last_release_at"), frozenset({"last_release_at"})
)


class Bulk(Protocol):
    """What an import does to a database, within the session's transaction."""

    def find(self, shape: Shape, source_id: int, keys: Sequence[str]) -> dict[str, Values]:
        """Return what is stored under `keys`: the row's id, then its columns."""
        ...

    def reserve(self, shape: Shape, number: int) -> Iterable[int]:
        """Return at least `number` ids for new rows."""
        ...

    def insert(self, shape: Shape, rows: Iterable[Values]) -> None:
        """Add rows of the columns `Shape.inserted`."""
        ...

    def update(self, shape: Shape, rows: Sequence[Values]) -> None:
        """Overwrite the columns of rows: columns, then id."""
        ...

    def find_domains(self, names: Sequence[str]) -> dict[str, int]:
        """Return the ids of the domains that are stored."""
        ...

    def add_domains(self, names: Sequence[str], due_at: str) -> dict[str, int]:
        """Add those domains that are not stored yet, due at `due_at`, and return their ids."""
        ...


def bulk_of(session: Session) -> Bulk:
    """Return the way of the session's database."""
    connection = session.connection()
    driver = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        return _Postgresql(cast("psycopg.Connection[Any]", driver))
    return _Sqlite(cast("sqlite3.Connection", driver))


_LOCAL_SETTINGS = """
    SELECT set_config('TimeZone', 'UTC', true),
           CASE WHEN has_parameter_privilege('session_replication_role', 'SET')
                THEN set_config('session_replication_role', 'replica', true) END
"""
"""For the transaction only. Times are UTC digits. And where the role may say so (GRANT SET ON PARAMETER
session_replication_role), foreign keys are not checked row by row, which takes more than half of an import's time:
every id written here was looked up or made in the same transaction, and none of these rows is ever deleted.
"""


class _Postgresql:
    """COPY for new rows; each look-up is a certain walk through the index, whatever the planner believes."""

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self._cursor = driver.cursor()
        self._cursor.execute(_LOCAL_SETTINGS)

    def find(self, shape: Shape, source_id: int, keys: Sequence[str]) -> dict[str, Values]:
        # LATERAL with LIMIT: before its first ANALYZE a table counts as empty, and would be read whole every time
        columns = ", ".join(self._read(column, shape) for column in shape.columns)
        self._cursor.execute(
            f"SELECT wanted.key, kept.* FROM unnest(%s::text[]) AS wanted(key) CROSS JOIN LATERAL"  # noqa: S608
            f" (SELECT id, {columns} FROM {shape.table} WHERE source_id = %s AND {shape.key} = wanted.key LIMIT 1)"
            " AS kept",
            (list(keys), source_id),
        )
        return {row[0]: row[1:] for row in self._cursor}

    @staticmethod
    def _read(column: str, shape: Shape) -> str:
        return (
            f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')" if column in shape.times else column
        )

    def reserve(self, shape: Shape, number: int) -> Iterable[int]:
        return self._reserve(shape.table, number)

    def _reserve(self, table: str, number: int) -> Sequence[int]:
        # the sequence is looked up once, not for every number; they are listed only if others took some between
        self._cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')::regclass::oid", (table,))
        (sequence,) = self._cursor.fetchone() or (None,)
        self._cursor.execute(
            "SELECT min(n), max(n), CASE WHEN max(n) - min(n) >= count(*) THEN array_agg(n) END"
            " FROM (SELECT nextval(%s::oid::regclass) AS n FROM generate_series(1, %s)) AS taken",
            (sequence, number),
        )
        first, last, apart = cast("tuple[int, int, list[int] | None]", self._cursor.fetchone())
        return apart or range(first, last + 1)

    def insert(self, shape: Shape, rows: Iterable[Values]) -> None:
        columns = shape.inserted
        self._copy(f"COPY {shape.table} ({', '.join(columns)}) FROM STDIN", rows)

    def _copy(self, statement: str, rows: Iterable[Values]) -> None:
        with self._cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def update(self, shape: Shape, rows: Sequence[Values]) -> None:
        sets = ", ".join(f"{column} = %s" for column in shape.columns)
        self._cursor.executemany(f"UPDATE {shape.table} SET {sets} WHERE id = %s", rows)  # noqa: S608  own names

    def find_domains(self, names: Sequence[str]) -> dict[str, int]:
        self._cursor.execute(
            "SELECT wanted.name, kept.id FROM unnest(%s::text[]) AS wanted(name) CROSS JOIN LATERAL ("
            "SELECT id FROM domains WHERE name = wanted.name LIMIT 1) kept",
            (list(names),),
        )
        return dict(self._cursor.fetchall())

    def add_domains(self, names: Sequence[str], due_at: str) -> dict[str, int]:
        names = sorted(names)  # in order, so that two imports never wait for each other in a circle
        added = dict(zip(names, self._reserve("domains", len(names)), strict=True))
        self._cursor.execute("SAVEPOINT domains")
        try:
            self._copy(
                "COPY domains (id, name, created_at, next_check_at) FROM STDIN",
                ((ident, name, due_at, due_at) for name, ident in added.items()),
            )
        except psycopg.errors.UniqueViolation:  # another source's import adds the same ones just now
            self._cursor.execute("ROLLBACK TO SAVEPOINT domains")
            return self._add_domains_between(names, due_at)
        self._cursor.execute("RELEASE SAVEPOINT domains")
        return added

    def _add_domains_between(self, names: Sequence[str], due_at: str) -> dict[str, int]:
        self._cursor.execute(
            "INSERT INTO domains (name, created_at, next_check_at) SELECT name, %(at)s, %(at)s"
            " FROM unnest(%(names)s::text[]) AS name ORDER BY name ON CONFLICT (name) DO NOTHING RETURNING name, id",
            {"at": due_at, "names": names},
        )
        return dict(self._cursor.fetchall())


CACHE_KIB = 16 * 1024
"""Pages held during an import: more makes it no quicker, and its memory grows with the file until they are full."""


class _Sqlite:
    """`executemany` for new rows; the transaction has the whole database for itself."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver
        driver.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

    def find(self, shape: Shape, source_id: int, keys: Sequence[str]) -> dict[str, Values]:
        columns = ", ".join(f"kept.{column}" for column in ("id", *shape.columns))
        rows = self._driver.execute(  # CROSS JOIN keeps the order of the tables
            f"SELECT wanted.value, {columns} FROM json_each(?) AS wanted"  # noqa: S608  own names
            f" CROSS JOIN {shape.table} AS kept WHERE kept.source_id = ? AND kept.{shape.key} = wanted.value",
            (orjson.dumps(keys).decode(), source_id),
        )
        return {row[0]: row[1:] for row in rows}

    def reserve(self, shape: Shape, number: int) -> Iterable[int]:  # noqa: ARG002
        (last,) = self._driver.execute(f"SELECT coalesce(max(id), 0) FROM {shape.table}").fetchone()  # noqa: S608
        return count(last + 1)

    def insert(self, shape: Shape, rows: Iterable[Values]) -> None:
        columns = shape.inserted
        marks = ", ".join("?" * len(columns))
        self._driver.executemany(f"INSERT INTO {shape.table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

    def update(self, shape: Shape, rows: Sequence[Values]) -> None:
        sets = ", ".join(f"{column} = ?" for column in shape.columns)
        self._driver.executemany(f"UPDATE {shape.table} SET {sets} WHERE id = ?", rows)  # noqa: S608  own names

    def find_domains(self, names: Sequence[str]) -> dict[str, int]:
        return dict(
            self._driver.execute(
                "SELECT wanted.value, domains.id FROM json_each(?) AS wanted"
                " CROSS JOIN domains WHERE domains.name = wanted.value",
                (orjson.dumps(names).decode(),),
            ).fetchall()
        )

    def add_domains(self, names: Sequence[str], due_at: str) -> dict[str, int]:
        (last,) = self._driver.execute("SELECT coalesce(max(id), 0) FROM domains").fetchone()
        added = dict(zip(names, count(last + 1), strict=False))
        self._driver.executemany(
            "INSERT INTO domains (id, name, created_at, next_check_at) VALUES (?, ?, ?, ?)",
            [(ident, name, due_at, due_at) for name, ident in added.items()],
        )
        return added

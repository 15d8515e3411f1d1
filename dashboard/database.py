"""The database: one metadata, aware UTC times, and the two ways of opening a transaction.

SQLite's driver by default opens transactions late, which silently loses read-then-write updates; and `BEGIN
IMMEDIATE` for everything makes readers wait for writers. So reads open with `BEGIN` and writers say so beforehand
(`writing()`), which opens with `BEGIN IMMEDIATE` on SQLite and is an ordinary transaction on PostgreSQL.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, Connection, DateTime, Dialect, Engine, Integer, MetaData, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

WRITE = "lapsewatch_write"
BUSY_TIMEOUT_MS = 10_000

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; a naive one is refused, because its zone would be a guess."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; SQLite keeps no zone, so it gets the bare UTC digits."""
        if value is None:
            return None
        if value.tzinfo is not UTC:  # nearly all of them are, and there are dozens to every check
            if value.tzinfo is None:
                raise ValueError("a naive datetime has no place in the database")
            value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Return aware UTC whatever the driver gave."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigId = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    """The typed base of all tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: Json, list[Any]: Json}  # noqa: RUF012  SQLAlchemy's own form


db = SQLAlchemy(metadata=Base.metadata)


class TransactionError(RuntimeError):
    """A transaction was opened in the wrong order: a programming fault, never a user's."""


@contextmanager
def writing() -> Iterator[Session]:
    """Open a write transaction on the scoped session, commit at the end, roll back on any exception.

    A read transaction that is still open is ended first (its snapshot must not be written upon); unflushed changes
    in it are a fault: `TransactionError`.
    """
    session = db.session()
    if session.in_transaction():
        if session.connection().get_execution_options().get(WRITE):
            raise TransactionError("a write transaction is open already: this one would throw away what it wrote")
        if session.new or session.dirty or session.deleted:
            raise TransactionError("changes were made before the write transaction was opened")
        session.rollback()
    session.connection(execution_options={WRITE: True})
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def on_postgresql(session: Session) -> bool:
    """Whether the session's database is PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


def dialect_insert(session: Session) -> Any:
    """Return the `insert` of the session's database, which knows ON CONFLICT where SQLAlchemy's own does not."""
    return postgresql.insert if on_postgresql(session) else sqlite.insert


def tune_engine(engine: Engine) -> None:
    """Give a SQLite engine its pragmas and its explicit `BEGIN`; other databases need nothing."""
    if engine.dialect.name != "sqlite":
        return
    _create_private(engine.url.database)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


def _create_private(path: str | None) -> None:
    """Make a new database file for its owner alone, whatever the umask; SQLite gives its journals the same mode."""
    if path and path != ":memory:":
        # It is there already, or its folder is not, which connecting will tell.
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "temp_store=MEMORY",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    mode = "BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITE) else "BEGIN"
    connection.exec_driver_sql(mode)

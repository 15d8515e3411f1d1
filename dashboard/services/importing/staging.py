"""Temporary tables that take a chunk into the database as it is, by the quickest way each driver has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table
from sqlalchemy.orm import Session

from dashboard.database import UtcDateTime
from dashboard.services.importing.chunk import Chunk, Row

_metadata = MetaData()


def _table(name: str, *columns: Column[object]) -> Table:
    return Table(name, _metadata, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


accounts = _table(
    "staged_accounts",
    Column("external_id", String),
    Column("username", String),
    Column("two_factor", Boolean),
    Column("last_active_at", UtcDateTime),
    Column("account_created_at", UtcDateTime),
)
addresses = _table(
    "staged_addresses",
    Column("line", BigInteger),
    Column("external_id", String),
    Column("account", String),
    Column("local_part", String),
    Column("host", String),
    Column("domain", String),
    Column("unchecked", String),
    Column("verified", Boolean),
    Column("verified_at", UtcDateTime),
    Column("is_primary", Boolean),
    Column("state_token", String),
)
packages = _table(
    "staged_packages",
    Column("purl", String),
    Column("name", String),
    Column("critical", Boolean),
    Column("downloads_30d", BigInteger),
    Column("last_release_at", UtcDateTime),
)
owners = _table(
    "staged_owners",
    Column("line", BigInteger),
    Column("account", String),
    Column("purl", String),
    Column("role", String),
    Column("other_owners", Integer),
)
events = _table(
    "staged_events",
    Column("account", String),
    Column("kind", String),
    Column("at", UtcDateTime),
)


def stage(session: Session, chunk: Chunk) -> None:
    """Load `chunk` into the temporary tables of the session's transaction; they end with it (see `unstage`)."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        # The chunk's times are UTC digits without a zone.
        connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
    _metadata.create_all(connection, checkfirst=False)
    for table, rows in (
        (accounts, chunk.accounts.values()),
        (addresses, chunk.addresses),
        (packages, chunk.packages.values()),
        (owners, chunk.owners),
        (events, chunk.events),
    ):
        if rows:
            _fill(session, table, rows)


def unstage(session: Session) -> None:
    """Drop the temporary tables where the database does not do so by itself at the end of the transaction."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        _metadata.drop_all(connection, checkfirst=False)


def _fill(session: Session, table: Table, rows: Iterable[Row]) -> None:
    """Load rows by the driver itself: SQLAlchemy's own handling of them costs more than the database's."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        driver.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)  # noqa: S608  own names
        return
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)

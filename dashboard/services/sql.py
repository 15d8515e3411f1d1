"""Pieces of SQL that the databases spell differently, for statements that work on many rows without fetching them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Result,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Text, TypeDecorator, TypeEngine

from dashboard.database import on_postgresql

ReturnsRows: TypeAlias = "Select[*tuple[Any, ...]] | ReturningUpdate[*tuple[Any, ...]]"


class _Ids(TypeDecorator[list[int]]):
    """Whole numbers in one parameter: an array for PostgreSQL, JSON text for SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(BigInteger) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else orjson.dumps(value).decode()


class among(FunctionElement[bool]):  # noqa: N801  reads as an operator
    """Condition that a column of ids is one of `ids`, in one parameter however many they are.

    `in_()` makes a parameter of each: both the driver and the database then spend longer on these than on the rows.
    """

    inherit_cache = True

    def __init__(self, column: Any, ids: Collection[int]) -> None:
        super().__init__(column, bindparam(None, list(ids), type_=_Ids(), unique=True))


@compiles(among, "postgresql")
def _any(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(ids, **kw)})"


@compiles(among, "sqlite")
def _json_each(element: among, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = element.clauses
    return f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({compiler.process(ids, **kw)}))"  # noqa: S608  parts the compiler made


class within(among):  # noqa: N801  reads as an operator
    """The same for rows that something else has found: no index leads to these ids, each row is looked up in a hash.

    PostgreSQL would compare each row with one id after another once it plans for any array, not for this one.
    """

    inherit_cache = True


@compiles(within, "postgresql")
def _hashed(element: within, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = (compiler.process(part, **kw) for part in element.clauses)
    return f"({column} IN (SELECT unnest({ids}))) IS TRUE"


@compiles(within, "sqlite")
def _unled(element: within, compiler: SQLCompiler, **kw: Any) -> str:
    column, ids = (compiler.process(part, **kw) for part in element.clauses)
    return f"+{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  parts the compiler made


def pairs(session: Session, found: Mapping[int, int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return keys and values of `found` as the two columns of one set of rows, to be joined with by its keys."""
    if on_postgresql(session):
        sent = (bindparam(None, list(ids), type_=_Ids(), unique=True) for ids in (found.keys(), found.values()))
        rows = func.unnest(*sent).table_valued("key", "value").render_derived()
        return rows.c.key, rows.c.value
    rows = func.json_each(orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS).decode()).table_valued("key", "value")
    return cast(rows.c.key, BigInteger), rows.c.value


class rfc3339_text(FunctionElement[str]):  # noqa: N801  reads as a function
    """A time as `dashboard.times.rfc3339` writes it, made by the database."""

    type = String()
    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column)


@compiles(rfc3339_text, "postgresql")
def _to_char(element: rfc3339_text, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(next(iter(element.clauses)), **kw)
    digits = f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return f"(replace({digits}, '.000000', '') || 'Z')"


@compiles(rfc3339_text, "sqlite")
def _digits(element: rfc3339_text, compiler: SQLCompiler, **kw: Any) -> str:
    column = compiler.process(next(iter(element.clauses)), **kw)
    return f"(replace(replace({column}, '.000000', ''), ' ', 'T') || 'Z')"


# 24 and 32 hex digits; they name an item for ever and guard nothing.
_RANDOM_ID = {
    "sqlite": "lower(hex(randomblob(12)))",
    "postgresql": "replace(gen_random_uuid()::text, '-', '')",
}


def rows_of(session: Session, statement: ReturnsRows) -> Result[*tuple[Any, ...]]:
    """Return the rows of columns without the session's own handling of each, which costs more than fetching them.

    What the session holds unflushed is not seen.
    """
    return session.connection().execute(statement)


def random_id(session: Session) -> ColumnElement[str]:
    """Return the expression for the public id of a new outbox row."""
    return literal_column(_RANDOM_ID["postgresql" if on_postgresql(session) else "sqlite"])


_NO_ROW_BY_ROW = text(
    "SELECT CASE WHEN has_parameter_privilege('session_replication_role', 'SET')"
    " THEN set_config('session_replication_role', 'replica', true) END"
)


def trust_ids(session: Session) -> None:
    """Leave PostgreSQL's foreign keys unchecked to the end of the transaction, where the role may say so.

    For transactions all of whose ids were looked up or made in them, and name rows that are never deleted: the
    checks, one a row and key, take longer than the rows. The audit table's triggers stay awake.
    """
    if on_postgresql(session):
        session.execute(_NO_ROW_BY_ROW)

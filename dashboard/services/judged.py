"""The state of an address that a decision was made on (DESIGN invariant 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from dashboard.database import Json
from dashboard.services.sql import rfc3339_text
from dashboard.times import rfc3339


def judged_state(address: Any) -> dict[str, Any]:
    """Return the state of an address (a row with its columns) as JSON, to be kept and served."""
    return {
        "verified": address.verified,
        "verified_at": rfc3339(address.verified_at),
        "state_token": address.state_token,
    }


class judged_in_sql(FunctionElement[dict[str, Any]]):  # noqa: N801  reads as a function
    """The same made by the database, of expressions: whether verified, since when, the token."""

    type: TypeEngine[Any] = Json
    inherit_cache = True

    def __init__(self, verified: Any, verified_at: Any, state_token: Any) -> None:
        super().__init__(verified, rfc3339_text(verified_at), state_token)


@compiles(judged_in_sql, "postgresql")
def _jsonb(element: judged_in_sql, compiler: SQLCompiler, **kw: Any) -> str:
    verified, since, token = (compiler.process(part, **kw) for part in element.clauses)
    return f"jsonb_build_object('verified', {verified}, 'verified_at', {since}, 'state_token', {token})"


@compiles(judged_in_sql, "sqlite")
def _json(element: judged_in_sql, compiler: SQLCompiler, **kw: Any) -> str:
    verified, since, token = (compiler.process(part, **kw) for part in element.clauses)
    truth = f"json(CASE WHEN {verified} THEN 'true' ELSE 'false' END)"
    return f"json_object('verified', {truth}, 'verified_at', {since}, 'state_token', {token})"


def unchanged(judged: Mapping[str, Any], address: Any) -> bool:
    """Whether an address is still in the state that was judged."""
    return dict(judged) == judged_state(address)

"""How a database means to answer a statement: which indexes it uses, and what it reads from end to end."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from dashboard.database import db


def plan_of(statement: Any) -> str:
    """Explain a statement; PostgreSQL may scan a table only where nothing else is possible, as the tables are small."""
    compiled = statement.compile(db.engine, compile_kwargs={"literal_binds": True})
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{explain} {str(compiled).replace('%', '%%')}").all()
    return "\n".join(str(row[-1]) for row in rows)

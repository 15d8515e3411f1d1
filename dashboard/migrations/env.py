"""Runs the migrations on the application's own engine, in one transaction.

On SQLite foreign keys are switched off before the transaction begins (a table rebuilt by `batch_alter_table` would
otherwise delete its children by cascade) and checked before it commits.
"""

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import JSON, Connection

from dashboard.database import WRITE, Base, UtcDateTime


class ForeignKeyError(RuntimeError):
    """A migration left rows whose parents are gone; nothing was committed."""


def render_item(kind: str, item: object, _context: Any) -> str | Literal[False]:
    """Write the product's own column types as plain ones, so that old migrations never import today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def run(connection: Connection) -> None:
    """Apply the migrations on `connection`."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_item=render_item)
    with connection.begin():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise ForeignKeyError(f"{len(broken)} rows without their parent, first in {broken[0][0]}")


def main() -> None:
    """Open a connection as the application would."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as plain:
        connection = plain.execution_options(**{WRITE: True})
        if connection.dialect.name == "sqlite":
            raw = connection.connection.driver_connection
            raw.execute("PRAGMA foreign_keys=OFF")
            try:
                run(connection)
            finally:
                connection.rollback()  # a pragma is ignored inside a transaction, also one that only reads
                raw.execute("PRAGMA foreign_keys=ON")
        else:
            run(connection)


main()

"""`lapsewatch db`: the database's tables."""

from __future__ import annotations

import click
import flask_migrate
from alembic.runtime.migration import MigrationContext

from dashboard.cli.support import answer, application, json_option
from dashboard.database import db


@click.group()
def group() -> None:
    """The database's tables."""


@group.command()
@json_option
def upgrade(*, as_json: bool) -> None:
    """Make the tables, or bring them up to date; does nothing when they are.

    \b
    lapsewatch db upgrade
    LAPSEWATCH_DATABASE_URL=postgresql://... lapsewatch db upgrade
    """
    with application():
        before = _revision()
        flask_migrate.upgrade()
        after = _revision()
    words = f"The tables are up to date ({after})." if before == after else f"The tables are now at {after}."
    answer({"before": before, "revision": after}, words, as_json=as_json)


def _revision() -> str | None:
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()

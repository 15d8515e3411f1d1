"""Counts the SQL statements of a stretch of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import event

from dashboard.database import db


@contextmanager
def recorded_statements(app: Flask) -> Iterator[list[str]]:
    """Collect every statement that the application's engine executes; opening a transaction is none."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement not in {"BEGIN", "BEGIN IMMEDIATE"}:
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)

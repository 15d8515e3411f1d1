"""What the commands share: the application, refusals in one line, and answers for people or machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.config import SettingError
from dashboard.database import db

ACTOR = system("command-line")

Command = TypeVar("Command", bound=Callable[..., Any])


class Refused(click.ClickException):
    """What was asked for cannot be done; one line on standard error, exit code 1."""


@contextmanager
def application() -> Iterator[Flask]:
    """Run the block within the application; a database that is not there or not up to date is told in a line."""
    try:
        app: Flask = click.get_current_context().obj()  # the roof's factory: this wing does not know how to build it
        with app.app_context():
            yield app
    except SettingError as error:
        raise Refused(str(error)) from None
    except (OperationalError, ProgrammingError) as error:
        words = str(error.orig).strip().splitlines() or ["unknown error"]
        raise Refused(f"database: {words[0]} (for missing tables: lapsewatch db upgrade)") from None


@contextmanager
def reading() -> Iterator[Session]:
    """Open a transaction that only reads; it ends with the block."""
    session = db.session()
    try:
        yield session
    finally:
        session.rollback()


def json_option(command: Command) -> Command:
    """Add `--json` to a command, as its argument `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")(command)


def answer(data: dict[str, object], words: str, *, as_json: bool) -> None:
    """Print the outcome: `data` for machines or `words` for people."""
    click.echo(json.dumps(data) if as_json else words)

"""The roof over both wings: `wsgi:app` for a WSGI server, and the `lapsewatch` command.

The application is built when somebody asks for `app`, so that `lapsewatch --help` starts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dashboard.cli import LAZY
from dashboard.cli.lazy import LazyGroup
from jobs import cli as jobs_cli

if TYPE_CHECKING:
    from flask import Flask

    app: Flask

HELP = """Watch the domains behind a package registry's accounts, and un-verify the addresses of those that lapse.

Settings come from LAPSEWATCH_* variables. `lapsewatch COMMAND --help` shows examples.
"""


def make_app() -> Flask:
    """Build the application: `app`'s, or a command's, which finds this function in its context."""
    from dashboard.app import create_app  # noqa: PLC0415  see above

    return create_app()


lapsewatch = LazyGroup(
    name="lapsewatch",
    help=HELP,
    lazy=LAZY,
    commands=jobs_cli.commands,
    context_settings={"obj": make_app},
)
click.version_option(package_name="lapsewatch", prog_name="lapsewatch")(lapsewatch)


def main() -> None:
    """Run the command line."""
    lapsewatch(prog_name="lapsewatch")


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = make_app()
    return globals()["app"]

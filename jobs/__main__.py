"""`python -m jobs COMMAND`: this wing's commands alone, as the supervisor starts them."""

from __future__ import annotations

import click

from jobs.cli import commands


def main() -> None:
    """Run the command that the arguments name."""
    click.Group(commands=commands)(prog_name="python -m jobs")


if __name__ == "__main__":
    main()

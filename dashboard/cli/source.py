"""`lapsewatch source`: account sources."""

from __future__ import annotations

import click

from dashboard.cli.support import ACTOR, Refused, answer, application, json_option
from dashboard.database import writing
from dashboard.runtime import domain_now
from dashboard.services.sources import add_source


@click.group()
def group() -> None:
    """Account sources: the package registries to protect."""


@group.command()
@click.argument("slug")
@click.option("--name", required=True, help="What people call it.")
@json_option
def add(slug: str, name: str, *, as_json: bool) -> None:
    """Add a source; SLUG is its short name in commands and addresses.

    \b
    lapsewatch source add pypi --name "Python Package Index"
    """
    with application(), writing() as session:
        result = add_source(session, slug, name, domain_now(), ACTOR)
        if result.problem:
            raise Refused(f"{slug}: {result.problem}")
    answer({"slug": slug, "name": name}, f"Added the source {slug}.", as_json=as_json)

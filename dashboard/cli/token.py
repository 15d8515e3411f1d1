"""`lapsewatch token`: API tokens of sources."""

from __future__ import annotations

import click

from dashboard.auth.tokens import Scope, create_token
from dashboard.cli.support import ACTOR, Refused, answer, application, json_option
from dashboard.database import writing
from dashboard.runtime import wall_now
from dashboard.services.sources import find_source


@click.group()
def group() -> None:
    """API tokens of sources."""


@group.command()
@click.option("--source", "slug", required=True, metavar="SLUG", help="Whose token it is.")
@click.option(
    "--scope", required=True, type=click.Choice([scope.value for scope in Scope]), help="What it is good for."
)
@json_option
def create(slug: str, scope: str, *, as_json: bool) -> None:
    """Make a token and print it: it is kept nowhere and cannot be shown again.

    \b
    lapsewatch token create --source pypi --scope unverifications
    """
    with application(), writing() as session:
        source = find_source(session, slug)
        if source is None:
            raise Refused(f"there is no source {slug!r}; add it with: lapsewatch source add")
        token = create_token(session, source, Scope(scope), wall_now(), ACTOR)
    answer({"source": slug, "scope": scope, "token": token}, token, as_json=as_json)

"""`lapsewatch token`: API tokens of sources."""

from __future__ import annotations

import click

from dashboard.auth.tokens import Scope, create_token, find_token, revoke_token
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


@group.command()
@click.argument("prefix")
@json_option
def revoke(prefix: str, *, as_json: bool) -> None:
    """Make the token that starts with PREFIX useless from now on.

    \b
    lapsewatch token revoke lw_AbCdEfGh
    """
    with application(), writing() as session:
        token = find_token(session, prefix)
        if token is None:
            raise Refused("there is no such token; PREFIX is its first 11 characters, as the audit log names it")
        revoke_token(session, token, wall_now(), ACTOR)
    answer({"revoked": True}, "The token is revoked.", as_json=as_json)

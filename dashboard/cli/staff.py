"""`lapsewatch staff`: the people who may sign in."""

from __future__ import annotations

import sys

import click

from dashboard.auth.staff import add_staff, disable_staff, set_password
from dashboard.cli.support import ACTOR, Refused, answer, application, json_option
from dashboard.database import writing
from dashboard.models import Role
from dashboard.runtime import wall_now


@click.group()
def group() -> None:
    """The people who may sign in."""


@group.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What they may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@json_option
def add(email: str, role: str, *, password_stdin: bool, as_json: bool) -> None:
    """Add a member of staff, who signs in as EMAIL.

    \b
    lapsewatch staff add ann@example.com --role admin --password-stdin < password.txt
    """
    password = _from_stdin() if password_stdin else _asked()
    with application(), writing() as session:
        result = add_staff(session, email, Role(role), password, wall_now(), ACTOR)
        if result.problem:
            raise Refused(result.problem)
    answer({"role": role}, f"Added a member of staff with the role {role}.", as_json=as_json)


@group.command()
@click.argument("email")
@json_option
def disable(email: str, *, as_json: bool) -> None:
    """Let somebody sign in no more, and end their sessions.

    \b
    lapsewatch staff disable ann@example.com
    """
    with application(), writing() as session:
        result = disable_staff(session, email, wall_now(), ACTOR)
        if result.problem:
            raise Refused(result.problem)
    answer({"active": False}, "They can sign in no more, and their sessions are ended.", as_json=as_json)


@group.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@json_option
def password(email: str, *, password_stdin: bool, as_json: bool) -> None:
    """Give somebody a new password; a disabled one may sign in again.

    \b
    lapsewatch staff password ann@example.com --password-stdin < password.txt
    """
    chosen = _from_stdin() if password_stdin else _asked()
    with application(), writing() as session:
        result = set_password(session, email, chosen, wall_now(), ACTOR)
        if result.problem:
            raise Refused(result.problem)
    answer({"active": True}, "The password is set, and sessions of the old one are ended.", as_json=as_json)


def _from_stdin() -> str:
    """Return the first line of standard input."""
    return sys.stdin.readline().rstrip("\r\n")


def _asked() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))

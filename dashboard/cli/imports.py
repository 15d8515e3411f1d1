"""`lapsewatch import`: files of accounts and packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from dashboard.cli.progress import progress_bar
from dashboard.cli.support import ACTOR, Refused, answer, application, json_option, reading
from dashboard.database import writing
from dashboard.runtime import domain_now, settings
from dashboard.services.importing import (
    Import,
    ImportRefusedError,
    ImportResult,
    Transactions,
    import_accounts,
    import_packages,
)

STDIN = Path("-")

_options = (
    click.argument("file", type=click.Path(path_type=Path, allow_dash=True)),
    click.option("--source", required=True, metavar="SLUG", help="The source that the file comes from."),
    click.option(
        "--rejects",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Where bad rows are told of (default: FILE.rejects.csv).",
    ),
    json_option,
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_options):
        command = option(command)
    return command


@click.group()
def group() -> None:
    """Bring accounts, addresses and packages in.

    The same file twice changes nothing; one that was interrupted goes on where it stopped. Bad rows are told of in
    the rejects file and do not stop the rest, but a file with more than 5 % of them is refused as a whole.
    """


@group.command()
@_with_options
def accounts(file: Path, source: str, rejects: Path | None, *, as_json: bool) -> None:
    """Import accounts and addresses from FILE: .csv, .ndjson, either .gz, or - for standard input.

    \b
    lapsewatch import accounts --source pypi accounts.csv
    lapsewatch import accounts --source pypi accounts.ndjson.gz --rejects bad.csv
    zcat accounts.csv.gz | lapsewatch import accounts --source pypi -
    """
    _import(import_accounts, file, source, rejects, as_json=as_json)


@group.command()
@_with_options
def packages(file: Path, source: str, rejects: Path | None, *, as_json: bool) -> None:
    """Import the packages of known accounts from FILE: .csv, .csv.gz, or - for standard input.

    \b
    lapsewatch import packages --source pypi packages.csv
    """
    _import(import_packages, file, source, rejects, as_json=as_json)


def _import(
    run: Callable[..., ImportResult], file: Path, source: str, rejects: Path | None, *, as_json: bool
) -> None:
    with application(), progress_bar(quiet=as_json) as progress:
        what = Import(
            file=sys.stdin.buffer if file == STDIN else file,
            source_slug=source,
            rejects_path=rejects or _beside(file, source),
            spool_dir=settings().state_dir,
            actor=ACTOR,
        )
        try:
            result = run(what, Transactions(reading, writing), now=domain_now(), progress=progress)
        except ImportRefusedError as error:
            raise Refused(str(error)) from None
    for notice in result.notices:
        click.echo(f"Note: {notice}.", err=True)
    where = str(what.rejects_path) if result.rejected else None
    answer(
        {**asdict(result), "unchanged": result.unchanged, "rejects": where}, _words(result, where), as_json=as_json
    )


def _beside(file: Path, source: str) -> Path:
    return (
        settings().state_dir / f"{source}.rejects.csv"
        if file == STDIN
        else file.with_name(f"{file.name}.rejects.csv")
    )


def _words(result: ImportResult, rejects: str | None) -> str:
    parts = [f"{result.rows:,} rows with {result.accounts:,} accounts and {result.addresses:,} addresses."]
    if result.resumed_from:
        parts.append(f"Went on after row {result.resumed_from:,}, where an earlier import of this file had stopped.")
    if result.unchanged:
        parts.append("Nothing changed: all of it was known already.")
    else:
        parts.append(f"{result.changed:,} rows changed, {result.domains_new:,} domains are new and due.")
    if rejects:
        parts.append(f"{result.rejected:,} rows were rejected: see {rejects}")
    return " ".join(parts)

"""Commands that work on files of evidence: no network, no database, no settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

FilePath = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
PROVIDERS = ("fastly", "domainr", "rdap", "whois")


@click.group()
def evidence() -> None:
    """Read providers' replies from files, as the product itself reads them.

    \b
    lapsewatch evidence parse --provider whois --domain example.org reply.txt
    lapsewatch evidence assess story.json
    """


@evidence.command()
@click.option("--provider", type=click.Choice(PROVIDERS), required=True, help="Who sent the reply.")
@click.option("--domain", help="The domain that was asked about.")
@click.option("--batch", type=FilePath, help="A manifest: one JSON object a line, with file and domain (or tld).")
@click.argument("file", type=FilePath, required=False)
def parse(provider: str, domain: str | None, batch: Path | None, file: Path | None) -> None:
    """Show what a provider's reply says, as JSON; many replies at once with --batch.

    \b
    lapsewatch evidence parse --provider whois --domain example.com reply.txt
    lapsewatch evidence parse --provider rdap --batch manifest.ndjson
    """
    from dashboard.lifecycle.evidence import Provider  # noqa: PLC0415

    now = datetime.now(UTC)
    if batch is not None and file is None and domain is None:
        _parse_batch(Provider(provider), batch, now)
    elif batch is None and file is not None and domain is not None:
        _parse_one(Provider(provider), file, domain, now)
    else:
        raise click.UsageError("name either --domain and FILE, or --batch")


def _parse_one(provider: Any, file: Path, domain: str, now: datetime) -> None:
    from jobs.evidence.parse import parse_file  # noqa: PLC0415

    try:
        _print_line(parse_file(provider, file, domain, now))
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error


def _parse_batch(provider: Any, manifest: Path, now: datetime) -> None:
    """Print one line for each of the manifest's; files that cannot be read are named at the end, with status 1."""
    from jobs.evidence.parse import parse_batch  # noqa: PLC0415

    unread = []
    # A mark of byte order is no part of the first line; editors of some systems write one.
    with manifest.open(encoding="utf-8-sig", errors="replace") as lines:
        for line in parse_batch(provider, lines, manifest.parent, now):
            # Not click's echo, which flushes every line.
            sys.stdout.write(json.dumps(line.values) + "\n")
            unread += [line.unread] if line.unread else []
    sys.stdout.flush()
    _exit_for(unread)


def _exit_for(unread: Iterable[str]) -> None:
    problems = list(unread)
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    if problems:
        sys.exit(1)


@evidence.command()
@click.argument("file", type=click.File("rb"))
def assess(file: Any) -> None:
    """Assess the replies in a JSON document, as a live check would have (`-` reads standard input).

    \b
    lapsewatch evidence assess case.json
    """
    from jobs.evidence.assess import assess_document  # noqa: PLC0415
    from jobs.evidence.document import DocumentError, read_document  # noqa: PLC0415

    try:
        document = read_document(file.read())
    except DocumentError as error:
        raise click.ClickException(f"{getattr(file, 'name', '-')}: {error}") from error
    click.echo(json.dumps(assess_document(document), indent=2))


def _print_line(values: dict[str, Any]) -> None:
    click.echo(json.dumps(values))

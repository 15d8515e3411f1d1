"""`lapsewatch audit`: the audit log."""

from __future__ import annotations

import sys

import click

from dashboard.audit.verify import verify as verify_chain
from dashboard.cli.support import answer, application, json_option, reading


@click.group()
def group() -> None:
    """The audit log."""


@group.command()
@json_option
def verify(*, as_json: bool) -> None:
    """Check that no entry was edited, removed, added or moved; exit code 1 when one was.

    \b
    lapsewatch audit verify
    lapsewatch audit verify --json
    """
    with application(), reading() as session:
        verdict = verify_chain(session)
    data = {
        "ok": verdict.ok,
        "entries": verdict.entries,
        "head": verdict.head_hash,
        "first_bad_seq": verdict.first_bad_seq,
        "fault": verdict.fault and verdict.fault.value,
    }
    if verdict.ok:
        answer(data, f"The chain holds: {verdict.entries:,} entries, head {verdict.head_hash}.", as_json=as_json)
        return
    if as_json:
        answer(data, "", as_json=True)
    click.echo(f"Error: the audit chain is broken: entry {verdict.first_bad_seq} is {verdict.fault}.", err=True)
    sys.exit(1)

"""`lapsewatch statistics`: the monthly figures."""

from __future__ import annotations

import click

from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.cli.support import ACTOR, application
from dashboard.database import writing
from dashboard.queries.statistics import month_rows, span_of
from dashboard.queries.statistics_files import FORMATS
from dashboard.runtime import domain_now


@click.group()
def group() -> None:
    """The monthly figures."""


def _month(_context: click.Context, _option: click.Parameter, value: str) -> str:
    try:
        span_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


@group.command()
@click.option("--month", required=True, metavar="YYYY-MM", callback=_month, help="Which month (UTC).")
@click.option(
    "--format", "form", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True, help="As what."
)
def export(month: str, form: str) -> None:
    """Print a month's figures, a row a source.

    \b
    lapsewatch statistics export --month 2026-11 > november.csv
    lapsewatch statistics export --month 2026-11 --format json
    """
    with application(), writing() as session:
        rows = month_rows(session, month)
        record(
            session,
            Event.STATISTICS_EXPORTED,
            actor=ACTOR,
            object_type="month",
            object_id=month,
            data={"format": form, "rows": len(rows)},
            now=domain_now(),
        )
    click.echo(FORMATS[form](rows), nl=False)

"""`lapsewatch statistics`: the monthly figures."""

from __future__ import annotations

import click

from dashboard.cli.support import ACTOR, Refused, application, reading
from dashboard.database import writing
from dashboard.queries.statistics import figures_of, span_of, to_rows
from dashboard.queries.statistics_files import FORMATS
from dashboard.runtime import domain_now
from dashboard.services.statistics import UNDER_WAY, Standing, standing
from dashboard.services.statistics import export as take


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
    """Print a month's figures, a row a source; what is printed of a month that is over never changes again.

    \b
    lapsewatch statistics export --month 2026-11 > november.csv
    lapsewatch statistics export --month 2026-11 --format json
    """
    with application():
        now, end = domain_now(), span_of(month).end
        stands = standing(end, now)
        with reading() as session:
            figures = figures_of(session, month)
            if stands is Standing.ENDING and not any(each.frozen_at for each in figures):
                raise Refused(f"{month} has only just ended; ask again after {end + UNDER_WAY:%Y-%m-%d %H:%M} UTC")
        with writing() as session:
            kept = take(session, month, figures, form, ACTOR, now, over=stands is Standing.OVER)
            rows = to_rows(session, kept)
    click.echo(FORMATS[form](rows), nl=False)

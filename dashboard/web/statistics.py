"""The months: a chart with its table, and each month as a file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request
from sqlalchemy.orm import Session

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import MonthFigures
from dashboard.queries.month_counts import count_month
from dashboard.queries.statistics import MonthRow, Span, figures_of, recent_months, span_of, to_rows
from dashboard.queries.statistics_files import FORMATS
from dashboard.services.statistics import Standing, standing
from dashboard.services.statistics import export as take
from dashboard.web.filters import page_now

blueprint = Blueprint("statistics", __name__)
MONTHS = 12
KEPT = "lapsewatch.statistics"
LONG = 1.0
"""From so many seconds on counting a month takes long: with a million domains it does."""
PATIENCE = 30
MIME_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
CHART_HEIGHT = 160
CHART_WIDTH = 960


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the chart: a month's number of one series."""

    x: float
    y: float
    width: float
    height: float
    series: str
    value: int
    month: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Two bars a month: cases flagged, cases decided."""

    bars: Sequence[Bar]
    labels: Sequence[tuple[float, str]]
    top: int
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT


@blueprint.get("/statistics")
@requires(Permission.STATISTICS_READ)
def index() -> str:
    """Show the latest months."""
    return _page()


@blueprint.get("/statistics.<any(csv, json):kind>")
@requires(Permission.STATISTICS_EXPORT)
def export(kind: str) -> Response:
    """Send one month as a file, note in the audit log that it was taken, and freeze it when it is over."""
    month, now = request.args.get("month", ""), page_now()
    try:
        stands = standing(span_of(month).end, now)
        # Counted before the transaction that writes: nobody waits for it.
        figures = figures_of(db.session(), month)
    except ValueError:
        abort(400)
    if stands is Standing.ENDING and not any(each.frozen_at for each in figures):
        return make_response(_page(too_early=month), 409)
    with writing() as session:
        over = stands is Standing.OVER
        kept = take(session, month, figures, kind, current_identity().actor, now, over=over)
        rows = to_rows(session, kept)
    response = Response(FORMATS[kind](rows), content_type=MIME_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="lapsewatch-{month}.{kind}"'
    return response


def _page(too_early: str | None = None) -> str:
    months = recent_months(db.session(), MONTHS, _count_seldom)
    now = page_now()
    return render_template(
        "statistics/index.html",
        months=months,
        standings={month.name: standing(span_of(month.name).end, now).value for month in months},
        chart=bar_chart([row for month in months for row in month.rows]),
        beside=[row for month in months for row in month.beside],
        too_early=too_early,
    )


def _count_seldom(session: Session, span: Span) -> Sequence[MonthFigures]:
    """Count a month; where that takes long, keep what came of it for `PATIENCE` times as long, in this process."""
    kept: dict[str, tuple[float, Sequence[MonthFigures]]] = current_app.extensions.setdefault(KEPT, {})
    started = time.monotonic()
    until, figures = kept.get(span.month, (started, ()))
    if started < until:
        return figures
    figures = count_month(session, span)
    took = time.monotonic() - started
    if took > LONG:
        kept[span.month] = (started + took * PATIENCE, figures)
    return figures


def bar_chart(rows: Sequence[MonthRow]) -> Chart:
    """Sum the sources of each month and lay the bars out, the earliest month first."""
    months = sorted({row.month for row in rows})
    totals = {month: _totals([row for row in rows if row.month == month]) for month in months}
    top = max((value for pair in totals.values() for value in pair.values()), default=0)
    slot = CHART_WIDTH / max(len(months), 6)
    bars = [
        _bar(index * slot + place * slot * 0.36 + slot * 0.12, slot * 0.34, series, value, top, month)
        for index, month in enumerate(months)
        for place, (series, value) in enumerate(totals[month].items())
    ]
    return Chart(bars, [(index * slot + slot / 2, month) for index, month in enumerate(months)], top)


def _totals(rows: Sequence[MonthRow]) -> dict[str, int]:
    return {
        "flagged": sum(row.flagged for row in rows),
        "decided": sum(row.approved + row.overridden for row in rows),
    }


def _bar(x: float, width: float, series: str, value: int, top: int, month: str) -> Bar:
    height = CHART_HEIGHT * value / top if top else 0.0
    return Bar(round(x, 1), round(CHART_HEIGHT - height, 1), round(width, 1), round(height, 1), series, value, month)

"""The months: a chart with its table, and each month as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, render_template, request

from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.queries.statistics import MonthRow, Span, beside_rows, month_rows, recent_rows, span_of
from dashboard.queries.statistics_files import FORMATS
from dashboard.web.filters import page_now

blueprint = Blueprint("statistics", __name__)
MONTHS = 12
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
    session = db.session()
    rows = recent_rows(session, MONTHS)
    beside = beside_rows(session, span_over(rows)) if rows else []
    return render_template("statistics/index.html", rows=rows, chart=bar_chart(rows), beside=beside[::-1])


@blueprint.get("/statistics.<any(csv, json):kind>")
@requires(Permission.STATISTICS_EXPORT)
def export(kind: str) -> Response:
    """Send one month as a file, and note in the audit log that it was taken."""
    month = request.args.get("month", "")
    identity, now = current_identity(), page_now()
    try:
        with writing() as session:
            rows = month_rows(session, month)
            record(
                session,
                Event.STATISTICS_EXPORTED,
                actor=identity.actor,
                object_type="month",
                object_id=month,
                data={"format": kind, "rows": len(rows)},
                now=now,
            )
    except ValueError:
        abort(400)
    response = Response(FORMATS[kind](rows), content_type=MIME_TYPES[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="lapsewatch-{month}.{kind}"'
    return response


def span_over(rows: Sequence[MonthRow]) -> Span:
    """Return the span from the earliest month of `rows` to the latest."""
    return Span(span_of(min(row.month for row in rows)).start, span_of(max(row.month for row in rows)).end)


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

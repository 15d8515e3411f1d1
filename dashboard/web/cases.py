"""The queue, the search that leads into it, and one case."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.lifecycle.assessment import Confidence, HolderChange
from dashboard.lifecycle.evidence import Phase
from dashboard.queries.history import phase_spans
from dashboard.queries.queue import QueueFilters, Viewer, queue_count, queue_page, sources
from dashboard.queries.queue.filters import RISK_BANDS, STATES
from dashboard.runtime import wall_now
from dashboard.web.case_page import case_page
from dashboard.web.filters import page_now
from dashboard.web.pictures import row_strip
from dashboard.web.requests import ROW_ID, number, wants_fragment

blueprint = Blueprint("cases", __name__)
CHOICES = {
    "states": STATES,
    "phases": tuple(phase.value for phase in Phase),
    "confidences": tuple(confidence.value for confidence in Confidence),
    "holder_changes": tuple(change.value for change in HolderChange),
    "risk_bands": tuple(RISK_BANDS),
    "downloads": (10_000, 100_000, 1_000_000, 10_000_000),
    "ages": (1, 3, 7, 14, 30, 90),
    "drops": (5, 14, 30, 60),
}


@blueprint.get("/cases")
@requires(Permission.CASES_READ)
def queue() -> Response:
    """Show the cases, as the filters in the address say."""
    session, filters, viewer = db.session(), QueueFilters.from_args(request.args), viewer_now()
    page = queue_page(session, filters, viewer, after=request.args.get("after"), before=request.args.get("before"))
    spans = phase_spans(session, [row.domain_id for row in page.rows])
    shown: dict[str, Any] = filters.to_args()
    context: dict[str, Any] = {
        "page": page,
        "strips": {row.id: row_strip(row, spans.get(row.domain_id, ()), viewer.now) for row in page.rows},
        "count": queue_count(session, filters, viewer),
        "filters": filters,
        "shown": shown,
        "sources": sources(session),
        "choices": CHOICES,
        "next_url": url_for("cases.queue", **shown, after=page.next) if page.next else None,
        "previous_url": url_for("cases.queue", **shown, before=page.previous) if page.previous else None,
        "first_url": url_for("cases.queue", **shown),
        "now": viewer.now,
    }
    return make_response(render_template("cases/_table.html" if wants_fragment() else "cases/queue.html", **context))


@blueprint.get(f"/cases/<{ROW_ID}:case_id>")
@requires(Permission.CASES_READ)
def show(case_id: int) -> Response:
    """Show one case: timeline, evidence, accounts, reasons, decision form, history."""
    page = case_page(db.session(), case_id, page_now(), offset=number("accounts") or 0)
    if page is None:
        abort(404)
    return make_response(render_template("cases/show.html", case_page=page, form=None))


def viewer_now() -> Viewer:
    """Return who looks at the queue in this request, by both clocks."""
    return Viewer(page_now(), wall_now(), current_identity().staff_id)

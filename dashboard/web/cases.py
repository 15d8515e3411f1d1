"""The queue, and one case."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.lifecycle.assessment import Confidence, HolderChange
from dashboard.lifecycle.evidence import Phase
from dashboard.models import Case
from dashboard.queries.history import phase_spans
from dashboard.queries.paging import Page
from dashboard.queries.queue import (
    QueueFilters,
    QueueRow,
    Viewer,
    neighbour,
    next_case,
    queue_count,
    queue_page,
    sources,
    state_counts,
)
from dashboard.queries.queue.filters import RISK_BANDS, SORTS, STATES
from dashboard.queries.views import views_for
from dashboard.runtime import wall_now
from dashboard.services.claims import holders
from dashboard.web.case_page import case_page
from dashboard.web.chips import chips
from dashboard.web.claims import desk_of
from dashboard.web.filters import page_now
from dashboard.web.pictures import row_strip
from dashboard.web.requests import ROW_ID, number, wants_fragment
from dashboard.web.views import address_of, query_of

blueprint = Blueprint("cases", __name__)
BULK = "bulk_steps.prepare"
LAST_QUEUE = "queue"
"""Where the cookie of forms keeps which filters somebody last looked at: after a decision they go on there."""
MORE = {"confidence", "source", "tld", "downloads", "age", "held", "sole"}
"""Filters behind "More filters", which is open when one of them is on."""
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
    """Show the cases, as the filters in the address say; without any, as the role's default view does."""
    rows, filters, viewer = db.session(), QueueFilters.from_args(request.args), viewer_now()
    fragment, identity = wants_fragment(), current_identity()
    views = () if fragment else views_for(rows, identity.staff_id)
    default = next((view.query for view in views if view.default_role == identity.role), None)
    if default and not request.args:
        return make_response(redirect(f"{url_for('cases.queue')}?{default}", 302))
    if session.get(LAST_QUEUE, "state=open") != query_of(filters):
        session[LAST_QUEUE] = query_of(filters)
    page = queue_page(rows, filters, viewer, after=request.args.get("after"), before=request.args.get("before"))
    context = _table(filters, viewer, page)
    if fragment:
        response = make_response(render_template("cases/_table.html", **context))
        response.headers["HX-Push-Url"] = address_of(filters)
        return response
    context |= {
        "views": views,
        "state_counts": state_counts(rows),
        "sources": sources(rows),
        "choices": CHOICES,
        "more_open": bool(MORE & context["shown"].keys()),
    }
    return make_response(render_template("cases/queue.html", **context))


@blueprint.get(f"/cases/<{ROW_ID}:case_id>")
@requires(Permission.CASES_READ)
def show(case_id: int) -> Response:
    """Show one case: timeline, evidence, accounts, reasons, decision form, history."""
    case, desk = desk_of(case_id, keep=True)
    page = case_page(db.session(), case, desk, page_now(), offset=number("accounts") or 0)
    return make_response(render_template("cases/show.html", case_page=page, form=None))


@blueprint.get(f"/cases/<{ROW_ID}:case_id>/next")
@requires(Permission.CASES_READ)
def following(case_id: int) -> Response:
    """Go to the next case of the queue as it was last looked at."""
    return _leaf(case_id, back=False)


@blueprint.get(f"/cases/<{ROW_ID}:case_id>/previous")
@requires(Permission.CASES_READ)
def preceding(case_id: int) -> Response:
    """Go to the case before in the queue as it was last looked at."""
    return _leaf(case_id, back=True)


def _leaf(case_id: int, *, back: bool) -> Response:
    """Go to a neighbour; behind the last and before the first case lies the queue itself."""
    case = db.session().get(Case, case_id)
    if case is None:
        abort(404)
    filters = _last_queue()
    found = neighbour(db.session(), filters, viewer_now(), case, back=back)
    if found is None:
        flash(f"There is no case {'before' if back else 'behind'} that one in the queue.", "info")
    return make_response(
        redirect(address_of(filters) if found is None else url_for("cases.show", case_id=found), 303)
    )


def _last_queue() -> QueueFilters:
    return QueueFilters.from_args(dict(parse_qsl(session.get(LAST_QUEUE, ""))))


def next_address(case: Case) -> str:
    """Return where work goes on after a case: the next one of the queue as it was last looked at, or that queue.

    Who had only looked something up goes on with the queue of all.
    """
    filters = _last_queue()
    if filters.named or filters.state != QueueFilters().state:
        filters = QueueFilters()
    following = next_case(db.session(), filters, viewer_now(), case)
    if following is not None:
        return url_for("cases.show", case_id=following)
    return url_for("cases.queue") if filters == QueueFilters() else address_of(filters)


def viewer_now() -> Viewer:
    """Return who looks at the queue in this request, by both clocks."""
    return Viewer(page_now(), wall_now(), current_identity().staff_id)


def _table(filters: QueueFilters, viewer: Viewer, page: Page[QueueRow]) -> dict[str, Any]:
    """Collect what the table shows, the part of the page that htmx exchanges."""
    rows, shown = db.session(), filters.to_args()
    ids = [row.id for row in page.rows]
    spans = phase_spans(rows, [row.domain_id for row in page.rows])
    return {
        "page": page,
        "strips": {row.id: row_strip(row, spans.get(row.domain_id, ()), viewer.now) for row in page.rows},
        "claims": holders(rows, ids, viewer.wall_now),
        "claims_url": url_for("claims.index", case_id=ids),
        "count": queue_count(rows, filters, viewer),
        "filters": filters,
        "shown": shown,
        "query": query_of(filters),
        "chips": chips(filters),
        "hidden_filters": {**shown, "state": filters.state or "all"},
        "bulk_url": url_for(BULK) if BULK in current_app.view_functions else None,
        "sort_urls": {name: address_of(filters, sort=name) for name in SORTS},
        "here": address_of(filters, **_cursor()),
        "next_url": address_of(filters, after=page.next) if page.next else None,
        "previous_url": address_of(filters, before=page.previous) if page.previous else None,
        "first_url": address_of(filters),
        "now": viewer.now,
    }


def _cursor() -> dict[str, str]:
    return {name: request.args[name] for name in ("after", "before") if name in request.args}

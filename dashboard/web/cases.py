"""The queue, one case, and the decision on it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from dashboard.auth.identity import requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.lifecycle.assessment import HolderChange
from dashboard.lifecycle.evidence import Phase
from dashboard.models import CaseState
from dashboard.queries.history import phase_spans
from dashboard.queries.queue import QueueFilters, queue_count, queue_page, sources
from dashboard.web.case_page import case_page
from dashboard.web.filters import page_now
from dashboard.web.pictures import row_strip
from dashboard.web.requests import ROW_ID, choice, number, wants_fragment

blueprint = Blueprint("cases", __name__)
ALL = "all"
STATES = tuple(state.value for state in CaseState)
PHASES = tuple(phase.value for phase in Phase)
HOLDER_CHANGES = tuple(change.value for change in HolderChange)
MAX_DROP_DAYS = 365


@blueprint.get("/cases")
@requires(Permission.CASES_READ)
def queue() -> Response:
    """Show the cases, riskiest first, as the filters in the address say."""
    now, session = page_now(), db.session()
    known = sources(session)
    filters, shown = _filters({row.slug: row.id for row in known})
    page = queue_page(session, filters, now, after=request.args.get("after"), before=request.args.get("before"))
    spans = phase_spans(session, [row.domain_id for row in page.rows])
    context: dict[str, Any] = {
        "page": page,
        "strips": {row.id: row_strip(row, spans.get(row.domain_id, ()), now) for row in page.rows},
        "count": queue_count(session, filters, now),
        "shown": shown,
        "sources": known,
        "states": STATES,
        "phases": PHASES,
        "holder_changes": HOLDER_CHANGES,
        "next_url": url_for("cases.queue", **shown, after=page.next) if page.next else None,
        "previous_url": url_for("cases.queue", **shown, before=page.previous) if page.previous else None,
        "first_url": url_for("cases.queue", **shown),
        "now": now,
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


def _filters(source_ids: dict[str, int]) -> tuple[QueueFilters, dict[str, Any]]:
    """Read the filters, and return beside them what to repeat in links: only what differs from the start page."""
    state = choice("state", (*STATES, ALL), CaseState.OPEN.value)
    phase, source = choice("phase", PHASES), choice("source", source_ids)
    holder, drop = choice("holder", HOLDER_CHANGES), number("drop")
    drop = drop if drop is not None and drop <= MAX_DROP_DAYS else None
    shown = {"state": state if state != CaseState.OPEN.value else None, "phase": phase, "source": source}
    shown |= {"holder": holder, "drop": None if drop is None else str(drop)}
    filters = QueueFilters(
        state=None if state == ALL else state,
        phase=phase,
        source_id=source_ids[source] if source else None,
        holder_change=holder,
        drop_days=drop,
    )
    return filters, {name: value for name, value in shown.items() if value}

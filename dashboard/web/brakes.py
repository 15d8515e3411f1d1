"""The brakes: what is held, by which count, and an admin's word on it."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.queries.brakes import brakes
from dashboard.queue import JobName, enqueue
from dashboard.services.brakes.release import How, release_brake
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID

blueprint = Blueprint("brakes", __name__)


@blueprint.get("/settings/brakes")
@requires(Permission.BRAKES_MANAGE)
def index() -> str:
    """List the brakes that are on, and the last ones that were."""
    session = db.session()
    return render_template("brakes/index.html", on=brakes(session, on=True), off=brakes(session, on=False))


@blueprint.post(f"/settings/brakes/<{ROW_ID}:brake_id>/release")
@requires(Permission.BRAKES_MANAGE)
def release(brake_id: int) -> Response:
    """Release or discard what a brake holds; 409 when somebody was faster."""
    how = next((each for each in How if each == request.form.get("how")), None)
    if how is None:
        abort(400)
    identity = current_identity()
    try:
        with writing() as session:
            result = release_brake(session, brake_id, how, identity.actor, identity.staff_id, page_now())
    except LookupError:
        abort(404)
    if not result.done:
        abort(409)
    if how is How.DISCARDED:
        enqueue(JobName.SWEEP, unique="sweep")
    cases = f"{result.cases:,} case{'' if result.cases == 1 else 's'}"
    words = {
        How.RELEASED: f"Released: {cases} may be decided.",
        How.DISCARDED: f"Discarded: {cases} closed, their domains are checked again.",
    }
    flash(words[how], "success")
    return make_response(redirect(url_for("brakes.index"), 303))

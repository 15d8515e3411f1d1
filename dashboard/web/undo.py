"""Take one decision back: the undo of the word that follows it, and of the case's history."""

from __future__ import annotations

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import BulkKind
from dashboard.queries.decisions import UndoPreview, undo_preview
from dashboard.queue import JobName, enqueue
from dashboard.runtime import wall_now
from dashboard.services.bulk.prepare import Scope, Wanted, prepare_revert
from dashboard.services.revert import Reverted, RevertRefusal, Tally, revert_decision
from dashboard.web.bulk_steps import person, weigh
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID

blueprint = Blueprint("undo", __name__)
_REFUSED = {
    RevertRefusal.ALREADY: "This decision was taken back already. Nothing was changed.",
    RevertRefusal.SUPERSEDED: "The case was decided anew since: take that decision back. Nothing was changed.",
}


@blueprint.get(f"/decisions/<{ROW_ID}:decision_id>/undo")
@requires(Permission.CASES_READ)
def show(decision_id: int) -> str:
    """Say what taking the decision back would do, and ask for it."""
    return render_template("cases/undo.html", undo=_preview(decision_id))


@blueprint.post(f"/decisions/<{ROW_ID}:decision_id>/undo")
@requires(Permission.CASES_DECIDE)
def create(decision_id: int) -> Response:
    """Take it back; what its source has been given already is asked about first."""
    found = _preview(decision_id)
    if found.served and request.form.get("confirmed") != "yes":
        return make_response(redirect(url_for("undo.show", decision_id=decision_id), 303))
    identity = current_identity()
    with writing() as session:
        result = revert_decision(session, decision_id, identity.actor, identity.staff_id, page_now())
    if result.refusal is RevertRefusal.NEEDS_BULK:
        return _in_bulk(decision_id)
    if result.refusal is not None:
        flash(_REFUSED[result.refusal], "warning")
    else:
        enqueue(JobName.PUBLISH)
        flash(_done(found, result), "success")
    return make_response(redirect(url_for("cases.show", case_id=found.case_id), 303))


def _preview(decision_id: int) -> UndoPreview:
    found = undo_preview(db.session(), decision_id)
    if found is None:
        abort(404)
    return found


def _in_bulk(decision_id: int) -> Response:
    """Prepare a bulk action: so many addresses are not taken back without a preview and their number typed."""
    with writing() as session:
        wanted = Wanted(BulkKind.REVERT, Scope.REVERT)
        bulk_id = prepare_revert(session, [decision_id], wanted, person(), page_now(), wall_now())
    weigh(bulk_id)
    flash("So many addresses are taken back as a bulk action: look at what it will do, then confirm.", "success")
    return make_response(redirect(url_for("bulk.show", bulk_id=bulk_id), 303))


def _done(found: UndoPreview, result: Reverted) -> Markup:
    again = " The case is open again." if result.reopened else ""
    return Markup("{}: taken back. {}{}").format(found.domain, _words(result.tally), again)


def _words(tally: Tally) -> str:
    parts = (
        (tally.withdrawn, "withdrawn before the source knew"),
        (tally.queued, "to be verified again"),
        (tally.asked, "to be taken back as soon as the source has answered"),
        (tally.touched, "left alone, because their user changed them since"),
    )
    said = [f"{count:,} address{'' if count == 1 else 'es'} {words}" for count, words in parts if count]
    return f"{'; '.join(said)}." if said else "It had changed no address."

"""The decision on a case: read the form, decide, say what was done, go on to the next case."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import Case, DecisionKind
from dashboard.queue import JobName, enqueue
from dashboard.runtime import wall_now
from dashboard.services.claims import forget, held_by_other
from dashboard.services.decide import DecisionRequest, DecisionResult, Refusal, decide
from dashboard.web.bulk_steps import start_single
from dashboard.web.case_page import case_page
from dashboard.web.cases import next_address
from dashboard.web.claims import held_page
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, form_number, required_number

blueprint = Blueprint("decisions", __name__)
MAX_REASON = 64


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong with which field of the form."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class FormState:
    """The form as it was sent, shown again with what is wrong."""

    request: DecisionRequest
    error: FormError


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/decision")
@requires(Permission.CASES_DECIDE)
def create(case_id: int) -> Response:
    """Decide a case; 409 when somebody was faster, 422 when the form cannot be used."""
    asked = _read(case_id)
    identity, now = current_identity(), page_now()
    place = _place(case_id)
    if place is None:
        abort(404)
    with writing() as session:
        if holder := held_by_other(session, case_id, identity.staff_id, wall_now()):
            return held_page(case_id, holder)
        result = decide(session, asked, identity.actor, identity.staff_id, now)
        if result.refusal is None:
            forget(session, case_id, identity.staff_id)
    if result.refusal in {Refusal.CONFLICT, Refusal.CLOSED}:
        return make_response(render_template("cases/conflict.html", case_id=case_id, conflict=result.conflict), 409)
    if result.refusal is Refusal.SECOND_PERSON:
        return start_single(asked)
    if result.refusal is not None:
        return _refused(asked, result)
    if asked.kind is DecisionKind.APPROVE:
        enqueue(JobName.PUBLISH)
    flash(_done(asked, result, place.name), "success")
    return _to_next(place)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the case stood in the queue, and its domain's name."""

    name: str
    risk: int
    id: int


def _place(case_id: int) -> Place | None:
    case = db.session().get(Case, case_id)
    return None if case is None else Place(case.domain.name, case.risk, case.id)


def _read(case_id: int) -> DecisionRequest:
    """Read the form; what no form of ours can send is a 400."""
    kinds = {kind.value: kind for kind in DecisionKind}
    kind = kinds.get(request.form.get("kind", ""))
    if kind is None:
        abort(400)
    return DecisionRequest(
        case_id=case_id,
        version=required_number("version"),
        kind=kind,
        reason_code=request.form.get("reason_code", "")[:MAX_REASON],
        note=request.form.get("note", "").replace("\r\n", "\n").replace("\0", ""),
        effect=request.form.get("effect", "unverify")[:MAX_REASON],
        typed_count=form_number("typed_count"),
        shown_count=required_number("shown_count") if kind is DecisionKind.APPROVE else None,
    )


def _refused(asked: DecisionRequest, result: DecisionResult) -> Response:
    """Show the form again with its values and what is wrong."""
    page = case_page(db.session(), asked.case_id, page_now())
    if page is None:
        abort(404)
    form = FormState(asked, _error(asked, result))
    return make_response(render_template("cases/show.html", case_page=page, form=form), 422)


def _error(asked: DecisionRequest, result: DecisionResult) -> FormError:
    """Put a refusal into words, at the field where it can be mended."""
    errors = {
        Refusal.UNKNOWN_REASON: FormError("reason_code", "Choose a reason."),
        Refusal.NOTE_REQUIRED: FormError("note", "Write a note: this reason does not explain itself."),
        Refusal.COUNT_MISMATCH: FormError(
            "typed_count", f"Type the number of addresses that will be un-verified: {result.addresses:,}."
        ),
        Refusal.COUNT_CHANGED: FormError(
            "form",
            f"The number of addresses changed from {asked.shown_count or 0:,} to {result.addresses:,} since this "
            "page was opened. Nothing was changed: look again, then decide.",
        ),
        Refusal.HELD: FormError(
            "form",
            "A brake holds this case: more domains lapsed at once than can be believed. It cannot be un-verified "
            "until an admin releases the brake; keeping is possible. Nothing was changed.",
        ),
        Refusal.NOTHING_TO_DO: FormError("form", "No address is left to un-verify here. Nothing was changed."),
    }
    return errors.get(result.refusal or Refusal.CLOSED, FormError("form", "This cannot be decided."))


def _done(asked: DecisionRequest, result: DecisionResult, name: str) -> Markup:
    """Say what was done, to how many, with the way back to the case."""
    addresses = f"{result.addresses:,} address{'' if result.addresses == 1 else 'es'}"
    accounts = f"{result.accounts:,} account{'' if result.accounts == 1 else 's'}"
    words = {
        DecisionKind.APPROVE: f"{addresses} of {accounts} will be un-verified; the source is being told",
        DecisionKind.OVERRIDE: f"{addresses} of {accounts} stay verified until the facts change",
    }
    if asked.kind is DecisionKind.APPROVE and asked.effect == "block_reset":
        words[asked.kind] = f"password resets to {addresses} of {accounts} will be refused; the source is being told"
    link = Markup('<a href="{}">See the decided case</a>').format(url_for("cases.show", case_id=asked.case_id))
    return Markup("{}: {}. {}.").format(name, words[asked.kind], link)


def _to_next(place: Place) -> Response:
    """Go on to the next case in the queue, or to the queue when it is empty."""
    case = db.session().get_one(Case, place.id)
    return make_response(redirect(next_address(case), 303))

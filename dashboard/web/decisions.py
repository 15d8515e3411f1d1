"""The decision on a case: read the form, decide, say what was done, go on to the next case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

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
from dashboard.web.claims import desk_of, held_page
from dashboard.web.filters import page_now
from dashboard.web.notes import decision_note
from dashboard.web.requests import ROW_ID, form_day, form_number, required_number, row_ids

blueprint = Blueprint("decisions", __name__)
MAX_REASON = 64
MAX_TICKS = 10_000
TICKED = "ticked"
UNDO = "undo-"
"""Category of what is said after a decision, before the decision's id: the page puts the undo beside it."""
UNTIL_DATE = "date"
UNTIL_FACTS = "facts"
TERMS = {"7": 7, "30": 30, "90": 90, "180": 180}
"""How many days a decision to keep may be said to hold; or until a date, or until the facts change."""


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
    sent: Mapping[str, str]


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/decision")
@requires(Permission.CASES_DECIDE)
def create(case_id: int) -> Response:
    """Decide a case; 409 when somebody was faster, 422 when the form cannot be used."""
    asked = _read(case_id)
    identity, now = current_identity(), page_now()
    place = _place(case_id)
    if place is None:
        abort(404)
    if error := _contradiction(asked):
        return _again(asked, error)
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
    flash(_done(asked, result, place.name), f"{UNDO}{result.decision_id}")
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
    chosen = _ticked() if kind is DecisionKind.APPROVE and request.form.get("which") == TICKED else None
    return DecisionRequest(
        case_id=case_id,
        version=required_number("version"),
        kind=kind,
        reason_code=request.form.get("reason_code", "")[:MAX_REASON],
        note=decision_note(kind),
        effect=request.form.get("effect", "unverify")[:MAX_REASON],
        typed_count=form_number("typed_count"),
        shown_count=required_number("shown_count") if kind is DecisionKind.APPROVE and chosen is None else None,
        chosen=chosen,
        until=_until() if kind is DecisionKind.OVERRIDE else None,
    )


def _ticked() -> frozenset[int]:
    return frozenset(row_ids(request.form.getlist("address_id"), MAX_TICKS))


def _until() -> datetime | None:
    """Read how long a decision to keep holds: a number of days, a date, or None for "until the facts change"."""
    asked, now = request.form.get("until", UNTIL_FACTS), page_now()
    if asked == UNTIL_FACTS:
        return None
    if asked in TERMS:
        return now + timedelta(days=TERMS[asked])
    # A date that cannot be read is as wrong as one that is past: the service refuses it.
    return (form_day("date") or now) if asked == UNTIL_DATE else now


def _contradiction(asked: DecisionRequest) -> FormError | None:
    """Say what is wrong with the ticks: a part that is empty, or ticks beside "all"."""
    if asked.kind is not DecisionKind.APPROVE:
        return None
    if asked.chosen is not None:
        return None if asked.chosen else FormError("which", "Tick the addresses to un-verify, in the table below.")
    if ticks := len(_ticked()):
        ticked = f"{ticks} address{' is' if ticks == 1 else 'es are'} ticked"
        return FormError("which", f"{ticked}, but all were chosen: choose “only the ticked ones”, or untick them.")
    return None


def _refused(asked: DecisionRequest, result: DecisionResult) -> Response:
    """Show the form again with its values and what is wrong."""
    return _again(asked, _error(asked, result))


def _again(asked: DecisionRequest, error: FormError) -> Response:
    case, desk = desk_of(asked.case_id)
    page = case_page(db.session(), case, desk, page_now())
    form = FormState(asked, error, request.form)
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
        Refusal.NOT_REACHED: FormError(
            "form",
            "One of the ticked addresses is no longer there to be un-verified. Nothing was changed: look again, then "
            "decide.",
        ),
        Refusal.BAD_TERM: FormError("until", "Choose a day after today and within a year."),
        Refusal.NOTHING_TO_DO: FormError("form", "No address is left to un-verify here. Nothing was changed."),
    }
    return errors.get(result.refusal or Refusal.CLOSED, FormError("form", "This cannot be decided."))


def _done(asked: DecisionRequest, result: DecisionResult, name: str) -> Markup:
    """Say what was done, to how many, with the way back to the case."""
    addresses = f"{result.addresses:,} address{'' if result.addresses == 1 else 'es'}"
    accounts = f"{result.accounts:,} account{'' if result.accounts == 1 else 's'}"
    words = {
        DecisionKind.APPROVE: f"{addresses} of {accounts} will be un-verified; the source is being told",
        DecisionKind.OVERRIDE: f"{addresses} of {accounts} stay verified until {_end(asked)}",
    }
    if asked.kind is DecisionKind.APPROVE and asked.effect == "block_reset":
        words[asked.kind] = f"password resets to {addresses} of {accounts} will be refused; the source is being told"
    link = Markup('<a href="{}">See the decided case</a>').format(url_for("cases.show", case_id=asked.case_id))
    return Markup("{}: {}. {}.").format(name, words[asked.kind], link)


def _end(asked: DecisionRequest) -> str:
    return f"{asked.until:%Y-%m-%d}, or the facts change" if asked.until else "the facts change"


def _to_next(place: Place) -> Response:
    """Go on to the next case in the queue, or to the queue when it is empty."""
    case = db.session().get_one(Case, place.id)
    return make_response(redirect(next_address(case), 303))

"""Snooze a case, escalate it, bring it back; skip cases for oneself."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup

from dashboard.auth.guard import safe_local_path
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import Case, SetAsideKind
from dashboard.services.decide import conflict_of
from dashboard.services.set_aside import Refusal, SetAsideRequest, SetAsideResult, bring_back, set_aside
from dashboard.services.skips import skip
from dashboard.web.cases import next_address
from dashboard.web.claims import held_page, worker
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, form_day, required_number, row_ids

blueprint = Blueprint("set_aside", __name__)
UNTIL_DATE = "date"
UNTIL_FACTS = "facts"
PERIODS = {"1": 1, "3": 3, "7": 7, "14": 14, "30": 30}


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/set-aside")
@requires(Permission.CASES_DECIDE)
def create(case_id: int) -> Response:
    """Snooze or escalate a case, and go on to the next; 409 when somebody was faster or works on it."""
    case = _case(case_id)
    name = case.domain.name
    asked = _read(case_id)
    with writing() as session:
        result = set_aside(session, asked, worker())
    if result.refusal is not None:
        return _refused(case_id, result)
    what = "escalated to the admins" if asked.kind is SetAsideKind.ESCALATE else _snoozed(asked.until)
    link = Markup('<a href="{}">See the case</a>').format(url_for("cases.show", case_id=case_id))
    flash(Markup("{}: {}. {}.").format(name, what, link), "success")
    return make_response(redirect(next_address(_case(case_id)), 303))


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/wake")
@requires(Permission.CASES_DECIDE)
def wake(case_id: int) -> Response:
    """Bring a snoozed case back into the queue."""
    return _bring_back(case_id, SetAsideKind.SNOOZE)


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/take-up")
@requires(Permission.CASES_TAKE_OVER)
def take_up(case_id: int) -> Response:
    """Take an escalated case up: it is open again, and the admin's own for now."""
    return _bring_back(case_id, SetAsideKind.ESCALATE)


@blueprint.post("/cases/skip")
@requires(Permission.CASES_DECIDE)
def skip_cases() -> Response:
    """Hide the ticked cases from one's own queue while their facts stay, or show them again."""
    ids, back = row_ids(request.form.getlist("case_id")), request.form.get("back") == "yes"
    identity, count = current_identity(), 0
    if ids:
        with writing() as session:
            count = skip(session, ids, identity.actor, identity.staff_id, page_now(), back=back)
    cases = f"{count:,} case{'' if count == 1 else 's'}"
    words = "back in your queue" if back else "out of your queue until phase or holder change; others still see them"
    flash(f"{cases} {words}." if count else "Tick the cases first. Nothing was changed.", "success")
    return make_response(redirect(safe_local_path(request.form.get("return_to")), 303))


def _bring_back(case_id: int, kind: SetAsideKind) -> Response:
    _case(case_id)
    version = required_number("version")
    with writing() as session:
        result = bring_back(session, case_id, version, worker(), kind)
    if result.refusal is not None:
        return _refused(case_id, result)
    flash("The case is back in the queue." if kind is SetAsideKind.SNOOZE else "The case is yours now.", "success")
    return make_response(redirect(url_for("cases.show", case_id=case_id), 303))


def _read(case_id: int) -> SetAsideRequest:
    kind = next((each for each in SetAsideKind if each == request.form.get("kind")), None)
    if kind is None:
        abort(400)
    note = request.form.get("note", "").replace("\r\n", "\n").replace("\0", "")
    until = _until() if kind is SetAsideKind.SNOOZE else None
    return SetAsideRequest(case_id, required_number("version"), kind, note, until)


def _until() -> datetime | None:
    """Read how long: a number of days, a date, or None for "until the facts change"."""
    chosen, now = request.form.get("until", UNTIL_FACTS), page_now()
    if chosen == UNTIL_FACTS:
        return None
    if chosen in PERIODS:
        return now + timedelta(days=PERIODS[chosen])
    # A date that cannot be read is as wrong as one that is past: the service refuses it.
    return (form_day("date") or now) if chosen == UNTIL_DATE else now


def _refused(case_id: int, result: SetAsideResult) -> Response:
    if result.refusal is Refusal.CLAIMED:
        return held_page(case_id, result.holder)
    if result.refusal is Refusal.CONFLICT:
        conflict = conflict_of(db.session(), _case(case_id))
        return make_response(render_template("cases/conflict.html", case_id=case_id, conflict=conflict), 409)
    words = {
        Refusal.NOTE_REQUIRED: "Say in the note what the admins should decide. Nothing was changed.",
        Refusal.BAD_DATE: "Choose a day after today and within a year. Nothing was changed.",
    }
    flash(words[result.refusal or Refusal.BAD_DATE], "error")
    return make_response(redirect(url_for("cases.show", case_id=case_id, _anchor="set-aside"), 303))


def _snoozed(until: datetime | None) -> str:
    return "snoozed until the facts change" if until is None else f"snoozed until {until:%Y-%m-%d %H:%M} UTC"


def _case(case_id: int) -> Case:
    case = db.session().get(Case, case_id)
    if case is None:
        abort(404)
    return case

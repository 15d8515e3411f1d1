"""The steps of a bulk action: prepare, choose, confirm, approve, pause, resume, cancel, take back, stop all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import BulkAction, BulkKind, Case, DecisionKind
from dashboard.queries import bulk as query
from dashboard.queries.paging import whole
from dashboard.queries.queue import QueueFilters, Viewer, case_ids
from dashboard.queue import JobName, enqueue
from dashboard.runtime import wall_now
from dashboard.services.bulk import control
from dashboard.services.bulk.choose import choose as choose_accounts
from dashboard.services.bulk.choose import choose_part
from dashboard.services.bulk.confirm import Confirmation
from dashboard.services.bulk.confirm import approve as approve_bulk
from dashboard.services.bulk.confirm import confirm as confirm_bulk
from dashboard.services.bulk.confirm import withdraw as withdraw_bulk
from dashboard.services.bulk.judging import Moment, waiting_in
from dashboard.services.bulk.outcome import Outcome, Refusal
from dashboard.services.bulk.prepare import Person, Scope, Wanted, decisions_of, prepare_revert, tell_prepared
from dashboard.services.bulk.prepare import prepare as prepare_bulk
from dashboard.services.bulk.refresh import request_checks
from dashboard.services.bulk.work import Pace, claim, release, step
from dashboard.services.decide import DecisionRequest
from dashboard.web.bulk import answer
from dashboard.web.filters import page_now
from dashboard.web.notes import decision_note, plain
from dashboard.web.requests import ROW_ID, form_number, required_number

blueprint = Blueprint("bulk_steps", __name__)
PATIENCE = 1.5
"""Seconds that a page may wait for its preview; the rest is a worker's, and the page shows how far it is."""
LEASE = timedelta(seconds=30)
MAX_CODE = 64


def person() -> Person:
    """Return who asks."""
    identity = current_identity()
    return Person(identity.actor, identity.staff_id)


@blueprint.post("/bulk-actions/prepare")
@requires(Permission.BULK_RUN)
def prepare() -> Response:
    """Freeze a list out of ticked rows or of all rows of a filter, and go to its preview."""
    kind = {each.value: each for each in (BulkKind.APPROVE, BulkKind.OVERRIDE)}.get(request.form.get("kind", ""))
    scope = {each.value: each for each in (Scope.TICKED, Scope.FILTER)}.get(request.form.get("scope", ""))
    if kind is None or scope is None:
        abort(400)
    now, wall = page_now(), wall_now()
    with writing() as session:
        if scope is Scope.FILTER:
            filters = QueueFilters.from_args(request.form)
            viewer = Viewer(now, wall, current_identity().staff_id)
            cases = [(row.id, row.version) for row in case_ids(session, filters, viewer)]
            wanted = Wanted(kind, scope, cases, filters.to_args(), form_number("shown_count"))
        else:
            cases = _ticked(request.form.getlist("case_id"))
            wanted = Wanted(kind, scope, cases)
        bulk_id = prepare_bulk(session, wanted, person(), now, wall) if cases else None
    if bulk_id is None:
        flash("Tick at least one case first: nothing was selected.", "warning")
        return make_response(redirect(url_for("cases.queue"), 303))
    return _to_preview(bulk_id)


def _ticked(values: Sequence[str]) -> list[tuple[int, int]]:
    """Read ticked rows, each the id of a case or `ID.VERSION`; without a version it is the present one."""
    shown: dict[int, int | None] = {}
    for value in values:
        ident, _, version = value.partition(".")
        number = whole(ident)
        if number is None:
            abort(400)
        shown[number] = whole(version)
    known = db.session().execute(select(Case.id, Case.version).where(Case.id.in_(shown)).order_by(Case.id))
    return [(row.id, shown[row.id] or row.version) for row in known]


def _to_preview(bulk_id: int) -> Response:
    """Weigh the list at once if it is short, and go to its page."""
    weigh(bulk_id)
    return make_response(redirect(url_for("bulk.show", bulk_id=bulk_id), 303))


def weigh(bulk_id: int, patience: float | None = None) -> None:
    """Weigh a list for as long as a page may take, a chunk a transaction; what is left is a worker's."""
    lease, until = secrets.token_hex(8), time.monotonic() + (PATIENCE if patience is None else patience)
    with writing() as session:
        if not claim(session, bulk_id, lease, wall_now(), LEASE):
            return
    while time.monotonic() < until:
        with writing() as session:
            if step(session, bulk_id, lease, Moment(page_now(), wall_now()), LEASE, Pace()).ended:
                return
    with writing() as session:
        number = release(session, bulk_id, lease)
    _hand_over(bulk_id, number)


def _hand_over(bulk_id: int, number: int | None) -> None:
    if number is not None:
        enqueue(JobName.RUN_BULK, bulk_id, unique=f"{bulk_id}-{number}")


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/accounts")
@requires(Permission.BULK_RUN)
def accounts(bulk_id: int) -> Response:
    """Choose which high-profile accounts are part of the action."""
    version = required_number("version")
    chosen = [number for value in request.form.getlist("account_id") if (number := whole(value)) is not None]
    return _step(
        bulk_id,
        lambda session: choose_accounts(session, bulk_id, version, chosen, person(), page_now(), wall_now()),
        "Chosen. The numbers below are what will be done now.",
    )


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/confirm")
@requires(Permission.BULK_RUN)
def confirm(bulk_id: int) -> Response:
    """Take the author's word; 422 when the form cannot be used, 409 when the preview is not the one shown."""
    given = Confirmation(
        version=required_number("version"),
        digest=request.form.get("digest", ""),
        reason_code=request.form.get("reason_code", "")[:MAX_CODE],
        note=bulk_note(bulk_id),
        effect=request.form.get("effect", "unverify")[:MAX_CODE],
        typed_count=form_number("typed_count"),
        is_staged=request.form.get("staged") == "yes",
    )
    return _step(
        bulk_id,
        lambda session: confirm_bulk(session, bulk_id, given, person(), page_now(), wall_now()),
        {"running": "It runs now.", "awaiting_second": "Confirmed. A second person must approve it before it runs."},
    )


def bulk_note(bulk_id: int) -> str:
    """Return the note of the form, begun with a template where one was chosen."""
    bulk = query.find(db.session(), bulk_id)
    decides = bulk is not None and bulk.kind != BulkKind.REVERT
    return decision_note(DecisionKind(bulk.kind)) if bulk is not None and decides else plain("note")


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/approve")
@requires(Permission.BULK_APPROVE)
def approve(bulk_id: int) -> Response:
    """Take the second person's word, who is never the author."""
    version, digest = required_number("version"), request.form.get("digest", "")
    return _step(
        bulk_id,
        lambda session: approve_bulk(session, bulk_id, version, digest, person(), page_now(), wall_now()),
        "Approved. It runs now.",
    )


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/withdraw")
@requires(Permission.BULK_RUN)
def withdraw(bulk_id: int) -> Response:
    """Give it up before it runs."""
    version = required_number("version")
    return _step(
        bulk_id,
        lambda session: withdraw_bulk(session, bulk_id, version, person(), page_now()),
        "Withdrawn. Nothing was changed by it.",
    )


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/pause")
@requires(Permission.BULK_STOP)
def pause(bulk_id: int) -> Response:
    """Stop after the chunk that is running."""
    words = "Paused. What is done stays done; nothing more happens until somebody resumes it."
    return _step(bulk_id, lambda session: control.pause(session, bulk_id, person(), page_now()), words)


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/resume")
@requires(Permission.BULK_RUN)
def resume(bulk_id: int) -> Response:
    """Go on where it stopped."""
    version = required_number("version")
    return _step(
        bulk_id, lambda session: control.resume(session, bulk_id, version, person(), page_now()), "It goes on."
    )


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/cancel")
@requires(Permission.BULK_STOP)
def cancel(bulk_id: int) -> Response:
    """End it for good where it is."""
    words = "Cancelled. What was done can be taken back below."
    return _step(bulk_id, lambda session: control.cancel(session, bulk_id, person(), page_now()), words)


@blueprint.post("/bulk-actions/stop-all")
@requires(Permission.BULK_STOP)
def stop_all() -> Response:
    """Pause everything that runs."""
    with writing() as session:
        stopped = control.stop_all(session, person(), page_now())
    count = f"{len(stopped)} bulk action{'' if len(stopped) == 1 else 's'}"
    flash(f"Stopped {count}. Each can be resumed or cancelled.", "success" if stopped else "warning")
    return make_response(redirect(url_for("bulk.index"), 303))


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/check-now")
@requires(Permission.DOMAINS_CHECK)
def check_now(bulk_id: int) -> Response:
    """Have the domains checked whose evidence was too old."""
    now = page_now()
    with writing() as session:
        if query.find(session, bulk_id) is None:
            abort(404)
        number = request_checks(session, bulk_id, person(), now)
    enqueue(JobName.SWEEP, unique="sweep")
    count = f"{number:,} domain{'' if number == 1 else 's'}"
    flash(f"{count} will be checked at once. Prepare the list again in a minute.", "success")
    return _back(bulk_id)


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/again")
@requires(Permission.BULK_RUN)
def again(bulk_id: int) -> Response:
    """Freeze the same cases anew, as they are now."""
    now, wall = page_now(), wall_now()
    with writing() as session:
        before = query.find(session, bulk_id)
        if before is None:
            abort(404)
        if before.kind == BulkKind.REVERT:
            abort(400)
        cases = [(row.id, row.version) for row in query.members(session, bulk_id)]
        wanted = Wanted(BulkKind(before.kind), Scope.TICKED, cases)
        new_id = prepare_bulk(session, wanted, person(), now, wall)
    return _to_preview(new_id)


@blueprint.post(f"/bulk-actions/<{ROW_ID}:bulk_id>/revert")
@requires(Permission.BULK_RUN)
def revert(bulk_id: int) -> Response:
    """Prepare what takes the action back: a bulk action of its own, with its own preview."""
    with writing() as session:
        if query.find(session, bulk_id) is None:
            abort(404)
        made = decisions_of(session, bulk_id)
        wanted = Wanted(BulkKind.REVERT, Scope.REVERT, reverts_id=bulk_id)
        new_id = prepare_revert(session, made, wanted, person(), page_now(), wall_now()) if made else None
    if new_id is None:
        flash("Nothing of it is left to take back.", "warning")
        return _back(bulk_id)
    return _to_preview(new_id)


def start_single(asked: DecisionRequest) -> Response:
    """Turn a decision that needs a second person into a bulk action of one case, confirmed by its author.

    Where the case waits in a bulk action already, lead to that one.
    """
    with writing() as session:
        waiting = waiting_in(session, [asked.case_id], wall_now()).get(asked.case_id)
        if waiting is not None:
            flash("Nothing was changed: the case waits in this bulk action already.", "warning")
            return _back(waiting)
        wanted = Wanted(BulkKind(asked.kind.value), Scope.SINGLE, [(asked.case_id, asked.version)])
        bulk_id = prepare_bulk(session, wanted, person(), page_now(), wall_now())
    weigh(bulk_id, patience=20.0)
    if asked.chosen is not None:
        with writing() as session:
            choose_part(session, bulk_id, asked.chosen)
    seen = db.session().get_one(BulkAction, bulk_id, populate_existing=True)
    given = Confirmation(
        seen.version, seen.digest, asked.reason_code, asked.note, asked.effect, typed_count=seen.addresses
    )
    with writing() as session:
        outcome = confirm_bulk(session, bulk_id, given, person(), page_now(), wall_now())
        if outcome.refusal is not None:
            tell_prepared(session, session.get_one(BulkAction, bulk_id), person(), page_now())
    if outcome.refusal is None:
        flash("This needs a second person: it waits here for somebody else's approval.", "success")
    return _back(bulk_id)


Work = Callable[..., Outcome]


def _step(bulk_id: int, work: Work, words: str | dict[str, str]) -> Response:
    """Take a step in one transaction and say what it did, or why it was not taken."""
    try:
        with writing() as session:
            outcome = work(session)
            bulk = session.get_one(BulkAction, bulk_id)
            number = bulk.round
    except LookupError:
        abort(404)
    if outcome.refusal is not None:
        return _refused(bulk_id, outcome.refusal)
    if outcome.state == "running":
        _hand_over(bulk_id, number)
    said = words if isinstance(words, str) else words[outcome.state.value]
    flash(Markup("{}").format(said), "success")
    return _back(bulk_id)


def _back(bulk_id: int) -> Response:
    return make_response(redirect(url_for("bulk.show", bulk_id=bulk_id), 303))


_ERRORS = {
    Refusal.UNKNOWN_REASON: ("reason_code", "Choose a reason."),
    Refusal.NOTE_REQUIRED: ("note", "Write a note: it says why this is done."),
    Refusal.NOTHING_TO_DO: ("form", "No case is left in this list. Nothing was changed."),
    Refusal.OWN_ACTION: ("form", "You prepared this yourself: somebody else must approve it. Nothing was changed."),
    Refusal.EXPIRED: ("form", "The preview has expired. Nothing was changed: prepare the list again."),
}


def _refused(bulk_id: int, refusal: Refusal) -> Response:
    bulk = query.find(db.session(), bulk_id)
    assert bulk is not None
    if refusal is Refusal.CONFLICT:
        return make_response(render_template("bulk/conflict.html", bulk=bulk), 409)
    if refusal is Refusal.COUNT_MISMATCH:
        field, message = "typed_count", f"Type the number of addresses: {bulk.addresses:,}."
    else:
        field, message = _ERRORS[refusal]
    return answer(bulk_id, 422, error={"field": field, "message": message}, form=request.form)

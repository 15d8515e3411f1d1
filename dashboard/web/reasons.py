"""The reasons of decisions and the templates of notes, which admins keep."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import DecisionKind, NoteTemplate, ReasonCode
from dashboard.services import reasons as service
from dashboard.services.reasons import MAX_BODY, MAX_LABEL, MAX_TITLE, Keeper, Kept, Refusal
from dashboard.web.filters import page_now
from dashboard.web.notes import plain
from dashboard.web.requests import ROW_ID

blueprint = Blueprint("reasons", __name__)
_REFUSED = {
    Refusal.NO_WORDS: "Fill in the words.",
    Refusal.TOO_LONG: "That is too long.",
    Refusal.THE_LAST: "It is the last of its kind: without it nothing could be decided. Add another first.",
    Refusal.EXISTS: "There is one with these words already.",
}


@blueprint.get("/settings/reasons")
@requires(Permission.REASONS_MANAGE)
def index() -> str:
    """Show reasons and templates, those in use and those retired."""
    session = db.session()
    return render_template(
        "settings/reasons.html",
        kinds=[kind.value for kind in DecisionKind],
        reasons=session.scalars(select(ReasonCode).order_by(ReasonCode.needs_note, ReasonCode.id)).all(),
        templates=session.scalars(select(NoteTemplate).order_by(NoteTemplate.id)).all(),
        limits={"label": MAX_LABEL, "title": MAX_TITLE, "body": MAX_BODY},
    )


@blueprint.post("/settings/reasons")
@requires(Permission.REASONS_MANAGE)
def create() -> Response:
    """Add a reason."""
    kind, label, needs_note = _kind(), plain("label"), request.form.get("needs_note") == "yes"
    return _done(
        lambda session, keeper: service.add_reason(session, kind, label, keeper, needs_note=needs_note),
        "The reason can be chosen from now on.",
    )


@blueprint.post(f"/settings/reasons/<{ROW_ID}:reason_id>/replace")
@requires(Permission.REASONS_MANAGE)
def replace(reason_id: int) -> Response:
    """Give a reason other words: another takes its place, and earlier decisions keep theirs."""
    label, needs_note = plain("label"), request.form.get("needs_note") == "yes"
    return _done(
        lambda session, keeper: service.add_reason(
            session, DecisionKind.APPROVE, label, keeper, needs_note=needs_note, replaces=reason_id
        ),
        "The new words are chosen from now on; earlier decisions keep the old ones.",
    )


@blueprint.post(f"/settings/reasons/<{ROW_ID}:reason_id>/retire")
@requires(Permission.REASONS_MANAGE)
def retire(reason_id: int) -> Response:
    """Take a reason off the list."""
    return _done(
        lambda session, keeper: service.retire_reason(session, reason_id, keeper),
        "Retired. Decisions that were made with it keep its words.",
    )


@blueprint.post(f"/settings/reasons/<{ROW_ID}:reason_id>/restore")
@requires(Permission.REASONS_MANAGE)
def restore(reason_id: int) -> Response:
    """Put a retired reason on the list again."""
    words = "It can be chosen again."
    return _done(lambda session, keeper: service.restore_reason(session, reason_id, keeper), words)


@blueprint.post("/settings/note-templates")
@requires(Permission.REASONS_MANAGE)
def create_template() -> Response:
    """Add a template."""
    kind, title, body = _kind(), plain("title"), plain("body")
    return _done(
        lambda session, keeper: service.add_template(session, kind, title, body, keeper),
        "Notes can begin with it from now on.",
    )


@blueprint.post(f"/settings/note-templates/<{ROW_ID}:template_id>/retire")
@requires(Permission.REASONS_MANAGE)
def retire_template(template_id: int) -> Response:
    """Take a template off the list."""
    return _done(
        lambda session, keeper: service.retire_template(session, template_id, keeper),
        "Retired. Notes that were begun with it keep its words.",
    )


def _kind() -> DecisionKind:
    kind = next((each for each in DecisionKind if each == request.form.get("kind")), None)
    if kind is None:
        abort(400)
    return kind


def _done(work: Callable[[Session, Keeper], Kept], words: str) -> Response:
    identity = current_identity()
    try:
        with writing() as session:
            kept = work(session, Keeper(identity.actor, identity.staff_id, page_now()))
    except LookupError:
        abort(404)
    refused = kept.refusal is not None
    said = f"{_REFUSED[kept.refusal]} Nothing was changed." if kept.refusal is not None else words
    flash(said, "error" if refused else "success")
    return make_response(redirect(url_for("reasons.index"), 303))

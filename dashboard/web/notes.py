"""Notes on a case, and what waits for somebody because a note names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from flask import Blueprint, Response, abort, flash, g, make_response, redirect, request, url_for

from dashboard.auth.guard import safe_local_path
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import DecisionKind
from dashboard.queries.notes import ShownMention, ShownTemplate, live_templates, unseen_mentions
from dashboard.services.notes import MAX_NOTE, Refusal, Written, see_mention, write_note
from dashboard.services.reasons import template_words
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, form_number

blueprint = Blueprint("notes", __name__)
_REFUSED = {
    Refusal.EMPTY: "Write something first. Nothing was kept.",
    Refusal.TOO_LONG: f"A note has at most {MAX_NOTE:,} characters. Nothing was kept.",
}


@blueprint.app_template_global()
def mentions_of_me() -> Sequence[ShownMention]:
    """Return the notes that name the one who asks, for the overview."""
    return unseen_mentions(db.session(), current_identity().staff_id)


@blueprint.app_template_global()
def note_templates(kind: str) -> Sequence[ShownTemplate]:
    """Return the templates that notes of one kind of decision can begin with, read once a request."""
    if "note_templates" not in g:
        g.note_templates = live_templates(db.session())
    return cast("Mapping[str, Sequence[ShownTemplate]]", g.note_templates).get(kind, ())


@blueprint.post(f"/cases/<{ROW_ID}:case_id>/notes")
@requires(Permission.CASES_DECIDE)
def create(case_id: int) -> Response:
    """Write a note on a case."""
    identity = current_identity()
    try:
        with writing() as session:
            done = write_note(session, case_id, plain("body"), identity.actor, identity.staff_id, page_now())
    except LookupError:
        abort(404)
    flash(_said(done), "warning" if done.refusal or done.unknown else "success")
    return make_response(redirect(url_for("cases.show", case_id=case_id, _anchor="notes"), 303))


@blueprint.post(f"/mentions/<{ROW_ID}:note_id>/seen")
@requires(Permission.CASES_READ)
def seen(note_id: int) -> Response:
    """Tick off that a note names oneself."""
    identity = current_identity()
    with writing() as session:
        see_mention(session, note_id, identity.actor, identity.staff_id, page_now())
    return make_response(redirect(safe_local_path(request.form.get("return_to")), 303))


def plain(name: str) -> str:
    """Return a text of the form as it is kept: one kind of line end, and no byte that PostgreSQL refuses."""
    return request.form.get(name, "").replace("\r\n", "\n").replace("\0", "")


def decision_note(kind: DecisionKind) -> str:
    """Return the note of a decision's form: the words of the chosen template, then what was typed."""
    typed, template_id = plain("note"), form_number("template_id")
    words = template_words(db.session(), kind, template_id) if template_id else ""
    return "\n\n".join(part for part in (words, typed.strip()) if part) if words else typed


def _said(done: Written) -> str:
    if done.refusal is not None:
        return _REFUSED[done.refusal]
    told = f" {', '.join(done.mentioned)} will see it in their overview." if done.mentioned else ""
    lost = f" Nobody alone is called {', '.join(f'@{name}' for name in done.unknown)}." if done.unknown else ""
    return f"Your note is kept.{told}{lost}"

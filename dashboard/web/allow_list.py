"""The allow-list: everybody sees it, admins change it, always after a look at what an entry would match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, redirect, render_template, request, url_for

from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.lifecycle.mailboxes import LARGE_MAILBOX_PROVIDERS
from dashboard.models import AllowKind
from dashboard.queries.allow_list import (
    EntryFilters,
    closed_cases,
    entry,
    entry_page,
    export_entries,
    preset,
    preset_part,
)
from dashboard.queue import JobName, enqueue
from dashboard.services.allow_list.edit import Edit, Editor, edit_entry, mark_of
from dashboard.services.allow_list.entries import add_entry, end_entry, switch_preset
from dashboard.services.allow_list.files import FileError, export_rows, import_entries
from dashboard.services.allow_list.preview import Match, preview
from dashboard.services.allow_list.values import KINDS, MAX_REASON, EntryError, Wanted, read_terms, read_wanted
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID, choice, text

blueprint = Blueprint("allow_list", __name__)
KIND_NAMES = tuple(kind.value for kind in KINDS)
LONGEST = 2000
_CATEGORY = {True: "success", False: "warning"}


@dataclass(frozen=True, slots=True)
class EntryForm:
    """The form of an entry as it was sent: what is wrong with it, or what it would match."""

    kind: str
    value: str
    reason: str = ""
    expires: str = ""
    error: EntryError | None = None
    match: Match | None = None
    previewed: str = ""


@dataclass(frozen=True, slots=True)
class TermsForm:
    """Reason and expiry of an entry as the form holds them, and what is wrong with them."""

    reason: str
    expires: str
    error: EntryError | None = None


@blueprint.get("/allow-list")
@requires(Permission.ALLOW_LIST_READ)
def index() -> Response:
    """List the entries of staff."""
    kind, ended = choice("kind", KIND_NAMES), text("ended") == "1"
    filters = EntryFilters(kind, ended)
    page = entry_page(db.session(), filters, after=request.args.get("after"), before=request.args.get("before"))
    shown: dict[str, Any] = {"kind": kind, "ended": "1" if ended else None}
    return make_response(
        render_template(
            "allow_list/index.html",
            page=page,
            filters=filters,
            kinds=KIND_NAMES,
            preset_size=len(LARGE_MAILBOX_PROVIDERS),
            next_url=url_for("allow_list.index", **shown, after=page.next) if page.next else None,
            previous_url=url_for("allow_list.index", **shown, before=page.previous) if page.previous else None,
            first_url=url_for("allow_list.index", **shown),
        )
    )


@blueprint.get("/allow-list.csv")
@requires(Permission.ALLOW_LIST_READ)
def export() -> Response:
    """Send the entries of staff that hold as a file that `import` takes."""
    response = Response(export_rows(export_entries(db.session())), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="lapsewatch-allow-list.csv"'
    return response


@blueprint.get("/allow-list/new")
@requires(Permission.ALLOW_LIST_MANAGE)
def new() -> str:
    """Show the form, filled in by a link from a domain or a case."""
    kind = choice("kind", KIND_NAMES, AllowKind.DOMAIN.value) or ""
    value = text("value")
    return _form(EntryForm(kind, "" if "@" in value else value))


@blueprint.post("/allow-list/preview")
@requires(Permission.ALLOW_LIST_MANAGE)
def look() -> Response:
    """Show what the entry would match; nothing is saved."""
    wanted = _read()
    return make_response(_form(wanted), 422) if isinstance(wanted, EntryForm) else _previewed(wanted)


@blueprint.post("/allow-list")
@requires(Permission.ALLOW_LIST_MANAGE)
def create() -> Response:
    """Save an entry that was looked at; without a look, or changed after it, it is shown first."""
    wanted = _read()
    if isinstance(wanted, EntryForm):
        return make_response(_form(wanted), 422)
    if request.form.get("previewed") != _mark(wanted):
        return _previewed(wanted)
    identity = current_identity()
    with writing() as session:
        added = add_entry(session, wanted, identity.actor, identity.staff_id, page_now())
    if added.present:
        flash(f"{wanted.named.value} is on the list already: this entry. Nothing was changed.", "warning")
    else:
        enqueue(JobName.SETTLE_ALLOW_LIST, unique="settle_allow_list")
        flash(f"{wanted.named.value} is on the allow-list. Open cases that it covers are being closed.", "success")
    return make_response(redirect(url_for("allow_list.show", entry_id=added.id), 303))


@blueprint.get(f"/allow-list/<{ROW_ID}:entry_id>")
@requires(Permission.ALLOW_LIST_READ)
def show(entry_id: int) -> Response:
    """Show one entry, what it keeps, and the cases it closed."""
    return _page(entry_id)


@blueprint.post(f"/allow-list/<{ROW_ID}:entry_id>/edit")
@requires(Permission.ALLOW_LIST_MANAGE)
def change(entry_id: int) -> Response:
    """Change reason and expiry; 409 when somebody else did first, or when the entry has ended."""
    reason, expires = _typed_reason(), request.form.get("expires", "")[:LONGEST]
    identity, now = current_identity(), page_now()
    try:
        terms = read_terms(reason, expires, now)
    except EntryError as error:
        return _page(entry_id, 422, form=TermsForm(reason, expires, error))
    editor = Editor(identity.actor, identity.staff_id)
    try:
        with writing() as session:
            done = edit_entry(session, entry_id, terms, request.form.get("seen", ""), editor, now)
    except LookupError:
        abort(404)
    if done in {Edit.CONFLICT, Edit.ENDED}:
        return _page(entry_id, 409, refused=done)
    changed = done is Edit.CHANGED
    flash("The entry was changed." if changed else "Nothing was changed: it said so already.", _CATEGORY[changed])
    return make_response(redirect(url_for("allow_list.show", entry_id=entry_id), 303))


@blueprint.post(f"/allow-list/<{ROW_ID}:entry_id>/end")
@requires(Permission.ALLOW_LIST_MANAGE)
def end(entry_id: int) -> Response:
    """Take an entry off the list; 409 when it had ended already."""
    reason, identity = _reason(), current_identity()
    if reason is None:
        flash("Nothing was changed: write why the entry is removed.", "error")
        return make_response(redirect(url_for("allow_list.show", entry_id=entry_id), 303))
    try:
        with writing() as session:
            done = end_entry(session, entry_id, reason, identity.actor, identity.staff_id, page_now())
    except LookupError:
        abort(404)
    if not done:
        abort(409)
    enqueue(JobName.SETTLE_ALLOW_LIST, unique="settle_allow_list")
    flash("The entry was removed. What is still lapsed is being flagged again.", "success")
    return make_response(redirect(url_for("allow_list.show", entry_id=entry_id), 303))


@blueprint.get("/allow-list/preset")
@requires(Permission.ALLOW_LIST_READ)
def index_preset() -> str:
    """List the shipped preset."""
    return render_template("allow_list/preset.html", rows=preset(db.session()))


@blueprint.get("/allow-list/preset/<name>")
@requires(Permission.ALLOW_LIST_READ)
def show_preset(name: str) -> str:
    """Show one part of the preset, with its switch."""
    found = preset_part(db.session(), name)
    if found is None:
        abort(404)
    return render_template("allow_list/preset_part.html", part=found)


@blueprint.post("/allow-list/preset/<name>/switch")
@requires(Permission.ALLOW_LIST_MANAGE)
def switch(name: str) -> Response:
    """Switch one part of the preset off or on again; 409 when it is so already."""
    on = request.form.get("to") == "on"
    reason, identity = _reason(), current_identity()
    back = make_response(redirect(url_for("allow_list.show_preset", name=name), 303))
    if reason is None:
        flash("Nothing was changed: write a reason.", "error")
        return back
    try:
        with writing() as session:
            done = switch_preset(session, name, reason, identity.actor, identity.staff_id, page_now(), on=on)
    except LookupError:
        abort(404)
    if not done:
        abort(409)
    enqueue(JobName.SETTLE_ALLOW_LIST, unique="settle_allow_list")
    flash(f"{name} is switched {'on' if on else 'off'}. Its cases follow within moments.", "success")
    return back


@blueprint.post("/allow-list/import")
@requires(Permission.ALLOW_LIST_MANAGE)
def take_in() -> Response:
    """Add the entries of a CSV file and name the lines that were left out."""
    file, identity = request.files.get("file"), current_identity()
    content = file.read() if file else b""
    try:
        with writing() as session:
            done = import_entries(session, content, identity.actor, identity.staff_id, page_now())
    except FileError as error:
        return make_response(render_template("allow_list/imported.html", done=None, error=error), 422)
    if done.added:
        enqueue(JobName.SETTLE_ALLOW_LIST, unique="settle_allow_list")
    return make_response(render_template("allow_list/imported.html", done=done, error=None))


def _page(entry_id: int, code: int = 200, *, form: TermsForm | None = None, refused: Edit | None = None) -> Response:
    """Show an entry; `form`: its terms as they were sent, and what is wrong with them."""
    session = db.session()
    found = entry(session, entry_id)
    if found is None:
        abort(404)
    if found.kind == AllowKind.PRESET:
        return make_response(redirect(url_for("allow_list.show_preset", name=found.value), 303))
    terms = form or TermsForm(found.reason, f"{found.expires_at:%Y-%m-%d}" if found.expires_at else "")
    page = render_template(
        "allow_list/show.html",
        entry=found,
        cases=closed_cases(session, entry_id),
        terms=terms,
        seen=request.form.get("seen", "") if form else mark_of(found.reason, found.expires_at),
        refused=refused,
        max_reason=MAX_REASON,
    )
    return make_response(page, code)


def _typed_reason() -> str:
    return request.form.get("reason", "")[:LONGEST].replace("\r\n", "\n")


def _read() -> Wanted | EntryForm:
    """Read the form, or return it with what is wrong."""
    kind, value, expires = (request.form.get(name, "")[:LONGEST] for name in ("kind", "value", "expires"))
    reason = _typed_reason()
    try:
        return read_wanted(kind, value, reason, expires, page_now())
    except EntryError as error:
        return EntryForm(kind, "" if "@" in value else value, reason, expires, error=error)


def _previewed(wanted: Wanted) -> Response:
    """Show the form again, with what the entry would match."""
    named = wanted.named
    form = EntryForm(
        named.kind.value,
        named.value,
        wanted.reason,
        f"{wanted.expires_at:%Y-%m-%d}" if wanted.expires_at else "",
        match=preview(db.session(), named),
        previewed=_mark(wanted),
    )
    return make_response(_form(form))


def _mark(wanted: Wanted) -> str:
    return f"{wanted.named.kind} {wanted.named.value}"


def _form(form: EntryForm) -> str:
    return render_template("allow_list/form.html", form=form, kinds=KIND_NAMES, max_reason=MAX_REASON)


def _reason() -> str | None:
    reason = request.form.get("reason", "").replace("\0", "").strip()[:MAX_REASON]
    return reason or None

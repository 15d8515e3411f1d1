"""Saved views of the queue: save what is shown, share it, make it what a role sees first, delete it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, abort, flash, make_response, redirect, request, url_for
from sqlalchemy.exc import IntegrityError

from dashboard.auth.identity import Identity, current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import Role, SavedView
from dashboard.queries.queue import QueueFilters
from dashboard.services.views import ViewError, delete_view, save_view, set_default, share_view
from dashboard.web.filters import page_now
from dashboard.web.requests import ROW_ID

blueprint = Blueprint("views", __name__)


@blueprint.post("/views")
@requires(Permission.ME_EDIT)
def create() -> Response:
    """Save the filters of the form under a name; sharing asks for the right to decide cases."""
    identity = current_identity()
    query = canonical(request.form.get("query", ""))
    shared = request.form.get("shared") == "yes" and identity.may(Permission.CASES_DECIDE)
    try:
        with writing() as session:
            name = request.form.get("name", "")
            view = save_view(session, name, query, identity.actor, identity.staff_id, page_now(), shared=shared)
            saved = view.name
    except ViewError as error:
        flash(str(error), "error")
    else:
        flash(f"Saved as “{saved}”.", "success")
    return make_response(redirect(f"{url_for('cases.queue')}?{query}", 303))


@blueprint.post(f"/views/<{ROW_ID}:view_id>/delete")
@requires(Permission.ME_EDIT)
def delete(view_id: int) -> Response:
    """Delete one's own view; an admin deletes any shared one."""
    identity = current_identity()
    with writing() as session:
        view = _changeable(view_id, identity)
        name = view.name
        delete_view(session, view, identity.actor, page_now())
    flash(f"“{name}” is deleted.", "success")
    return make_response(redirect(url_for("me.show"), 303))


@blueprint.post(f"/views/<{ROW_ID}:view_id>/share")
@requires(Permission.CASES_DECIDE)
def share(view_id: int) -> Response:
    """Show a view to all, or to its author alone."""
    identity, shared = current_identity(), request.form.get("shared") == "yes"
    with writing() as session:
        view = _changeable(view_id, identity)
        name = view.name
        share_view(session, view, identity.actor, page_now(), shared=shared)
    flash(f"“{name}” is shown to {'all' if shared else 'its author alone'}.", "success")
    return make_response(redirect(url_for("me.show"), 303))


@blueprint.post(f"/views/<{ROW_ID}:view_id>/default")
@requires(Permission.VIEWS_MANAGE)
def make_default(view_id: int) -> Response:
    """Make a view what a role sees first; an empty role: no longer."""
    chosen = request.form.get("role", "")
    role = next((each for each in Role if each == chosen), None)
    if chosen and role is None:
        abort(400)
    identity = current_identity()
    try:
        with writing() as session:
            view = _changeable(view_id, identity)
            name = view.name
            set_default(session, view, role, identity.actor, page_now())
    except IntegrityError:  # two admins at once: one view is first, the other admin looks again
        abort(409)
    flash(f"“{name}” is {f'what every {role.value} sees first' if role else 'no default any more'}.", "success")
    return make_response(redirect(url_for("me.show"), 303))


def canonical(query: str) -> str:
    """Return the filters in `query` as this version writes them, without cursors and whatever else; never empty."""
    return query_of(QueueFilters.from_args(dict(parse_qsl(query))))


def query_of(filters: QueueFilters, **changes: str) -> str:
    """Write filters as the part of an address after the `?`, with other parameters in place of theirs.

    It is never empty: an address without parameters leads to the view that the role sees first.
    """
    return urlencode({**filters.to_args(), **changes} or {"state": "open"})


def address_of(filters: QueueFilters, **changes: str) -> str:
    """Return the address of the queue with these filters."""
    return f"{url_for('cases.queue')}?{query_of(filters, **changes)}"


def _changeable(view_id: int, identity: Identity) -> SavedView:
    """Return a view that the person may change: their own, or, as an admin, a shared one."""
    view = db.session().get(SavedView, view_id, with_for_update=True)
    if view is None or not (
        view.staff_id == identity.staff_id or (view.shared and identity.may(Permission.VIEWS_MANAGE))
    ):
        abort(404)
    return view

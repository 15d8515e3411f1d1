"""A person's own page: whether keys are shortcuts, and the views of the queue they keep."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for

from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.auth.identity import current_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import db, writing
from dashboard.models import Role, Staff
from dashboard.queries.views import views_for
from dashboard.web.filters import page_now

blueprint = Blueprint("me", __name__)


@blueprint.get("/me")
@requires(Permission.ME_EDIT)
def show() -> str:
    """Show one's own settings and views, and what each key does."""
    views = views_for(db.session(), current_identity().staff_id)
    return render_template("me/show.html", views=views, roles=list(Role))


@blueprint.post("/me/settings")
@requires(Permission.ME_EDIT)
def save() -> Response:
    """Switch the shortcuts on or off."""
    identity, shortcuts = current_identity(), request.form.get("shortcuts") == "yes"
    with writing() as session:
        session.get_one(Staff, identity.staff_id).shortcuts = shortcuts
        record(
            session,
            Event.STAFF_SETTINGS_CHANGED,
            actor=identity.actor,
            object_type="staff",
            object_id=str(identity.staff_id),
            data={"shortcuts": shortcuts},
            now=page_now(),
        )
    flash(f"Shortcuts are {'on' if shortcuts else 'off'}.", "success")
    return make_response(redirect(url_for("me.show"), 303))

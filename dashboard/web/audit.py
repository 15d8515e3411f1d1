"""The audit log: who did what to which object, when; and one entry with the bytes that were hashed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from dashboard.audit.events import SHAPES, Event
from dashboard.auth.identity import requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.queries.audit import AuditFilters, audit_entry, audit_page, staff_actor, staff_names
from dashboard.runtime import settings
from dashboard.web.requests import ROW_ID, choice, day, text, wants_fragment

blueprint = Blueprint("audit", __name__)
EVENTS = tuple(sorted(event.value for event in Event))
OBJECT_TYPES = tuple(sorted({shape.object_type for shape in SHAPES.values()}))
NOBODY = "-"


@blueprint.get("/audit")
@requires(Permission.AUDIT_READ)
def index() -> Response | Redirect:
    """List the entries that the filters in the address let through, the newest first."""
    session = db.session()
    filters, shown = _filters()
    if "@" in text("actor"):  # a sign-in name must not stay in addresses, links and histories
        return redirect(url_for("audit.index", **shown), 303)
    page = audit_page(session, filters, after=request.args.get("after"), before=request.args.get("before"))
    return make_response(
        render_template(
            "audit/_table.html" if wants_fragment() else "audit/index.html",
            page=page,
            names=staff_names(session, [row.actor for row in page.rows]),
            shown=shown,
            events=EVENTS,
            object_types=OBJECT_TYPES,
            next_url=url_for("audit.index", **shown, after=page.next) if page.next else None,
            previous_url=url_for("audit.index", **shown, before=page.previous) if page.previous else None,
            first_url=url_for("audit.index", **shown),
            two_clocks=settings().clock_file is not None,
        )
    )


@blueprint.get(f"/audit/<{ROW_ID}:seq>")
@requires(Permission.AUDIT_READ)
def show(seq: int) -> Response:
    """Show one entry: its fields, its hash, and the hashed bytes as they are."""
    session = db.session()
    entry = audit_entry(session, seq)
    if entry is None:
        abort(404)
    document = json.loads(entry.canonical)
    return make_response(
        render_template(
            "audit/show.html",
            entry=entry,
            document=document,
            canonical=entry.canonical.decode(),
            names=staff_names(session, [entry.actor]),
        )
    )


def _filters() -> tuple[AuditFilters, dict[str, Any]]:
    """Read the filters, and return beside them what to repeat in links."""
    shown = {
        "actor": _actor(text("actor")),
        "event": choice("event", EVENTS),
        "object_type": choice("object_type", OBJECT_TYPES),
        "object_id": text("object_id") or None,
    }
    since, until = day("since"), day("until")
    filters = AuditFilters(
        actor=shown["actor"],
        event=shown["event"],
        object_type=shown["object_type"],
        object_id=shown["object_id"],
        since=since,
        until=until + timedelta(days=1) if until else None,
    )
    shown |= {"since": f"{since:%Y-%m-%d}" if since else None, "until": f"{until:%Y-%m-%d}" if until else None}
    return filters, {name: value for name, value in shown.items() if value}


def _actor(typed: str) -> str | None:
    """Take an actor as the log names it (`staff:3`, `source:pypi`), or a member of staff's sign-in name."""
    return typed or None if "@" not in typed else staff_actor(db.session(), typed) or NOBODY

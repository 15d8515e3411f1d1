"""Reveal one address: the reply is the page it was asked from, with this one address in full; nothing is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Blueprint, Flask, Response, abort, current_app, g, make_response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from dashboard.auth.identity import access_of, current_identity, maybe_identity, requires
from dashboard.auth.permissions import Permission
from dashboard.database import writing
from dashboard.runtime import wall_now
from dashboard.services.reveal import LIMIT, REASONS, Refusal, Request, Revealed, reveal
from dashboard.web.requests import ROW_ID

blueprint = Blueprint("reveal", __name__)
PAGES = {"cases.show", "domains.show", "accounts.show"}
"""The pages on which single addresses can be revealed."""

MESSAGES = {
    Refusal.NO_REASON: "Choose a reason.",
    Refusal.NO_NOTE: "Write a note: this reason does not explain itself.",
    Refusal.NOT_KNOWN: "The source did not give us this address, only its host.",
}


def init_reveal(app: Flask) -> None:
    """Give the templates what the macro of an address needs, also where it is imported without context."""
    app.jinja_env.globals.update(
        revealed=lambda address_id: g.get("revealed", {}).get(address_id),
        reveal_error=lambda address_id: g.get("reveal_errors", {}).get(address_id),
        may_reveal=may_reveal,
        reveal_reasons=REASONS,
    )


def may_reveal() -> bool:
    """Whether the person may reveal addresses."""
    identity = maybe_identity()
    return identity is not None and identity.may(Permission.ADDRESSES_REVEAL)


@blueprint.post(f"/addresses/<{ROW_ID}:address_id>/reveal")
@requires(Permission.ADDRESSES_REVEAL)
def create(address_id: int) -> Response:
    """Show the page `page` again, with one address in full; 422 without a reason, 429 after too many."""
    show = _page(request.form.get("page", ""))
    asked = Request(address_id, request.form.get("reason_code", ""), request.form.get("note", "").replace("\0", ""))
    identity = current_identity()
    try:
        with writing() as session:
            result = reveal(session, asked, identity.actor, identity.staff_id, wall_now())
    except LookupError:
        abort(404)
    if result.address is not None:
        g.revealed = {address_id: result.address}
    else:
        g.reveal_errors = {address_id: _message(result)}
    response = show()
    if result.refusal is not None:
        response.status_code = 429 if result.refusal is Refusal.TOO_MANY else 422
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(path: str) -> Callable[[], Response]:
    """Return the view of one of our own pages, to be called; what no form of ours sends is a 400."""
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, values = adapter.match(path, method="GET") if adapter else ("", {})
    except (HTTPException, RequestRedirect):
        abort(400)
    access = access_of(current_app.view_functions.get(endpoint))
    if endpoint not in PAGES or access is None or access.permission is None:
        abort(400)
    if not current_identity().may(access.permission):
        abort(403)
    view = cast("Callable[..., Any]", current_app.view_functions[endpoint])
    return lambda: make_response(view(**values))


def _message(result: Revealed) -> str:
    if result.wait is not None:
        minutes = int(result.wait.total_seconds() // 60) + 1
        return (
            f"You have revealed {LIMIT} addresses within an hour. Wait {minutes} minute{'' if minutes == 1 else 's'}."
        )
    return MESSAGES.get(result.refusal or Refusal.NOT_KNOWN, "It cannot be shown.")

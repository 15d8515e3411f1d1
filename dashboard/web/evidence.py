"""Raw replies: what a provider sent, as plain text, because the domain's owner may have written it."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from dashboard.auth.identity import requires
from dashboard.auth.permissions import Permission
from dashboard.database import db
from dashboard.queries.evidence import raw_reply
from dashboard.web.requests import ROW_ID

blueprint = Blueprint("evidence", __name__)


@blueprint.get(f"/evidence/<{ROW_ID}:evidence_id>/raw")
@requires(Permission.DOMAINS_READ)
def raw(evidence_id: int) -> Response:
    """Send a raw reply as text that no browser takes for anything else; 404 when it is not, or no longer, kept."""
    reply = raw_reply(db.session(), evidence_id)
    if reply is None:
        abort(404)
    text = reply.raw.decode("utf-8", errors="replace")
    response = Response(text, mimetype="text/plain")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox; frame-ancestors 'none'"
    response.headers["Content-Disposition"] = f'inline; filename="{reply.provider}-{evidence_id}.txt"'
    return response

"""Holds every request against what its view demands, before the view runs.

The order: who is it (redirect to sign-in, or 401), did our own page send it (CSRF, 400), may they (403).
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flask import abort, current_app, g, jsonify, make_response, redirect, request
from flask_wtf import CSRFProtect
from werkzeug.wrappers import Response

from dashboard import runtime
from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.auth import sessions, throttle, tokens
from dashboard.auth.identity import Access, Identity, access_of, identity_of
from dashboard.database import db, writing

csrf = CSRFProtect()
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnmarkedViewError(RuntimeError):
    """A view says neither `requires`, `requires_token` nor `public`."""


def guard() -> Response | None:
    """Answer the request where it must not reach its view; None lets it through."""
    if request.endpoint == "static":
        return None
    if request.endpoint is None:  # the error page should still be the person's own, with their navigation
        g.identity = _load_identity()
        return None
    access = access_of(current_app.view_functions[request.endpoint])
    if access is None:
        raise UnmarkedViewError(request.endpoint)
    return _guard_token(access.scope) if access.scope else _guard_staff(access)


def safe_local_path(target: str | None) -> str:
    """Return `target` when it is a path on this site, else "/": a link to sign-in must not lead elsewhere."""
    # One slash in front leaves no room for a scheme or a host; browsers take a backslash for a slash.
    local = target and target.startswith("/") and not target.startswith("//")
    return target if target and local and target.isprintable() and "\\" not in target else "/"


def _guard_staff(access: Access) -> Response | None:
    identity = g.identity = _load_identity(polled=access.polled)
    if access.permission is None:
        csrf.protect()
        return None
    if identity is None:
        return _to_sign_in()
    csrf.protect()
    if not identity.may(access.permission):
        _record_refusal(identity.actor, access.permission.value)
        abort(403)
    return None


def _load_identity(*, polled: bool = False) -> Identity | None:
    token = request.cookies.get(sessions.cookie_name())
    now = runtime.wall_now()
    found = sessions.find_session(db.session(), token, now) if token else None
    if found is None or token is None:
        return None
    identity = identity_of(found.staff)
    if not polled and sessions.needs_touch(found, now):
        with writing() as session:
            sessions.touch_session(session, token, now)
            throttle.record_failures(session, now)
    return identity


def _to_sign_in() -> Response:
    """Send a page to sign-in and back; a fragment's page as a whole, or sign-in would land in a table cell."""
    fragment = "HX-Request" in request.headers
    page = _page_of_fragment() if fragment else request.full_path.removesuffix("?")
    wanted = safe_local_path(page if fragment or request.method in SAFE_METHODS else None)
    target = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='/')}"
    if not fragment:
        return redirect(target, 303)
    response = make_response("", 401)
    response.headers["HX-Redirect"] = target
    return response


def _page_of_fragment() -> str:
    """Return the path of the page that htmx is on; the reply names only this site's paths, whatever it says."""
    try:
        parts = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:  # e.g. an open bracket in the host
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _record_refusal(actor: Actor, needs: str) -> None:
    with writing() as session:
        record(
            session,
            Event.ACCESS_REFUSED,
            actor=actor,
            object_type="endpoint",
            object_id=request.endpoint or "-",
            data={"method": request.method, "needs": needs},
            now=runtime.wall_now(),
        )


def _guard_token(scope: str) -> Response | None:
    """Let a source with the right token through. A browser's cookies are refused: they would be a way around CSRF."""
    if "Cookie" in request.headers:
        return _token_error(400, "cookies are not taken here; send Authorization: Bearer")
    now = runtime.wall_now()
    found = tokens.authenticate(db.session(), request.headers.get("Authorization"))
    if found is None:
        return _unknown_token()
    if found.scope != scope:
        _record_refusal(found.actor, f"token:{scope}")
        return _token_error(403, f"this token's scope is not {scope}")
    if tokens.token_needs_touch(db.session(), found.token_id, now):
        with writing() as session:
            tokens.touch_token(session, found.token_id, now)
    g.token_identity = found
    return None


def _unknown_token() -> Response:
    now, keys = runtime.wall_now(), [throttle.network_key(throttle.Way.API_TOKEN, request.remote_addr)]
    wait = throttle.wait_for(db.session(), keys, now)
    if wait is None:
        with writing() as session:
            wait = throttle.begin_attempt(session, keys, now)
            if wait is None:
                throttle.count_failure(session, throttle.Way.API_TOKEN, now)
            throttle.record_failures(session, now)
    if wait is not None:
        response = _token_error(429, "too many wrong tokens from this address")
        response.headers["Retry-After"] = str(int(wait.total_seconds()) + 1)
        return response
    response = _token_error(401, "no valid token was sent")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _token_error(code: int, message: str) -> Response:
    """Answer as the API does (RFC 9457)."""
    response = make_response(jsonify(status=code, detail=message), code)
    response.mimetype = "application/problem+json"
    return response

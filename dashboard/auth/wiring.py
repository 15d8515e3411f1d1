"""Joins sign-in, CSRF and the guard to the application."""

from __future__ import annotations

from typing import Any

from flask import Flask

from dashboard import runtime
from dashboard.auth.guard import csrf, guard
from dashboard.auth.identity import maybe_identity
from dashboard.auth.passwords import PASSWORDS, Passwords


def init_auth(app: Flask) -> None:
    """Put the guard before every view and `identity` into every template; called once by `create_app`."""
    secure = app.extensions[runtime.SETTINGS].cookie_secure
    app.config.update(
        # Flask's own session holds the CSRF token and flashed messages, never who is signed in.
        SESSION_COOKIE_NAME="__Host-lapsewatch-form" if secure else "lapsewatch-form",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # a form may wait over a lunch break; it ends with the session
        WTF_CSRF_CHECK_DEFAULT=False,  # the guard asks, after it knows who is there
    )
    app.extensions[PASSWORDS] = Passwords()
    csrf.init_app(app)
    app.before_request(guard)
    app.context_processor(_template_words)


def _template_words() -> dict[str, Any]:
    return {"identity": maybe_identity()}

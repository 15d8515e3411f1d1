"""Response headers of every page: what a browser may load, and that nothing is kept."""

from __future__ import annotations

import json

from flask import Flask, Response, request

from dashboard.runtime import settings

# Images may be data: because Bootstrap's check marks are.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

HTMX_CONFIG = json.dumps(
    {
        "allowEval": False,
        "includeIndicatorStyles": False,
        "historyCacheSize": 0,
        "historyRestoreAsHxRequest": False,
        "selfRequestsOnly": True,
        # htmx 2 drops 4xx replies by itself: conflict and error pages would vanish.
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "4(09|22)", "swap": True},
            {"code": "[45]..", "swap": False, "error": True},
        ],
    }
)
"""Configuration of htmx 2.0.x for a strict policy, put into a meta element."""

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


STRICT_TRANSPORT = "max-age=31536000"
"""A year (RFC 6797); other names of the same domain are not ours to speak for."""


def init_headers(app: Flask) -> None:
    """Add the headers to every response; only static files may be kept by a browser."""
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add what is not set yet."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if settings().cookie_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("HX-Request")
    return response

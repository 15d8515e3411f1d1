"""Join the screens to the application: blueprints, filters, headers, error pages, and what every page needs."""

from __future__ import annotations

from flask import Flask

from dashboard.web.errors import init_errors
from dashboard.web.filters import init_filters
from dashboard.web.headers import HTMX_CONFIG, init_headers


def init_web(app: Flask) -> None:
    """Register everything that staff see; called once by `create_app`."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["htmx_config"] = HTMX_CONFIG
    init_filters(app)
    init_headers(app)
    init_errors(app)

"""create_app(): the only place that wires the parts together."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from flask import Flask, request
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

import dashboard.models  # noqa: F401  registers every table on the metadata
from dashboard import runtime
from dashboard.api.wiring import init_api
from dashboard.auth.wiring import init_auth
from dashboard.clock import Clock, FileClock, WallClock
from dashboard.config import Settings, load_settings
from dashboard.database import db, tune_engine
from dashboard.web.wiring import init_web

ROOT = Path(__file__).resolve().parent.parent
MAX_FRAMES = 20
MAX_BODY = 4 * 1024 * 1024
"""Bytes of a request, at most: a thousand acknowledgements with long reasons. Nobody uploads files here."""

migrate = Migrate()


class Console(Flask):
    """Flask, with a log that names a fault's kind and place and nothing of what was being handled."""

    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log a fault without its path and message: both may carry an attacker's lines, or personal data."""
        _, error, trace = exc_info
        frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
        places = " <- ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames))
        self.logger.error("%s in %s: %s", type(error).__name__, request.endpoint, places)


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Flask:
    """Build the application from `settings` (the environment's by default); `clock` replaces the domain clock."""
    settings = settings or load_settings()
    app = Console(
        "dashboard",
        root_path=str(ROOT / "dashboard"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_BODY,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url),
    )
    app.extensions[runtime.SETTINGS] = settings
    app.extensions[runtime.CLOCK] = clock or _domain_clock(settings)
    app.extensions[runtime.WALL_CLOCK] = WallClock()
    if hops := settings.trusted_proxies:
        # Only as many hops as the operator vouches for: anything further left is the client's own word.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "dashboard" / "migrations"))
    init_auth(app)
    init_web(app)
    init_api(app)
    with app.app_context():
        tune_engine(db.engine)
    return app


def _domain_clock(settings: Settings) -> Clock:
    return FileClock(settings.clock_file) if settings.clock_file else WallClock()


def _engine_options(url: str) -> dict[str, Any]:
    """Return the quick JSON functions for both databases; PostgreSQL also drops dead connections before use.

    Error messages never repeat a statement's values: there are e-mail addresses among them.
    """
    options: dict[str, Any] = {
        "json_serializer": _as_json,
        "json_deserializer": orjson.loads,
        "hide_parameters": True,
    }
    if not url.startswith("sqlite"):
        options |= {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 8}
    return options


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()

"""create_app(): the only place that wires the parts together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from flask import Flask
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
migrate = Migrate()


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Flask:
    """Build the application from `settings` (the environment's by default); `clock` replaces the domain clock."""
    settings = settings or load_settings()
    app = Flask(
        "dashboard",
        root_path=str(ROOT / "dashboard"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
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
    """Return the quick JSON functions for both databases; PostgreSQL also drops dead connections before use."""
    options: dict[str, Any] = {"json_serializer": _as_json, "json_deserializer": orjson.loads}
    if not url.startswith("sqlite"):
        options |= {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 8}
    return options


def _as_json(value: Any) -> str:
    return orjson.dumps(value).decode()

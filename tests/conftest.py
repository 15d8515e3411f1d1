"""Fixtures of every test: a migrated database of each kind, the application on it, clocks that only move when told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from dashboard import runtime
from dashboard.app import create_app
from dashboard.config import Settings, load_settings
from dashboard.database import db
from tests.support import postgres as postgres_support
from tests.support.require import lacking

pytest_plugins = ["tests.support.fixtures"]

# A slow machine is no fault of what is tested, and the same code gives the same result each time. New examples are
# looked for with `make test ARGS=--hypothesis-profile=explore`.
hypothesis_settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
hypothesis_settings.register_profile(
    "explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=False, max_examples=2000
)
hypothesis_settings.load_profile("steady")

START = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


@dataclass
class ManualClock:
    """A clock that stands still until a test moves it."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def advance(self, **delta: float) -> datetime:
        self.time += timedelta(**delta)
        return self.time


def make_settings(state_dir: Path, **changes: object) -> Settings:
    environ = {
        "LAPSEWATCH_STATE_DIR": str(state_dir),
        "LAPSEWATCH_SECRET_KEY": "a secret for tests only, long enough",
        "LAPSEWATCH_AUDIT_KEY": "an audit key for tests only, long enough",
    }
    return replace(load_settings(environ), **changes)  # type: ignore[arg-type]


def migrate(url: str, state_dir: Path) -> None:
    app = create_app(make_settings(state_dir, database_url=url))
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "lapsewatch.db"
    migrate(f"sqlite:///{path}", path.parent)
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: postgres_support.Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    name = f"template_{uuid4().hex[:8]}"
    migrate(str(postgres_cluster.create_database(name)), tmp_path_factory.mktemp("template"))
    return name


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a fresh, migrated database: each test that uses it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "lapsewatch.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    if missing := postgres_support.why_missing():
        lacking("postgres", missing)
    cluster: postgres_support.Cluster = request.getfixturevalue("postgres_cluster")
    template: str = request.getfixturevalue("postgres_template")
    name = f"test_{uuid4().hex[:12]}"
    yield str(cluster.create_database(name, template))
    cluster.drop_database(name)


@pytest.fixture
def clock() -> ManualClock:
    """The domain clock of the application under test."""
    return ManualClock()


@pytest.fixture
def wall_clock() -> ManualClock:
    """The wall clock of the application under test."""
    return ManualClock()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return make_settings(tmp_path / "state", database_url=database_url)


@pytest.fixture
def app(settings: Settings, clock: ManualClock, wall_clock: ManualClock) -> Iterator[Flask]:
    application = create_app(settings, clock=clock)
    application.extensions[runtime.WALL_CLOCK] = wall_clock
    application.testing = True
    yield application
    with application.app_context():
        db.engine.dispose()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The application with its context pushed, for services and queries."""
    with app.app_context():
        yield app


@pytest.fixture
def new_client(app: Flask) -> Callable[[], FlaskClient]:
    """Make browsers that share nothing (pytest-flask's own `client` leaks sign-ins between two)."""
    return app.test_client


@pytest.fixture
def client(new_client: Callable[[], FlaskClient]) -> FlaskClient:
    return new_client()


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """Switch off pytest-flask's request context around every test: it leaks `g`."""

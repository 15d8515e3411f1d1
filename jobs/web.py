"""The web server: gunicorn with threads, set up in code so that no other file has a say."""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from dashboard.app import create_app
from dashboard.config import Settings
from dashboard.database import db

PROCESSES = 2
THREADS = 8


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn serving the dashboard, booted once and then forked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        options = {
            "bind": f"{host}:{self._settings.port}",
            "worker_class": "jobs.patience.PatientWorker",
            "workers": PROCESSES,
            "threads": THREADS,
            "preload_app": True,
            "post_fork": _after_fork,
            "graceful_timeout": 5,
            "timeout": 60,
            "loglevel": "warning",
            "control_socket_disable": True,
            # Its own trust in proxies, by default in all of this machine: only LAPSEWATCH_TRUSTED_PROXIES counts.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "proc_name": "lapsewatch-web",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application to serve."""
        return create_app(self._settings)


def _after_fork(_arbiter: Any, worker: Any) -> None:
    """Give each process database connections of its own: one that two processes share mixes their answers."""
    with worker.app.wsgi().app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    WebServer(settings).run()

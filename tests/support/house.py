"""A small house of the product for browser tests: the console, its queue, a worker that may die, a source that answers.

All of it on the real clock. The worker is `lapsewatch worker` as a process; no scheduler runs, so that nothing is
checked meanwhile: what it would enqueue, a test enqueues itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from flask import Flask
from sqlalchemy import select

from dashboard.app import create_app
from dashboard.audit.actor import system
from dashboard.auth.tokens import Scope, create_token
from dashboard.config import load_settings
from dashboard.database import db, writing
from dashboard.models import Source
from tests.support import processes, site

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300.0
PAGE = 1000
# A worker that takes its time over bulk actions: small chunks, and a pause after each.
SLOW = """
from jobs import bulk
from jobs.worker import run_worker
bulk.MOST_ITEMS = 100
bulk.work.__defaults__ = (bulk.Timing(gap=0.15),)
raise SystemExit(run_worker())
"""


def until(what: str, holds: Callable[[], object], every: float = 0.05) -> None:
    """Return as soon as `holds()`, asked every so many seconds; fails saying `what` was waited for."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s in vain until {what}"
        time.sleep(every)


@dataclass
class House:
    """A running console: its application, its address, and what its other processes are told."""

    app: Flask
    url: str
    environ: dict[str, str]
    _worker: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start_worker(self, *, slow: bool = False) -> None:
        """Start a worker; `kill_worker` or the end of the house ends it.

        A `slow` one leaves a test the time to come between: it does not matter then how fast the machine is, nor how
        long a page takes on it.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LAPSEWATCH_")}
        self._worker = processes.start(
            [sys.executable, *(["-c", SLOW] if slow else ["-m", "jobs", "worker"])],
            cwd=ROOT,
            env=kept | self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            death_signal=signal.SIGKILL,
        )

    @contextmanager
    def held_worker(self) -> Iterator[None]:
        """Keep the worker, which must be idle, from taking on a job until the block ends."""
        assert self._worker
        self._worker.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._worker.send_signal(signal.SIGCONT)

    def kill_worker(self) -> None:
        """Kill the worker at once (SIGKILL), and with it whatever job it runs; return when all of it is dead."""
        if self._worker:
            below = processes.descendants(self._worker.pid)
            processes.stop(self._worker, signal.SIGKILL)
            assert processes.eventually(lambda: not any(map(processes.alive, below)))
            self._worker = None

    def answer_as_source(self, token: str) -> int:
        """Pull everything that was published and say that it was applied; return how many items these were."""
        after, answered = 0, 0
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, trust_env=False, timeout=60) as client:
            while True:
                page = (
                    client.get("/unverifications", params={"after": after, "limit": PAGE}).raise_for_status().json()
                )
                if not page["items"]:
                    return answered
                acks = [{"id": item["id"], "result": "applied"} for item in page["items"]]
                said = client.post("/unverifications/ack", json={"items": acks}).raise_for_status().json()["items"]
                answered += sum(item["status"] == "recorded" for item in said)
                after = page["next_after"]

    def source_token(self) -> str:
        """Return a new token of the only source."""
        with self.app.app_context(), writing() as session:
            source = session.scalars(select(Source)).one()
            return create_token(session, source, Scope.UNVERIFICATIONS, datetime.now(UTC), system("test"))


@contextmanager
def running(state_dir: Path, database_url: str, redis_url: str) -> Iterator[House]:
    """Serve the console on this database and queue until the block ends; a worker is not yet there."""
    environ = {
        "LAPSEWATCH_STATE_DIR": str(state_dir),
        "LAPSEWATCH_DATABASE_URL": database_url,
        "LAPSEWATCH_REDIS_URL": redis_url,
        "LAPSEWATCH_SECRET_KEY": "a secret for tests only, long enough",
        "LAPSEWATCH_AUDIT_KEY": "an audit key for tests only, long enough",
    }
    app = create_app(load_settings(environ))
    app.testing = True
    with site.running(app) as url:
        house = House(app, url, environ)
        try:
            yield house
        finally:
            house.kill_worker()
    with app.app_context():
        db.engine.dispose()

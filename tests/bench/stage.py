"""What benchmarks stand on: fresh migrated databases, a queue, a simulator, and processes of the product."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask import Flask

from dashboard.app import create_app
from dashboard.database import db
from tests.conftest import make_settings, migrate
from tests.support import postgres, processes, valkey
from tests.support.simulator import Simulator, running_simulator

Worker = subprocess.Popen[str]
"""A process of the product that takes a line of text for each round and answers with a line of JSON."""

ROOT = Path(__file__).resolve().parents[2]
DATABASES = ("sqlite", "postgresql")


@dataclass(slots=True)
class Stage:
    """The programs of one benchmark run; all of them end with it."""

    directory: Path
    stack: contextlib.ExitStack
    _cluster: postgres.Cluster | None = None

    @contextlib.contextmanager
    def database(self, kind: str) -> Iterator[str]:
        """Make a fresh, migrated database of this kind and yield its SQLAlchemy URL."""
        name = f"bench_{uuid4().hex[:8]}"
        if kind == "sqlite":
            path = self.directory / f"{name}.db"
            migrate(f"sqlite:///{path}", self.directory)
            yield f"sqlite:///{path}"
            path.unlink()
            return
        cluster = self._postgres()
        url = cluster.create_database(name)
        migrate(url, self.directory)
        yield url
        cluster.drop_database(name)

    def _postgres(self) -> postgres.Cluster:
        if self._cluster is None:
            self._cluster = self.stack.enter_context(postgres.cluster())
        return self._cluster


@contextlib.contextmanager
def open_stage() -> Iterator[Stage]:
    """Open an empty stage."""
    with processes.short_directory("lw-bench-") as directory, contextlib.ExitStack() as stack:
        yield Stage(directory, stack)


def usable(kinds: Sequence[str]) -> list[str]:
    """Return the databases of `kinds` that this machine has; what is missing is told on stderr."""
    why = postgres.why_missing()
    if why and "postgresql" in kinds:
        tell(f"no PostgreSQL: {why}")
    return [kind for kind in kinds if kind == "sqlite" or not why]


def tell(text: str) -> None:
    """Say on stderr what is being done: the figures alone go to stdout."""
    print(f"... {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def application(url: str, directory: Path) -> Iterator[Flask]:
    """Enter the context of an application on the database `url`."""
    app = create_app(make_settings(directory, database_url=url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@contextlib.contextmanager
def simulator(stage: Stage, latency_ms: float) -> Iterator[Simulator]:
    """Run the simulator as its own process; each of its replies comes after `latency_ms`."""
    latency = ("--latency-ms", str(latency_ms), "--dns-latency-ms", str(latency_ms))
    with running_simulator(stage.directory / "simulator", ("--speed", "1", *latency)) as running:
        yield running


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `settings` as the only `LAPSEWATCH_*` variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LAPSEWATCH_")}
    return {**kept, **settings, "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def python(script: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Iterator[Worker]:
    """Run `tests/bench/<script>` as a process of its own, its stdin and stdout as text."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / script), *arguments],
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def go(process: Worker) -> None:
    """Start a round of a process."""
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def answer(process: Worker) -> dict[str, Any]:
    """Read one line of JSON from a process; `RuntimeError` when it ended instead."""
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a process of the benchmark ended early")
    values: dict[str, Any] = json.loads(line)
    return values


@contextlib.contextmanager
def queue_url() -> Iterator[str]:
    """Run a queue server and yield its URL."""
    with valkey.temporary_valkey() as url:
        yield url

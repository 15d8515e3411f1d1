"""`lapsewatch run`: the real thing on one machine, and the commands by hand."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from flask import Flask

from dashboard.app import create_app
from dashboard.config import Settings, load_settings
from dashboard.database import db, writing
from dashboard.models import Marker, Source
from jobs.cli import commands, run, sweep
from jobs.demo.prepare import prepare
from jobs.supervisor.errors import WrongDatabaseError
from jobs.supervisor.run import queue_of
from jobs.supervisor.run import run as run_tree
from tests.conftest import START
from tests.support import processes
from tests.support.ports import free_port
from tests.support.processes import PATIENCE


@pytest.fixture
def state_dir(sqlite_template: Path) -> Iterator[Path]:
    with processes.short_directory("lw-run-") as path:
        shutil.copy(sqlite_template, path / "lapsewatch.db")
        yield path


def settings_in(state_dir: Path, **environ: str) -> Settings:
    return load_settings({"LAPSEWATCH_STATE_DIR": str(state_dir), "LAPSEWATCH_PORT": str(free_port()), **environ})


@pytest.fixture
def real_app(state_dir: Path) -> Iterator[Flask]:
    app = create_app(settings_in(state_dir))
    with app.app_context():
        yield app
        db.engine.dispose()


def test_the_first_start_prints_a_setup_code_that_the_browser_asks_for(state_dir: Path) -> None:
    port = free_port()
    environ = os.environ | {"LAPSEWATCH_STATE_DIR": str(state_dir), "LAPSEWATCH_WORKERS": "1"}
    command = [sys.executable, "-m", "jobs", "run", "--port", str(port)]
    process = processes.start(command, env=environ, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline().decode()
            assert line, said
            said += line
        assert re.search(
            rf"http://127\.0\.0\.1:{port}/setup with the setup code [A-Z2-7-]{{19}}$", said, re.MULTILINE
        )
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE) as client:
            assert client.get("/setup").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        processes.stop(process)


def test_a_database_of_the_demo_is_refused_and_nothing_is_started(real_app: Flask, state_dir: Path) -> None:
    with writing() as session:
        session.add(Marker(name="demo", value="demo-index"))
    lines: list[str] = []
    with pytest.raises(WrongDatabaseError, match="belongs to the demo"):
        run_tree(settings_in(state_dir), lines.append)
    assert lines == []


def test_the_demo_does_not_touch_a_database_with_real_sources(real_app: Flask, state_dir: Path) -> None:
    with writing() as session:
        session.add(Source(slug="real", name="Real", created_at=START))
    with pytest.raises(WrongDatabaseError, match="real sources"):
        prepare(real_app, state_dir)


def test_the_demo_is_prepared_once_and_its_passwords_are_kept(real_app: Flask, state_dir: Path) -> None:
    first = prepare(real_app, state_dir)
    assert [sign_in.role for sign_in in first] == ["reviewer", "admin", "auditor"]
    assert prepare(real_app, state_dir) == first
    (state_dir / "sign-ins.json").unlink()
    assert prepare(real_app, state_dir) != first


def test_an_external_queue_is_used_as_it_is(state_dir: Path) -> None:
    queue = queue_of(settings_in(state_dir, LAPSEWATCH_REDIS_URL="redis://127.0.0.1:1/0"))
    assert (queue.url, queue.child) == ("redis://127.0.0.1:1/0", None)


def test_what_is_in_the_way_is_told_in_a_line(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environ = {"LAPSEWATCH_STATE_DIR": str(state_dir)}
        done = CliRunner().invoke(run, ["--port", str(port)], env=environ)
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: port {port} of 127.0.0.1 cannot be used: ")
    assert done.output.count("\n") == 1


@pytest.mark.parametrize("command", commands, ids=lambda command: str(command.name))
def test_every_command_explains_itself_with_an_example(command: object) -> None:
    text = CliRunner().invoke(command, ["--help"]).output  # type: ignore[arg-type]
    assert "lapsewatch " in text


def test_a_sweep_by_hand_checks_here_or_asks_a_worker(real_app: Flask) -> None:
    assert json.loads(CliRunner().invoke(sweep, ["--now", "--json"]).output) == {"batches": 0}
    assert json.loads(CliRunner().invoke(sweep, ["--json"]).output.splitlines()[-1]) == {"enqueued": 0}

"""The simulator as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard.clock import Anchor, FileClock
from jobs.simulator.world import DEMO_START, World
from tests.jobs.simulator.helpers import make_spec

Start = Callable[..., "Simulator"]
PATIENCE = 120.0
START = datetime(2026, 1, 1, tzinfo=UTC)


class Simulator:
    def __init__(self, state_dir: Path, *arguments: str) -> None:
        self.state_dir = state_dir
        command = [sys.executable, "-m", "jobs.simulator", "--state-dir", str(state_dir), *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.endpoints = self._endpoints()

    def _endpoints(self) -> dict[str, Any]:
        path, patience = self.state_dir / "endpoints.json", time.monotonic() + PATIENCE
        while not path.exists():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < patience
            time.sleep(0.02)
        endpoints: dict[str, Any] = json.loads(path.read_text())
        return endpoints

    def clock(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.ask("GET", "clock").json()
        return shown

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        url = httpx.URL(f"{self.endpoints['control_url']}/").join(path)
        return httpx.request(method, url, timeout=PATIENCE, trust_env=False, **options)

    def stop(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE)[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    def run(*arguments: str) -> Simulator:
        started.append(Simulator(tmp_path / "state", *arguments))
        return started[-1]

    yield run
    for simulator in started:
        if simulator.process.poll() is None:
            simulator.process.kill()
            simulator.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_resumes_where_it_was(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    World([make_spec()]).dump(tmp_path / "world.ndjson")
    given = ("--world", str(tmp_path / "world.ndjson"), "--clock", str(tmp_path / "clock.json"))
    first = start(*given, "--start", "2026-01-01T00:00:00Z", "--speed", "5000")
    first.ask("GET", first.endpoints["rdap_bootstrap_url"])

    assert first.stop(number) == ""
    assert first.process.returncode == 0
    assert not (tmp_path / "state" / "endpoints.json").exists()
    frozen = FileClock(tmp_path / "clock.json").now()
    assert START < frozen == FileClock(tmp_path / "clock.json").now()

    resumed = start(*given, "--start", "2026-01-01T00:00:00Z").clock()
    assert resumed["speed"] == 5000
    assert frozen <= datetime.fromisoformat(resumed["now"]) < frozen + timedelta(days=3)


def test_after_a_kill_it_resumes_at_the_heartbeat(start: Start, tmp_path: Path) -> None:
    first = start("--speed", "0")
    moved = (DEMO_START + timedelta(days=5)).isoformat()
    first.ask("POST", "clock", json={"to": moved, "speed": 1000})
    first.stop(signal.SIGKILL)
    (tmp_path / "state" / "endpoints.json").unlink()
    last = Anchor.load((tmp_path / "state" / "clock.heartbeat.json").read_text()).domain
    time.sleep(0.5)

    now = datetime.fromisoformat(start("--speed", "0").clock()["now"])
    assert timedelta(days=5) <= now - DEMO_START
    assert abs(now - last) < timedelta(seconds=1), "half a second without it would be 500 of the domain's"


def test_faults_can_be_given_at_the_start(start: Start) -> None:
    simulator = start("--fault", "rdap:429:.com", "--latency-ms", "1")

    assert simulator.ask("GET", "/rdap/domain/gmail.com").status_code == 429
    assert simulator.ask("GET", "/rdap/domain/gmx.de").status_code == 200


def test_a_bad_fault_stops_the_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jobs.simulator", "--state-dir", str(tmp_path), "--fault", "rdap:nonsense"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "rdap:nonsense" in ended.stderr

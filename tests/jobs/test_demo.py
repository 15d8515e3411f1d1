"""The stand-in source, and the demo as a whole: one process tree that fills its queue, stops cleanly and resumes."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from jobs.demo.registry import Registry, Result, re_verifies
from jobs.demo.source import take_page
from jobs.simulator.sample import sample_accounts
from tests.support import processes
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, descendants, eventually

STARTED_WITHIN = 300.0
VERIFIED_AT = "2020-01-01T00:00:00Z"


def address(id_: str, **values: Any) -> dict[str, Any]:
    return {"address_id": id_, "verified": True, "verified_at": VERIFIED_AT, "state_token": f"t-{id_}", **values}


def item(id_: str, address_id: str, seq: int = 1, **values: Any) -> dict[str, Any]:
    judged = {"verified": True, "verified_at": VERIFIED_AT, "state_token": f"t-{address_id}"}
    return {"id": id_, "seq": seq, "address_id": address_id, "effect": "unverify", "judged": judged, **values}


STEADY = next(f"e-{number}" for number in range(99) if not re_verifies(f"e-{number}"))
BACK_AGAIN = next(f"e-{number}" for number in range(99) if re_verifies(f"e-{number}"))
ACCOUNTS = [{"addresses": [address(STEADY), address(BACK_AGAIN), address("never", verified=False)]}]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    book = Registry(tmp_path / "book.db")
    book.fill(ACCOUNTS)
    yield book
    book.close()


@pytest.mark.parametrize(
    ("asked", "result"),
    [
        (item("1", STEADY), Result.APPLIED),
        (item("1", BACK_AGAIN), Result.STALE),
        (item("1", "never"), Result.ALREADY),
        (item("1", "unknown"), Result.REJECTED),
        (item("1", STEADY, effect="block_reset"), Result.APPLIED),
        (item("1", BACK_AGAIN, effect="block_reset"), Result.STALE),
    ],
)
def test_the_source_answers_by_its_own_book(registry: Registry, asked: dict[str, Any], result: Result) -> None:
    assert registry.answer(asked).result is result


def test_the_same_item_gets_the_same_answer_and_a_second_one_finds_it_done(registry: Registry) -> None:
    assert registry.answer(item("1", STEADY)).result is Result.APPLIED
    assert registry.answer(item("1", STEADY)).result is Result.APPLIED
    assert registry.answer(item("2", STEADY)).result is Result.ALREADY


@pytest.mark.parametrize("effect", ["unverify", "block_reset"])
def test_what_was_done_is_taken_back_once_and_can_be_done_again(registry: Registry, effect: str) -> None:
    undo = {"kind": "revert", "reverts": "1", "judged": item("1", STEADY)["judged"]}
    assert registry.answer(item("1", STEADY) | {"effect": effect}).result is Result.APPLIED
    assert registry.answer(item("2", STEADY) | {"effect": effect} | undo).result is Result.APPLIED
    assert registry.answer(item("3", STEADY) | {"effect": effect} | undo).result is Result.STALE
    assert registry.answer(item("4", STEADY) | {"effect": effect}).result is Result.APPLIED


@pytest.mark.parametrize("kind", ["early_warning", "takeover_suspected"])
def test_a_notice_is_taken_once_whatever_state_the_address_is_in(registry: Registry, kind: str) -> None:
    told = {"kind": kind, "effect": None}
    assert registry.answer(item("1", BACK_AGAIN) | told).result is Result.APPLIED
    assert registry.answer(item("2", BACK_AGAIN) | told).result is Result.ALREADY
    assert registry.answer(item("3", "unknown") | told).result is Result.REJECTED
    assert registry.answer(item("4", STEADY)).result is Result.APPLIED


def test_the_book_is_filled_once_and_survives_a_restart(registry: Registry, tmp_path: Path) -> None:
    registry.answer(item("1", STEADY))
    registry.after = 17
    again = Registry(tmp_path / "book.db")
    again.fill(ACCOUNTS)
    assert again.after == 17
    assert again.answer(item("2", STEADY)).result is Result.ALREADY
    again.close()


def test_a_handful_of_the_sample_verifies_anew() -> None:
    ids = [each["address_id"] for account in sample_accounts() for each in account["addresses"] if each["verified"]]
    assert 0.05 < sum(map(re_verifies, ids)) / len(ids) < 0.2


class Console(BaseHTTPRequestHandler):
    """A console with two items; it loses the first acknowledgement."""

    acknowledged: list[dict[str, Any]]
    refusals = 1

    def do_GET(self) -> None:
        after = int(parse_qs(urlsplit(self.path).query)["after"][0])
        items = [each for each in (item("a", STEADY, 5), item("b", BACK_AGAIN, 6)) if each["seq"] > after]
        self.answer(200, {"items": items, "next_after": items[-1]["seq"] if items else after})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if type(self).refusals:
            type(self).refusals -= 1
            self.answer(503, {})
            return
        self.acknowledged.extend(body["items"])
        self.answer(200, {"items": []})

    def answer(self, status: int, content: dict[str, Any]) -> None:
        if self.headers["Authorization"] != "Bearer secret":
            status = 401
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def console() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    handler = type("Handler", (Console,), {"acknowledged": [], "refusals": 1})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.acknowledged  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_lost_acknowledgement_is_sent_again_with_the_same_words(registry: Registry) -> None:
    headers = {"Authorization": "Bearer secret"}
    with console() as (url, acknowledged), httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        with pytest.raises(httpx.HTTPStatusError):
            take_page(client, registry)
        assert registry.after == 0
        assert take_page(client, registry) == Counter(applied=1, stale=1)
        assert registry.after == 6
        assert take_page(client, registry) == Counter()
        assert [(each["id"], each["result"]) for each in acknowledged] == [("a", "applied"), ("b", "stale")]


def gone(pids: set[int]) -> bool:
    """Whether none of them is left; whoever was not their parent buries them a moment later."""
    return eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


class Demo:
    """A running demo and what it printed."""

    def __init__(self, state_dir: Path, port: int) -> None:
        self.state_dir, self.lines, self.port = state_dir, list[str](), port
        command = [sys.executable, "-m", "jobs", "demo", "--state-dir", str(state_dir), "--port", str(port)]
        self.process = processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())

    def is_up(self) -> bool:
        return any("The demo is at" in line for line in self.lines)

    def sign_ins(self) -> list[str]:
        return [line for line in self.lines if "sign in as" in line]

    def count(self, query: str) -> int:
        with closing(sqlite3.connect(self.state_dir / "lapsewatch.db")) as db:
            return int(db.execute(query).fetchone()[0])

    def domain_time(self) -> str:
        return str(json.loads((self.state_dir / "clock.heartbeat.json").read_text())["domain"])

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_demo_fills_its_queue_stops_cleanly_and_resumes(monkeypatch: pytest.MonkeyPatch) -> None:
    # A real database and queue that happen to be set are not the demo's.
    monkeypatch.setenv("LAPSEWATCH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/real")
    monkeypatch.setenv("LAPSEWATCH_REDIS_URL", "redis://127.0.0.1:1/0")
    with processes.short_directory("lw-demo-") as state_dir:
        first = Demo(state_dir, free_port())
        try:
            assert eventually(first.is_up, STARTED_WITHIN), first.lines
            assert eventually(
                lambda: first.count("SELECT count(*) FROM cases WHERE state = 'open'") > 5, STARTED_WITHIN
            )
            assert first.count("SELECT count(*) FROM markers WHERE name = 'demo'") == 1
            assert state_dir.stat().st_mode & 0o777 == 0o700
            assert (state_dir / "sign-ins.json").stat().st_mode & 0o777 == 0o600
            below = descendants(first.process.pid)
            assert len(below) >= 8
            first.end(signal.SIGINT)
        finally:
            processes.stop(first.process)
        assert first.process.returncode == 0
        assert gone(below)
        stopped_at, domains = first.domain_time(), first.count("SELECT count(*) FROM domains")

        second = Demo(state_dir, free_port())
        try:
            assert eventually(second.is_up, STARTED_WITHIN), second.lines
            assert second.sign_ins() == first.sign_ins()
            assert second.count("SELECT count(*) FROM domains") == domains
            assert second.count("SELECT count(*) FROM import_runs") == 1
            assert stopped_at < second.domain_time() < f"{stopped_at[:8]}99"
            below = descendants(second.process.pid)
            second.process.kill()
            assert gone(below)
        finally:
            second.end(signal.SIGKILL)
            processes.stop(second.process)

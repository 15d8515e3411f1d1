"""The web server over real sockets: clients that stall, and headers that only a proxy may send."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from jobs.supervisor.children import web_answers
from tests.support import processes
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, eventually

# More threads than this are not there, and a request must have come within a second and a half.
SERVE = """
import time
from dashboard.auth.identity import public
from dashboard.config import load_settings
from jobs import patience, web

class Server(web.WebServer):
    def load(self):
        app = super().load()
        app.add_url_rule("/slow", view_func=public(lambda: time.sleep(3) or "done"), endpoint="slow")
        return app

patience.REQUEST_SECONDS = 1.5
web.PROCESSES, web.THREADS = 1, 4
Server(load_settings()).run()
"""


@pytest.fixture(scope="module")
def port(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    tmp_path = tmp_path_factory.mktemp("state")
    shutil.copy(sqlite_template, tmp_path / "lapsewatch.db")
    port = free_port()
    environ = os.environ | {"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_PORT": str(port)}
    process = processes.start([sys.executable, "-c", SERVE], env=environ, stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: web_answers("127.0.0.1", port))
        yield port
    finally:
        processes.stop(process)


def test_clients_that_stall_do_not_keep_others_out(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(12):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX-Unfinished: ")
        reply = httpx.get(f"http://127.0.0.1:{port}/sign-in", timeout=PATIENCE, trust_env=False)
        assert reply.status_code == 303


def test_an_answer_may_take_longer_than_its_request(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/slow", timeout=PATIENCE, trust_env=False).text == "done"


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO"])
def test_a_client_does_not_say_where_the_console_is_mounted(port: int, name: str) -> None:
    headers = {name: "/elsewhere", "X-Forwarded-Proto": "https"}
    reply = httpx.get(f"http://127.0.0.1:{port}/cases", headers=headers, timeout=PATIENCE, trust_env=False)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/sign-in?next=/cases")

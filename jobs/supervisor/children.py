"""The processes that make up Lapsewatch on one machine, as the supervisor's children."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from dashboard.config import Settings
from jobs.supervisor import valkey
from jobs.supervisor.tree import Child

Environment = Callable[[], Mapping[str, str]]


def python(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs `module` under this Python."""
    return [sys.executable, "-m", module, *arguments]


def embedded_valkey(socket: Path, binary: Path) -> Child:
    """Return the embedded server, which all others need and which therefore stops last."""
    return Child(
        "valkey",
        command=lambda: valkey.command(binary, socket, valkey.private(socket.parent)),
        ready=lambda: valkey.answers(socket),
        last=True,
        log=str(valkey.log_file(socket.parent)),
    )


def product(settings: Settings, environment: Environment) -> list[Child]:
    """Return web, scheduler and workers, started in this order."""
    workers = [_part(f"worker-{number}", "worker", environment) for number in range(1, settings.workers + 1)]
    web = Child(
        "web",
        command=lambda: python("jobs", "web"),
        environment=environment,
        ready=lambda: web_answers(settings.host, settings.port),
    )
    return [web, *workers, _part("scheduler", "scheduler", environment)]


def _part(name: str, command: str, environment: Environment) -> Child:
    return Child(name, command=lambda: python("jobs", command), environment=environment)


def web_answers(host: str, port: int) -> bool:
    """Return whether the web server answers a request at all."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=2.0)
    try:
        connection.request("HEAD", "/sign-in")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reachable(host: str) -> str:
    """Return where to reach a server that listens at `host`: on all addresses means on this machine too."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound

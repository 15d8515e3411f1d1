"""Whether a port can be listened at."""

from __future__ import annotations

import socket
import time

from jobs.supervisor.errors import PortTakenError

PATIENCE_SECONDS = 2.0


def check_free(host: str, port: int) -> None:
    """Return when `host:port` can be listened at; `PortTakenError` when not, after a short patience.

    The patience is for a web server of a moment ago that is just ending.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (problem := _problem(host, port)) is not None:
        if time.monotonic() > deadline:
            raise PortTakenError(
                f"port {port} of {host} cannot be used: {problem.strerror or problem}. Name another one with --port"
            )
        time.sleep(0.1)


def _problem(host: str, port: int) -> OSError | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        return error
    return None

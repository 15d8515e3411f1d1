"""gunicorn's threaded worker with an end to its patience.

Its threads wait for a request's bytes for as long as a client likes: a few dozen connections that say half a line
and then nothing would keep everybody else out. Here each request has a time by which it must have come, and a time
by which its answer must have been taken.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

REQUEST_SECONDS = 10.0
ANSWER_SECONDS = 60.0


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Ends reading, and later everything, on connections that keep a thread for too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._busy_since: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Serve the connection's next request (in a thread), with the time noted at which that began."""
        self._busy_since[conn] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            del self._busy_since[conn]

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002  gunicorn's signature
        """Look after connections, about once a second (the main loop), the busy ones too."""
        super().murder_keepalived(force)
        now = time.monotonic()
        for conn, since in list(self._busy_since.items()):
            if now - since > ANSWER_SECONDS:
                _shut(conn.sock, socket.SHUT_RDWR)
            elif now - since > REQUEST_SECONDS:
                # The thread that waits for bytes reads an end; one that answers already goes on.
                _shut(conn.sock, socket.SHUT_RD)


def _shut(sock: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # it was closed meanwhile
        sock.shutdown(how)

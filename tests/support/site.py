"""The application of a test behind a real port, for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server


class _Quiet(WSGIRequestHandler):
    """Logs nothing: what is asked for is the test's own doing."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  werkzeug's signature
        """Drop the line."""


@contextmanager
def running(app: Flask) -> Iterator[str]:
    """Serve `app` on a free port of this machine until the block ends; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()

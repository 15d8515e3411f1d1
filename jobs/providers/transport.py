"""An httpx transport that connects to checked addresses only.

The name stays in the Host header and in TLS (SNI and certificate) while the connection goes to the very address that
was checked: a name that changes its mind between check and use (re-binding) gains nothing. Own connections rather
than httpcore's pool, which spends most of a request's time on looking through its idle connections.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import cache

import httpx

from jobs.providers.addresses import require_public, resolve
from jobs.providers.base import MAX_REPLY
from jobs.providers.connection import Connection, RawReply, StaleConnection, connect
from jobs.providers.errors import ConnectionFailed

Resolver = Callable[[str, int], Awaitable[tuple[str, ...]]]
Origin = tuple[str, str, int]

MAX_CONNECTIONS = 40
"""Open connections of one transport. At 50 ms a reply 20 carry 350 requests a second, 40 carry 690 (measured)."""

LIMIT = "limit"
"""The request extension that bounds its reply, in bytes."""


class PinnedTransport(httpx.AsyncBaseTransport):
    """Keeps connections alive by origin; remembers for its life which addresses it checked.

    `allowed`: exact `(host, port)` pairs excepted from the check, from the settings and never from a reply.
    """

    def __init__(self, allowed: frozenset[tuple[str, int]], resolver: Resolver = resolve) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._checked: dict[tuple[str, int], tuple[str, ...]] = {}
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request without a body, once, or twice where a kept connection had been closed meanwhile."""
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        origin = url.scheme, url.raw_host.decode("ascii"), port
        limit = request.extensions.get(LIMIT, MAX_REPLY)
        try:
            raw = await self._exchange(origin, _head(request), limit, self._kept(origin))
        except StaleConnection:
            raw = await self._exchange(origin, _head(request), limit, None)
        return httpx.Response(raw.status, headers=raw.headers, stream=httpx.ByteStream(raw.body))

    async def _exchange(self, origin: Origin, head: bytes, limit: int, kept: Connection | None) -> RawReply:
        connection = kept or await self._connect(origin)
        try:
            return await connection.ask(head, limit)
        finally:
            if connection.usable:
                self._idle.setdefault(origin, []).append(connection)
            else:
                self._drop(connection)

    def _kept(self, origin: Origin) -> Connection | None:
        """Return the connection used last: the others grow old and are closed by their servers."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            self._drop(connection)
        return None

    async def _connect(self, origin: Origin) -> Connection:
        scheme, host, port = origin
        self._make_room()
        failure: Exception | None = None
        for address in self._checked.get((host, port)) or await self._check(host, port):
            try:
                connection = await connect(address, port, host, _tls() if scheme == "https" else None)
            except OSError as error:  # a time-out is one too
                failure = error
            else:
                self._open.add(connection)
                return connection
        raise ConnectionFailed(f"{host}:{port}: {failure or 'no address'}")

    async def _check(self, host: str, port: int) -> tuple[str, ...]:
        addresses = await self._resolver(host, port)
        if (host, port) not in self._allowed:
            require_public(host, addresses)
        self._checked[host, port] = addresses
        return addresses

    def _make_room(self) -> None:
        """Close idle connections to other servers while there are as many open as may be."""
        for idle in self._idle.values():
            while idle and len(self._open) >= MAX_CONNECTIONS:
                self._drop(idle.pop(0))

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._open.discard(connection)

    async def aclose(self) -> None:
        """Close all connections."""
        for connection in list(self._open):
            self._drop(connection)
        self._idle.clear()


def _head(request: httpx.Request) -> bytes:
    fields = b"".join(b"%b: %b\r\n" % field for field in request.headers.raw)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method.encode("ascii"), request.url.raw_path, fields)


@cache
def _tls() -> ssl.SSLContext:
    """Read the certificates once a process: it takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)

"""Byte streams for the HTTP pool: each connects to an address that was checked, and to no other.

The pool keeps using the *name* for the Host header and for TLS (SNI and certificate), so pinning the address changes
neither; and since name and address are looked at once, a name that changes its mind (re-binding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore

from jobs.providers.addresses import require_public, resolve

Resolver = Callable[[str, int], Awaitable[tuple[str, ...]]]

CONNECT_SECONDS = 5.0
"""Time for one address, so that a dead one leaves time for the next."""

_BUFFER = 128 * 1024


class StaleConnectionError(httpcore.ReadError):
    """A kept connection had been closed by the server before our request reached it."""


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks every address, connects to exactly one of them; remembers what it checked for its life.

    `allowed` holds exact `(host, port)` pairs excepted from the check: settings only, never anything from a reply.
    """

    def __init__(self, allowed: frozenset[tuple[str, int]], resolver: Resolver = resolve) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._checked: dict[tuple[str, int], tuple[str, ...]] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is the pool's; the caller holds the deadline
        local_address: str | None = None,  # noqa: ARG002 - the pool's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - the pool's signature
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a checked address of `host`; `ForbiddenAddress` when any address of it may not be used."""
        addresses = self._checked.get((host, port)) or await self._check(host, port)
        seconds = CONNECT_SECONDS if timeout is None else min(timeout, CONNECT_SECONDS)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await _connect(address, port, seconds)
            except (OSError, TimeoutError) as error:
                failure = error
        raise httpcore.ConnectError(f"{host}:{port}: {failure or 'no address'}")

    async def _check(self, host: str, port: int) -> tuple[str, ...]:
        addresses = await self._resolver(host, port)
        if (host, port) not in self._allowed:
            require_public(host, addresses)
        self._checked[host, port] = addresses
        return addresses

    async def sleep(self, seconds: float) -> None:
        """Wait, for the pool's retries (none are used)."""
        await asyncio.sleep(seconds)


async def _connect(address: str, port: int, seconds: float) -> WireStream:
    """Open a TCP connection to a literal address."""
    async with asyncio.timeout(seconds):
        transport, wire = await asyncio.get_running_loop().create_connection(_Wire, address, port)
    return WireStream(transport, wire)


class _Wire(asyncio.Protocol):
    """Collects what arrives until it is read; asks the peer to pause when nobody reads."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.ended = False
        self.failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > _BUFFER and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.failure = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self, limit: int) -> bytes:
        """Return up to `limit` bytes as soon as there are any; empty at the end."""
        if not self.buffer and not self.ended:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = bytes(self.buffer[:limit])
        del self.buffer[:limit]
        if self._transport is not None and not self.ended and not self._transport.is_reading():
            self._transport.resume_reading()
        return data


class WireStream(httpcore.AsyncNetworkStream):
    """One connection as the pool wants it. Deadlines are the caller's (one for the whole request), not per read."""

    def __init__(self, transport: asyncio.Transport, wire: _Wire) -> None:
        self._transport = transport
        self._wire = wire
        self._answered = False
        self._reused = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - pool's
        """Return the next bytes; `StaleConnectionError` when a kept connection turns out to have been closed."""
        data = await self._wire.take(max_bytes)
        if data:
            self._answered, self._reused = True, False
        elif self._reused:
            raise StaleConnectionError("closed by the server while kept")
        elif self._wire.failure is not None:
            raise httpcore.ReadError(str(self._wire.failure))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - pool's
        """Send; our requests are far smaller than any socket buffer, so there is nothing to wait for."""
        if self._answered:
            self._answered, self._reused = False, True
        self._transport.write(buffer)

    async def aclose(self) -> None:
        """Drop the connection at once: nothing of ours is unsent, and a peer must not hold us up."""
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the pool's signature
    ) -> httpcore.AsyncNetworkStream:
        """Continue inside TLS, verified against the name that was asked for."""
        if self._wire.buffer:
            # What came before the handshake is unauthenticated and must not be read as the reply.
            raise httpcore.ConnectError("TLS: the server spoke before the handshake")
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self._wire, ssl_context, server_hostname=server_hostname
            )
        except (OSError, ssl.SSLError) as error:
            self._transport.abort()
            raise httpcore.ConnectError(f"TLS: {error}") from error
        if transport is None:
            raise httpcore.ConnectError("TLS: cut off")
        self._wire.connection_made(transport)
        return WireStream(transport, self._wire)

    def get_extra_info(self, info: str) -> Any:
        """Answer what the pool asks: an idle connection that is readable has ended (or talks out of turn)."""
        if info == "is_readable":
            return self._wire.ended or bool(self._wire.buffer)
        if info == "ssl_object":
            return self._transport.get_extra_info("ssl_object")
        return None

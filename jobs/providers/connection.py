"""One HTTP/1.1 connection that asks one thing at a time and reads a bounded reply."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import cast

import httptools

from jobs.providers.errors import ConnectionFailed, Malformed, ProviderError, TooLarge

CONNECT_SECONDS = 5.0
"""Time for one address, so that a dead one leaves time for the next."""

_OVERHEAD = 32 * 1024
"""Bytes allowed on top of the body: head and chunk framing."""


class StaleConnection(ConnectionFailed):
    """A kept connection had been closed by the server before it answered: safe to ask again on a new one."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """Status, header fields and body as they came, still encoded."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Connection(asyncio.Protocol):
    """Sends one request after the other; `usable` says whether the next may follow."""

    def __init__(self) -> None:
        self.usable = True
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[RawReply] | None = None
        self._asked = 0
        self._reset(0)

    def _reset(self, limit: int) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._limit = limit
        self._received = self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._has_head = self._is_complete = self._may_stay = False

    async def ask(self, request: bytes, limit: int) -> RawReply:
        """Send `request`, return the reply; `TooLarge` beyond `limit` bytes of body. Deadlines are the caller's."""
        if self._transport is None or not self.usable:
            raise StaleConnection("closed by the server while kept")
        self._reset(limit)
        self._asked += 1
        self._waiting = asyncio.get_running_loop().create_future()
        # Whatever interrupts the exchange (a deadline above all) leaves half a reply on the line.
        self.usable = False
        self._transport.write(request)
        reply = await self._waiting
        self._waiting = None
        return reply

    def close(self) -> None:
        """Drop the connection at once: nothing of ours is unsent, and a peer must not hold us up."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write (asyncio)."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what arrives (asyncio)."""
        if self._waiting is None or self._waiting.done():
            # Nothing was asked: what comes now must never be read as the next reply.
            self.close()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # After a whole reply, what follows it is wrong, not the reply.
            if not self._is_complete:
                self._fail(Malformed(f"not HTTP: {error}"))
                return
        if self._is_complete:
            self._finish()
        elif max(self._received - _OVERHEAD, len(self._body)) > self._limit:
            self._fail(TooLarge(f"more than {self._limit} bytes"))

    def eof_received(self) -> bool:
        """Treat the end of their side as the end of the connection (asyncio)."""
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer with what is whole, else fail (asyncio)."""
        self.usable = False
        if self._waiting is None or self._waiting.done():
            return
        names = {name.lower() for name, _ in self._headers}
        if not self._received and self._asked > 1:
            self._fail(StaleConnection("closed by the server while kept"))
        elif exc is None and self._has_head and not names & {b"content-length", b"transfer-encoding"}:
            self._status = self._parser.get_status_code()
            self._finish()  # without a length, the end of the connection is the end of the body
        else:
            self._fail(ConnectionFailed(f"cut off after {self._received} bytes"))

    def on_message_begin(self) -> None:
        """Note a second message where one was asked for: the line is out of step and must not stay."""
        self._may_stay = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field (the parser)."""
        if not self._is_complete:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that the head is whole (the parser)."""
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body, never more than the bound and a read (the parser)."""
        if not self._is_complete and len(self._body) <= self._limit:
            self._body += body

    def on_message_complete(self) -> None:
        """Note the end of the reply (the parser)."""
        if self._is_complete:
            return
        if self._parser.get_status_code() < 200:
            self._headers, self._has_head = [], False  # an interim reply (RFC 9110, 15.2)
        else:
            self._status, self._is_complete = self._parser.get_status_code(), True
            self._may_stay = bool(self._parser.should_keep_alive())

    def _finish(self) -> None:
        if len(self._body) > self._limit:
            self._fail(TooLarge(f"more than {self._limit} bytes"))
        elif self._waiting is not None:
            self.usable = self._may_stay
            self._waiting.set_result(RawReply(self._status, self._headers, bytes(self._body)))

    def _fail(self, error: ProviderError) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
        self.close()


async def connect(address: str, port: int, host: str, tls: ssl.SSLContext | None) -> Connection:
    """Connect to a literal `address`; under TLS the certificate must be that of `host`. Raises `OSError`."""
    async with asyncio.timeout(CONNECT_SECONDS):
        _, connection = await asyncio.get_running_loop().create_connection(
            Connection, address, port, ssl=tls, server_hostname=host if tls else None
        )
    return connection

"""DNS queries over a few shared UDP sockets: one socket a query would be slow and use up the ports.

A reply counts only from the resolver's own address (the sockets are connected), with the id and the question of a
query that is waiting (RFC 5452); ids are random, and so is the socket. Anything else is dropped, not believed.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from types import TracebackType
from typing import Self, cast

import dns.exception
import dns.name
from dns.rdataclass import IN
from dns.rdatatype import RdataType

from jobs.providers.dns_reply import DnsReply, parse_reply
from jobs.providers.errors import ConnectionFailed, Malformed, ProviderError, Timeout, TooLarge, Unsupported

SOCKETS = 8
IN_FLIGHT = 200
"""Queries at once: the resolver is the operator's own, so it has a bound and no pace."""

MAX_SECONDS = 10.0
"""A resolver that has found nothing by then answers SERVFAIL at best."""

MAX_MESSAGE = 64 * 1024

_RECURSE = 0x0100
_TRUNCATED, _RESPONSE = 0x02, 0x80
# EDNS0 (RFC 6891): root name, type OPT, 1,232 bytes of payload, no flags, no options.
_OPT = struct.pack("!BHHIH", 0, 41, 1232, 0, 0)


class DnsClient:
    """Asks the resolver at `host:port`; use as a context manager, sockets open with the first query.

    `recursive`: whether the server is to find out what it does not know; one that is responsible for a zone is only
    asked for what it knows itself. `sockets`, `in_flight`: at most so many.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float,
        *,
        recursive: bool = True,
        sockets: int = SOCKETS,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self.server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._host, self._port = host, port
        self._timeout = min(timeout, MAX_SECONDS)
        self._flags = _RECURSE if recursive else 0
        self._sockets = sockets
        self._channels: list[_Channel] = []
        self._opening = asyncio.Lock()
        self._gate = asyncio.Semaphore(in_flight)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; queries still waiting fail. The next query opens new ones."""
        for channel in self._channels:
            channel.close()
        self._channels.clear()

    async def query(self, domain: str, kind: RdataType) -> DnsReply:
        """Return the resolver's reply, over TCP where UDP's was cut off; raises a `ProviderError`."""
        try:
            async with self._gate, asyncio.timeout(self._timeout):
                return await self._query(_name(domain), kind)
        except ProviderError as error:
            error.server = self.server
            raise
        except (TimeoutError, dns.exception.Timeout) as error:
            raise Timeout(f"TIMEOUT: no answer within {self._timeout:g} s", server=self.server) from error
        except (OSError, EOFError) as error:
            raise ConnectionFailed(
                f"{kind.name}: {str(error) or type(error).__name__}", server=self.server
            ) from error

    async def _query(self, name: dns.name.Name, kind: RdataType) -> DnsReply:
        channel = secrets.choice(self._channels if len(self._channels) == self._sockets else await self._open())
        wire = await channel.ask(_question(name, kind), self._flags)
        return await self._query_tcp(name, kind, channel.peer) if wire[2] & _TRUNCATED else _decoded(wire)

    async def _open(self) -> list[_Channel]:
        async with self._opening:
            while len(self._channels) < self._sockets:
                _, channel = await asyncio.get_running_loop().create_datagram_endpoint(
                    _Channel, remote_addr=(self._host, self._port)
                )
                self._channels.append(channel)
        return self._channels

    async def _query_tcp(self, name: dns.name.Name, kind: RdataType, address: str) -> DnsReply:
        """Ask again over TCP, at the address that answered over UDP (RFC 7766)."""
        question = _question(name, kind)
        query = _query(secrets.token_bytes(2), question, self._flags)
        reader, writer = await asyncio.open_connection(address, self._port)
        try:
            writer.write(struct.pack("!H", len(query)) + query)
            wire = await reader.readexactly(struct.unpack("!H", await reader.readexactly(2))[0])
        finally:
            writer.transport.abort()
        if not _answers(wire, question) or wire[:2] != query[:2]:
            raise Malformed("TCP: an answer to another question")
        return _decoded(wire)


def _name(domain: str) -> dns.name.Name:
    try:
        return dns.name.from_text(domain)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise Unsupported(f"not a domain name: {error}") from error


def _question(name: dns.name.Name, kind: RdataType) -> bytes:
    """Return the question section: name, type, class (RFC 1035, 4.1.2)."""
    encoded = name.to_wire()
    if encoded is None:
        raise Unsupported("not a domain name")
    return encoded + struct.pack("!HH", kind, IN)


def _query(number: bytes, question: bytes, flags: int) -> bytes:
    """Return a query with EDNS0; encoding by hand is a tenth of the library's time."""
    return number + struct.pack("!HHHHH", flags, 1, 0, 0, 1) + question + _OPT


def _decoded(wire: bytes) -> DnsReply:
    """Decode a reply; whatever is wrong with it is `Malformed`."""
    if len(wire) > MAX_MESSAGE:
        raise TooLarge(f"more than {MAX_MESSAGE} bytes")
    return parse_reply(wire)


def _answers(wire: bytes, question: bytes) -> bool:
    """Whether `wire` is a response to exactly `question` (names compare without case)."""
    return (
        len(wire) >= 12 + len(question)
        and bool(wire[2] & _RESPONSE)
        and wire[4:6] == b"\x00\x01"
        and wire[12 : 12 + len(question)].lower() == question.lower()
    )


class _Channel(asyncio.DatagramProtocol):
    """One connected socket and the queries that wait on it, by id."""

    def __init__(self) -> None:
        self.peer = ""
        self._waiting: dict[bytes, tuple[bytes, asyncio.Future[bytes]]] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.peer = transport.get_extra_info("peername")[0]

    async def ask(self, question: bytes, flags: int = _RECURSE) -> bytes:
        """Send a question and wait for the datagram that answers it."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionFailed("the socket is closed")
        number = secrets.token_bytes(2)
        while number in self._waiting:
            number = secrets.token_bytes(2)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = question, answer
        try:
            self._transport.sendto(_query(number, question, flags))
            return await answer
        finally:
            del self._waiting[number]

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - a connected socket has one peer
        question, answer = self._waiting.get(data[:2], (b"", None))
        if answer is not None and not answer.done() and _answers(data, question):
            answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there (ICMP): every query on this socket has failed."""
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("closed"))

    def _fail(self, error: Exception) -> None:
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionFailed(str(error)))

    def close(self) -> None:
        """Close the socket; queries still waiting fail."""
        if self._transport is not None:
            self._transport.abort()

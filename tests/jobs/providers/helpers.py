"""Small servers on loopback that say what a test tells them to, and clients that ask them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import dns.message
import dns.rrset
import httpx

from dashboard.config import Settings, load_settings
from jobs.providers.http import Http
from jobs.providers.limits import LocalLimiter

NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
FAST = 100_000.0
PATIENCE = 60.0
"""Seconds that a client waits for what comes: on a busy machine that is sometimes long."""
SHORT = 1.0
"""Seconds that a client waits for what does not come, while others beside it do answer."""


@dataclass
class HttpServer:
    """What a server saw; `asked` is set by the first request. `replies` are sent in order, the last one again and again; an empty one hangs up."""

    replies: list[bytes]
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                self.asked.set()
                reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
                if not reply:
                    break
                writer.write(reply)
                if b"connection: close" in reply.lower():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def http_server(*replies: bytes) -> AsyncIterator[HttpServer]:
    server = HttpServer(list(replies))
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def http_reply(body: object, status: int = 200, **fields: str) -> bytes:
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content_length": str(len(payload)), **fields}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + payload


DnsAnswer = Callable[[dns.message.Message], "bytes | None"]
StreamHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Bound = tuple[asyncio.DatagramTransport, asyncio.Server]


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answer: DnsAnswer) -> None:
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        reply = self.answer(dns.message.from_wire(data))
        if reply is not None:
            self.transport.sendto(reply, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def dns_server(
    answer: DnsAnswer, tcp: DnsAnswer | None = None, at: tuple[str, int] = ("127.0.0.1", 0)
) -> AsyncIterator[int]:
    """A server on one port of UDP and TCP; TCP answers with `tcp`. Any loopback address will do."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        reply = tcp(dns.message.from_wire(query)) if tcp else None
        if reply is not None:
            writer.write(len(reply).to_bytes(2, "big") + reply)
        writer.close()

    udp, stream = await _bind_both(lambda: _Udp(answer), serve, at)
    try:
        async with stream:
            yield udp.get_extra_info("sockname")[1]
    finally:
        udp.close()


async def _bind_both(
    protocol: Callable[[], asyncio.DatagramProtocol], serve: StreamHandler, at: tuple[str, int]
) -> Bound:
    """Listen on one port of UDP and TCP; a port that is free for one may be taken for the other, by any process."""
    loop = asyncio.get_running_loop()
    for _ in range(20):
        udp, _ = await loop.create_datagram_endpoint(protocol, local_addr=at)
        try:
            return udp, await asyncio.start_server(serve, at[0], udp.get_extra_info("sockname")[1])
        except OSError:
            udp.close()
    raise OSError("no port is free for both UDP and TCP")


def dns_reply(query: dns.message.Message, *records: str, rcode: int = 0) -> bytes:
    """Answer `query` with records such as `NS ns1.host.net.`, owned by the asked name."""
    message = dns.message.make_response(query)
    message.set_rcode(rcode)  # type: ignore[arg-type]
    for record in records:
        kind, _, data = record.partition(" ")
        message.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, data))
    return message.to_wire(max_size=65535)


def kind_of(query: dns.message.Message) -> str:
    return query.question[0].rdtype.name


Handler = Callable[[httpx.Request], httpx.Response]


def mock_http(handler: Handler, timeout: float = PATIENCE) -> Http:
    """A provider's way out that ends in `handler`."""
    return Http(mock_transport(handler), LocalLimiter(FAST), timeout)


def mock_transport(handler: Handler) -> httpx.MockTransport:
    """A transport whose replies are streams, as those of a real transport are."""

    def streamed(request: httpx.Request) -> httpx.Response:
        reply = handler(request)
        if not hasattr(reply, "_content"):
            return reply
        return httpx.Response(reply.status_code, headers=reply.headers, stream=httpx.ByteStream(reply.content))

    return httpx.MockTransport(streamed)


def settings_for(state_dir: Path, **changes: object) -> Settings:
    base = load_settings({"LAPSEWATCH_STATE_DIR": str(state_dir)})
    return replace(base, **{"provider_rate": FAST, "provider_timeout": PATIENCE, **changes})  # type: ignore[arg-type]

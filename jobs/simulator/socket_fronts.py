"""The DNS (UDP and TCP) and WHOIS faces of the simulator."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol, cast

from jobs.simulator.faults import Mode, Provider
from jobs.simulator.states import DomainState, free
from jobs.simulator.whois import whois_reply
from jobs.simulator.workings import Workings

IDLE_SECONDS = 30.0


class Answerer(Protocol):
    """A DNS server without its sockets: the resolver, or those of the zones above domains."""

    def answer(self, query: bytes, *, tcp: bool) -> tuple[bytes | None, float]:
        """Return the reply (None: stay silent) and how many seconds a `slow` fault holds it back."""
        ...


class DnsOverUdp(asyncio.DatagramProtocol):
    """Answers each datagram after `latency` seconds."""

    def __init__(self, resolver: Answerer, latency: float) -> None:
        self._resolver, self._latency = resolver, latency
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket to answer on."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is not derived from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query, or stay silent."""
        reply, held = self._resolver.answer(data, tcp=False)
        if reply is None:
            return
        if delay := self._latency + held:
            self._loop.call_later(delay, self._reply, reply, addr)
        else:
            self._reply(reply, addr)

    def _reply(self, reply: bytes, addr: tuple[str, int]) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(reply, addr)


@dataclass(slots=True)
class DnsOverTcp:
    """Serves one DNS connection (RFC 7766): messages with their length in front, one after the other."""

    resolver: Answerer
    latency: float

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until the asker closes, or is silent for `IDLE_SECONDS`."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                while await self._one(reader, writer):
                    pass
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            length = int.from_bytes(await reader.readexactly(2))
            query = await reader.readexactly(length)
        except asyncio.IncompleteReadError:
            return False
        reply, held = self.resolver.answer(query, tcp=True)
        await asyncio.sleep(self.latency + held)
        if reply is not None:
            writer.write(len(reply).to_bytes(2) + reply)
            await writer.drain()
        return True


_NO_ZONE = "%% ERROR: zone not served here\r\n"
_THROTTLED = "Query rate exceeded. Try again later.\r\n"
_ERROR = "%% Internal error: the database is not reachable\r\n"
_HTML = "<!doctype html><title>Maintenance</title>\r\n"


@dataclass(slots=True)
class WhoisFront:
    """Serves WHOIS (RFC 3912): one line in, one text out, closed."""

    workings: Workings
    latency: float

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one query; options before the name (`-T dn,ace NAME`) are read over."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                words = (await reader.readuntil(b"\n")).decode("latin-1").split()
                name = words[-1].lower() if words else ""
                with self.workings.request(Provider.WHOIS, name):
                    text = await self._answer(name)
                writer.write(text.encode())
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _answer(self, name: str) -> str:
        await asyncio.sleep(self.latency)
        state = self.workings.state(name)
        if name and state.zone not in self.workings.world.zones:
            return _NO_ZONE
        fault = self.workings.faults.hit(Provider.WHOIS, name)
        if fault is None:
            return whois_reply(state, self.workings.clock.now())
        if fault.mode is Mode.SLOW:
            await asyncio.sleep(fault.seconds)
        return self._broken(fault.mode, state)

    def _broken(self, mode: Mode, state: DomainState) -> str:
        whole = whois_reply(state, self.workings.clock.now())
        match mode:
            case Mode.TRUNCATED:
                return whole[: len(whole) // 2]
            case Mode.WRONG_DOMAIN:
                return whois_reply(replace(state, name=f"another-name.{state.zone}"), self.workings.clock.now())
            case Mode.AVAILABLE:
                return whois_reply(free(state.name, state.profile), self.workings.clock.now())
            case _:
                return _INSTEAD.get(mode, whole)


_INSTEAD = {Mode.THROTTLED: _THROTTLED, Mode.BROKEN: _ERROR, Mode.HTML: _HTML, Mode.DROP: ""}

"""Brings the simulator up on the loopback interface: `running()` inside a test, `serve()` as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import FaultTable
from jobs.simulator.http_front import TRANSPORT, HttpFront
from jobs.simulator.parents import ParentServers
from jobs.simulator.resolver import LOOPBACK, Resolver
from jobs.simulator.socket_fronts import Answerer, DnsOverTcp, DnsOverUdp, WhoisFront
from jobs.simulator.workings import Workings
from jobs.simulator.world import World

BEAT_SECONDS = 1.0
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """Ports (0: any free one), artificial latencies in milliseconds, and where to note every request."""

    http_port: int = 0
    dns_port: int = 0
    whois_port: int = 0
    parents_port: int = 0
    latency_ms: float = 0.0
    dns_latency_ms: float = 0.0
    journal: Path | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the simulator listens: `host:port` pairs, and the base URLs that the providers' settings take."""

    http: str
    dns: str
    whois: str
    parents: str
    fastly_url: str
    domainr_url: str
    rdap_bootstrap_url: str
    control_url: str

    @classmethod
    def at(cls, http_port: int, dns_port: int, whois_port: int, parents_port: int) -> Endpoints:
        """Return the endpoints on these ports."""
        base = f"http://{LOOPBACK}:{http_port}"
        return cls(
            http=f"{LOOPBACK}:{http_port}",
            dns=f"{LOOPBACK}:{dns_port}",
            whois=f"{LOOPBACK}:{whois_port}",
            parents=f"{LOOPBACK}:{parents_port}",
            fastly_url=base,
            domainr_url=base,
            rdap_bootstrap_url=f"{base}/rdap/dns.json",
            control_url=f"{base}/control",
        )


class _Connection(HttpToolsProtocol):
    """uvicorn's connection, which also hands its transport to the app: the `drop` fault cuts it."""

    def on_message_begin(self) -> None:
        """Begin a request with our extension in its scope."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: cast("dict[object, object]", self.transport)}


@asynccontextmanager
async def running(
    world: World, clock: SimulatedClock, options: Options | None = None, faults: FaultTable | None = None
) -> AsyncIterator[Endpoints]:
    """Serve `world` on loopback ports within the block; `OSError` when a fixed port is taken.

    `clock` and `faults` may be moved from outside while it runs.
    """
    options, faults = options or Options(), FaultTable() if faults is None else faults
    async with AsyncExitStack() as stack:
        # Line by line, so that it is whole whenever somebody reads it.
        journal = stack.enter_context(options.journal.open("a", buffering=1)) if options.journal else None
        workings = Workings(world, clock, faults, journal=journal)
        front = HttpFront(workings, options.latency_ms / 1000)
        whois = WhoisFront(workings, options.latency_ms / 1000)
        http_port = await _open_http(stack, front, options.http_port)
        latency = options.dns_latency_ms / 1000
        dns_port = await _open_dns(stack, Resolver(workings), latency, options.dns_port)
        parents_port = await _open_dns(stack, ParentServers(workings), latency, options.parents_port)
        whois_port = await _open_streams(stack, whois, options.whois_port)
        endpoints = Endpoints.at(http_port, dns_port, whois_port, parents_port)
        front.base_url = f"http://{endpoints.http}"
        yield endpoints


async def _open_http(stack: AsyncExitStack, front: HttpFront, port: int) -> int:
    loop = asyncio.get_running_loop()
    config = Config(front, log_config=None, access_log=False, lifespan="off", ws="none", proxy_headers=False)
    config.load()
    state = ServerState()
    server = await loop.create_server(lambda: _Connection(config, state, {}, loop), LOOPBACK, port, backlog=_BACKLOG)
    stack.push_async_callback(_close_http, server, state)
    return _port_of(server)


async def _close_http(server: asyncio.Server, state: ServerState) -> None:
    server.close()
    for connection in list(state.connections):
        connection.shutdown()
    for task in list(state.tasks):
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)
    await server.wait_closed()


async def _open_dns(stack: AsyncExitStack, answerer: Answerer, latency: float, fixed_port: int) -> int:
    """Open UDP and TCP on one port; a free UDP port that is taken on TCP is given back and another one tried."""
    udp = _bind_udp(fixed_port)
    port: int = udp.getsockname()[1]
    try:
        await _open_streams(stack, DnsOverTcp(answerer, latency), port)
    except OSError:
        udp.close()
        if fixed_port:
            raise
        return await _open_dns(stack, answerer, latency, fixed_port)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: DnsOverUdp(answerer, latency), sock=udp)
    stack.callback(transport.close)
    return port


def _bind_udp(port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # a sweep's burst must not overflow it
    try:
        udp.bind((LOOPBACK, port))
    except OSError:
        udp.close()
        raise
    return udp


async def _open_streams(stack: AsyncExitStack, serve_one: DnsOverTcp | WhoisFront, port: int) -> int:
    tasks: set[asyncio.Task[None]] = set()

    async def serve_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve_one(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(serve_connection, LOOPBACK, port)
    stack.push_async_callback(_close_streams, server, tasks)
    return _port_of(server)


async def _close_streams(server: asyncio.Server, tasks: set[asyncio.Task[None]]) -> None:
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def serve(world: World, clock: SimulatedClock, state_dir: Path, options: Options, faults: FaultTable) -> None:
    """Serve until SIGTERM or SIGINT; `endpoints.json` in `state_dir` appears when all ports listen.

    The clock's heartbeat is left every second, and the clock is frozen at the end.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    published = state_dir / "endpoints.json"
    published.unlink(missing_ok=True)  # a killed process leaves its own behind
    try:
        async with running(world, clock, options, faults) as endpoints:
            _publish(published, endpoints)
            await _beat_until(stop, clock)
    finally:
        published.unlink(missing_ok=True)
        clock.freeze()


def _publish(path: Path, endpoints: Endpoints) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(asdict(endpoints), indent=2))
    draft.replace(path)


async def _beat_until(stop: asyncio.Event, clock: SimulatedClock) -> None:
    while not stop.is_set():
        clock.beat()
        try:
            await asyncio.wait_for(stop.wait(), BEAT_SECONDS)
        except TimeoutError:
            continue

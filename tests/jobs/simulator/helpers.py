"""A few specs and a way to talk to a running simulator from a plain test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import dns.asyncquery
import dns.message
import httpx

from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import Fault, FaultTable
from jobs.simulator.profiles import profile_of
from jobs.simulator.server import Endpoints, Options, running
from jobs.simulator.specs import DomainSpec, Holder, Story
from jobs.simulator.world import World

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds within which the busiest machine answers."""

EXPIRY = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATED = datetime(2016, 3, 1, 12, tzinfo=UTC)
OWNER = Holder(
    "Northgrid Names", 9901, "77_DOMAIN-SIM", ("ns1.a-dns.net", "ns2.a-dns.net"), ("mx1.a.net", "mx2.a.net")
)
CATCHER = Holder("Quickcatch", 9907, "88_DOMAIN-SIM", ("ns1.b-dns.net",), ("mx.b.net",))


def day(number: float) -> datetime:
    """Days after the expiry of `make_spec`'s domains."""
    return EXPIRY + timedelta(days=number)


def make_spec(name: str = "brelwick-labs.com", story: Story = Story.LAPSE_AND_DROP, **changes: Any) -> DomainSpec:
    given: dict[str, Any] = {
        "name": name,
        "profile": profile_of(name),
        "story": story,
        "created_at": CREATED,
        "expires_at": EXPIRY,
        "holder": OWNER,
    }
    return DomainSpec(**(given | changes))


class Client:
    """Asks a running simulator."""

    def __init__(self, endpoints: Endpoints, http: httpx.AsyncClient) -> None:
        self.endpoints = endpoints
        self.http = http

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def rdap(self, name: str) -> httpx.Response:
        return await self.get(f"/rdap/domain/{name}")

    async def fastly(self, name: str, **more: str) -> httpx.Response:
        params = {"domain": name, **more}
        return await self.http.get(
            "/domain-management/v1/tools/status", params=params, headers={"Fastly-Key": "any key"}
        )

    async def parent(self, name: str, kind: str, *, tcp: bool = False, wait: float = PATIENCE) -> dns.message.Message:
        return await _ask_dns(self.endpoints.parents, dns.message.make_query(name, kind, flags=0), wait, tcp=tcp)

    async def dns(self, name: str, kind: str, *, tcp: bool = False, wait: float = PATIENCE) -> dns.message.Message:
        return await _ask_dns(self.endpoints.dns, dns.message.make_query(name, kind), wait, tcp=tcp)

    async def whois(self, query: str) -> str:
        reader, writer = await asyncio.open_connection(*self.endpoints.whois.split(":"))
        writer.write(f"{query}\r\n".encode())
        text = (await reader.read()).decode()
        writer.close()
        return text


async def _ask_dns(endpoint: str, query: dns.message.Message, wait: float, *, tcp: bool) -> dns.message.Message:
    host, port = endpoint.split(":")
    ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await ask(query, host, port=int(port), timeout=wait)


def talk(
    story: Callable[[Client], Awaitable[T]],
    *specs: DomainSpec,
    at: datetime = EXPIRY,
    clock: SimulatedClock | None = None,
    faults: tuple[Fault, ...] = (),
    options: Options | None = None,
) -> T:
    """Run `story` against a simulator of `specs` at the domain time `at`."""

    async def run() -> T:
        served = running(World(specs), clock or SimulatedClock.standing(at), options, FaultTable(*faults))
        async with (
            served as endpoints,
            httpx.AsyncClient(base_url=f"http://{endpoints.http}", timeout=PATIENCE, trust_env=False) as http,
        ):
            return await story(Client(endpoints, http))

    return asyncio.run(run())

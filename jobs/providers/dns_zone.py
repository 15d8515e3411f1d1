"""Finds the zone above a name, and the addresses of its servers, through the configured resolver."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import dns.rcode
from dns.rdatatype import RdataType

from dashboard.lifecycle.evidence import host_names
from jobs.providers.addresses import is_forbidden
from jobs.providers.dns_cache import KeptZone
from jobs.providers.dns_client import DnsClient
from jobs.providers.errors import ConnectionFailed, ForbiddenAddress, ProviderError

MAX_LABELS = 8
"""Zones looked for on the way up; a public suffix has four labels at most."""
MAX_SERVERS = 4
"""Servers whose addresses are looked up: two are asked, two stand by."""


class ZoneFinder:
    """`allowed`: exact `(address, port)` pairs that may be asked although they are not public."""

    def __init__(self, resolver: DnsClient, allowed: frozenset[tuple[str, int]], port: int) -> None:
        self._resolver = resolver
        self._allowed = allowed
        self._port = port

    def may_ask(self, address: str) -> bool:
        """Whether this literal address may be sent to."""
        return (address, self._port) in self._allowed or not is_forbidden(ip_address(address))

    async def find(self, above: str) -> KeptZone:
        """Return the zone that holds names under `above`: itself, or what it is a part of (`co.uk` of `uk`).

        Raises a `ProviderError`: `ForbiddenAddress` when none of its servers may be asked.
        """
        name = above
        for _ in range(MAX_LABELS):
            servers = await self._servers(name)
            if servers:
                return KeptZone(name, await self._addresses(servers))
            if not name:
                break
            name = name.partition(".")[2]
        raise ConnectionFailed(f"no name servers are known for {above or 'the root'}")

    async def _servers(self, zone: str) -> tuple[str, ...]:
        reply = await self._resolver.query(zone or ".", RdataType.NS)
        if reply.rcode not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
            raise ConnectionFailed(f"{dns.rcode.to_text(dns.rcode.Rcode.make(reply.rcode))}: NS of {zone}.")
        owner = zone or "."
        return host_names([r.host for r in reply.records if r.kind == RdataType.NS and r.owner == owner])

    async def _addresses(self, servers: tuple[str, ...]) -> tuple[str, ...]:
        """Look up the first few servers; a name with one address that must not be asked is left out whole."""
        found = await asyncio.gather(*(self._addresses_of(name) for name in servers[:MAX_SERVERS]))
        usable = [address for each in found if all(map(self.may_ask, each)) for address in each]
        if not usable and any(found):
            raise ForbiddenAddress(f"{servers[0]} and the others lead to addresses that are not public")
        if not usable:
            raise ConnectionFailed(f"{servers[0]} and the others have no address")
        return tuple(dict.fromkeys(usable))

    async def _addresses_of(self, name: str) -> tuple[str, ...]:
        """Return a server's addresses: IPv4 ones, or where there are none IPv6 ones."""
        for kind in (RdataType.A, RdataType.AAAA):
            try:
                reply = await self._resolver.query(name, kind)
            except ProviderError:
                continue
            if found := tuple(r.host for r in reply.records if r.kind == kind)[:MAX_SERVERS]:
                return found
        return ()

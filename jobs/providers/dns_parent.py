"""A domain's delegation, asked of the name servers of the zone above it: who delegates knows best, and at once.

The zone's servers and their addresses come from the configured resolver; glue and whatever else a reply brings along
is not used. They are asked without recursion, one and, where that one is of no use, another. Their addresses must be
public ones, but for the exact pairs of the settings: a zone above may be an attacker's own (private suffixes).
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import dns.rcode
from dns.rdatatype import RdataType

from dashboard.lifecycle.evidence import Rcode, host_names
from jobs.providers.dns_cache import KeptZone, NoCache, ZoneCache
from jobs.providers.dns_client import DnsClient
from jobs.providers.dns_reply import DnsReply
from jobs.providers.dns_zone import ZoneFinder
from jobs.providers.errors import (
    ConnectionFailed,
    ForbiddenAddress,
    Malformed,
    ProviderError,
    Refused,
    ServerError,
    Timeout,
    Unsupported,
)

TRIES = 2
"""Servers asked for one answer."""
SECONDS = 3.0
"""For one server, which answers from memory: another one is asked sooner than a resolver would give up."""
FAILURES = 3
"""Failures in a row after which a server is left alone for the rest of the job."""
SOCKETS, IN_FLIGHT = 2, 40
MAX_CLIENTS = 100
"""Servers with open sockets at a time; the one used longest ago is closed for another."""
KEEP_SECONDS, SILENT_SECONDS = 3600, 300
"""How long a zone's addresses are kept for other jobs, and that none of them answered."""

UNREACHED = (Timeout, ConnectionFailed, ForbiddenAddress, Malformed)
"""What leaves the question open, so that the resolver is asked; SERVFAIL and REFUSED are answers, kept apart."""


@dataclass(frozen=True, slots=True)
class ParentWord:
    """What a zone's server says of a name in it: NXDOMAIN, or NOERROR with its NS set, which may be empty.

    `zone`: the zone above, with a final dot. `ds`: whether there is a DS record; None where that was not answered.
    """

    zone: str
    rcode: Rcode
    nameservers: tuple[str, ...] = ()
    ds: bool | None = None


@dataclass(slots=True)
class _Zone:
    """A zone's name and addresses, with how often each has failed in a row."""

    name: str
    addresses: tuple[str, ...]
    failed: Counter[str] = field(default_factory=Counter)

    def servers(self) -> list[str]:
        """Return up to `TRIES` addresses that are worth asking, in random order."""
        good = [address for address in self.addresses if self.failed[address] < FAILURES]
        return secrets.SystemRandom().sample(good, min(TRIES, len(good)))


class Parents:
    """Asks the servers of the zones above domains; use as a context manager, one a job.

    `port`: where they listen, 53 but in the demo. `allowed`: exact `(address, port)` pairs excepted from the check of
    addresses, from the settings and never from a reply.
    """

    def __init__(
        self,
        resolver: DnsClient,
        allowed: frozenset[tuple[str, int]],
        timeout: float,
        *,
        port: int = 53,
        cache: ZoneCache | None = None,
    ) -> None:
        self._finder = ZoneFinder(resolver, allowed, port)
        self._timeout = min(timeout, SECONDS)
        self._port = port
        self._cache = cache or NoCache()
        self._zones: dict[str, asyncio.Task[_Zone]] = {}
        self._clients: dict[str, DnsClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._zones.values():
            task.cancel()
        await asyncio.gather(*self._zones.values(), return_exceptions=True)
        for client in self._clients.values():
            client.close()

    async def ask(self, domain: str) -> ParentWord:
        """Return what the zone above says of `domain`; raises a `ProviderError`, one of `UNREACHED` where open."""
        above = domain.partition(".")[2]
        zone = await self._zone(above)
        try:
            return await self._ask_zone(zone, domain)
        except UNREACHED:
            if zone.addresses and not zone.servers():
                await self._cache.put(above, KeptZone(zone.name, ()), SILENT_SECONDS)
            raise
        except ProviderError as error:
            error.server = _shown(zone.name)
            raise

    async def _ask_zone(self, zone: _Zone, domain: str) -> ParentWord:
        """Ask one server after the other; when none is of use, the first says why."""
        errors: list[ProviderError] = []
        for address in zone.servers():
            try:
                return await self._ask_server(zone, address, domain)
            except ProviderError as error:
                errors.append(error)
        raise errors[0] if errors else ConnectionFailed(f"no server of {_shown(zone.name)} answers")

    async def _ask_server(self, zone: _Zone, address: str, domain: str) -> ParentWord:
        client = self._client(address)
        ns, ds = await asyncio.gather(
            self._noted(zone, address, lambda: client.query(domain, RdataType.NS)),
            client.query(domain, RdataType.DS),
            return_exceptions=True,
        )
        if isinstance(ns, BaseException):
            raise ns
        return _word(zone.name, domain, ns, None if isinstance(ds, BaseException) else ds)

    async def _noted(self, zone: _Zone, address: str, ask: Callable[[], Awaitable[DnsReply]]) -> DnsReply:
        """Ask, and count the failures in a row."""
        try:
            reply = await ask()
        except (Timeout, ConnectionFailed):
            zone.failed[address] += 1
            raise
        zone.failed[address] = 0
        return reply

    async def _zone(self, above: str) -> _Zone:
        """Find the zone that delegates names under `above`, once a job."""
        task = self._zones.get(above)
        if task is None:
            task = self._zones[above] = asyncio.create_task(self._find(above))
        return await asyncio.shield(task)

    async def _find(self, above: str) -> _Zone:
        kept = await self._cache.get(above)
        if kept is not None and all(self._finder.may_ask(address) for address in kept.addresses):
            return _Zone(kept.name, kept.addresses)
        found = await self._finder.find(above)
        await self._cache.put(above, found, KEEP_SECONDS)
        return _Zone(found.name, found.addresses)

    def _client(self, address: str) -> DnsClient:
        """Return the way to one server, open while it is used."""
        client = self._clients.pop(address, None) or DnsClient(
            address, self._port, self._timeout, recursive=False, sockets=SOCKETS, in_flight=IN_FLIGHT
        )
        self._clients[address] = client
        while len(self._clients) > MAX_CLIENTS:
            self._clients.pop(next(iter(self._clients))).close()
        return client


def _word(zone: str, domain: str, ns: DnsReply, ds: DnsReply | None) -> ParentWord:
    """Read a reply: a referral (NS in the authority section), an answer, or an authoritative no."""
    _require_rcode(ns.rcode)
    servers = [r.host for r in (*ns.records, *ns.authority) if r.kind == RdataType.NS and r.owner == domain]
    if ns.rcode == dns.rcode.NXDOMAIN and not ns.answered:
        if not ns.authoritative or not _is_of_zone(ns, domain):
            raise Malformed("lame: NXDOMAIN by a server that is not responsible")
        return ParentWord(_shown(zone), Rcode.NXDOMAIN)
    if not servers and not ns.authoritative:
        raise Malformed("lame: neither a referral for the name nor an authoritative answer")
    has_ds = None
    if ds is not None and ds.rcode == dns.rcode.NOERROR:
        has_ds = any(r.kind == RdataType.DS and r.owner == domain for r in ds.records)
    return ParentWord(_shown(zone), Rcode.NOERROR, host_names(servers), has_ds)


def _is_of_zone(reply: DnsReply, domain: str) -> bool:
    """Whether the SOA of a negative answer, where there is one, is of a zone above the name (RFC 2308)."""
    owners = [record.owner for record in reply.authority if record.kind == RdataType.SOA]
    return all(owner == "." or domain.endswith(f".{owner}") for owner in owners)


def _require_rcode(code: int) -> None:
    """Raise the error of any rcode but NOERROR and NXDOMAIN, its name in front."""
    if code in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return
    detail = f"{dns.rcode.to_text(dns.rcode.Rcode.make(code))}: NS, by the zone above"
    classes: dict[int, type[ProviderError]] = {
        dns.rcode.SERVFAIL: ServerError,
        dns.rcode.REFUSED: Refused,
        dns.rcode.NOTIMP: Unsupported,
    }
    raise classes.get(code, Malformed)(detail)


def _shown(zone: str) -> str:
    """Write a zone as a full name: `com.`, the root as `.`."""
    return f"{zone}."

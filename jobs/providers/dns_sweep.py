"""What the daily DNS sweep asks: name servers and mail hosts, through the resolver of the settings, and no more.

No evidence is made of it, so it is not asked of the parent's servers: only that an answer changes matters, and an
answer from a resolver costs nobody else anything while it is remembered there.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

import dns.rcode
from dns.rdatatype import RdataType

from dashboard.lifecycle.evidence import MAX_ITEMS, Delegation, Evidence, Outcome, Provider, Rcode, host_names
from dashboard.lifecycle.phases import phase_from_delegation
from jobs.providers.base import Reply, require_name
from jobs.providers.dns_client import DnsClient
from jobs.providers.dns_reply import DnsReply
from jobs.providers.errors import ConnectionFailed, Malformed, NotAsked, ProviderError, Refused, ServerError
from jobs.providers.limits import Limiter


class SweepLookUp:
    """Asks for NS and MX within the sweep's own pace."""

    provider = Provider.DNS

    def __init__(self, client: DnsClient, pace: Limiter, line: str) -> None:
        """Take turns in `line`, which stands for the resolver as far as the sweep goes."""
        self._client, self._pace, self._line = client, pace, line

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask for NS and MX of `domain`; raises a `ProviderError`. Every rcode but two is an error."""
        name = require_name(domain)
        started = time.perf_counter()
        try:
            ns, mx = await self._ask(name)
        except ProviderError as error:
            error.server = self._client.server
            raise
        return Reply(self._evidence(domain, now, ns, mx), None, None, time.perf_counter() - started)

    async def _ask(self, name: str) -> tuple[DnsReply, DnsReply]:
        """Ask both at once. Only a resolver that is not there slows the line down: a broken domain is none of it."""
        try:
            async with self._pace.slot(self._line):
                found = await asyncio.gather(
                    self._client.query(name, RdataType.NS),
                    self._client.query(name, RdataType.MX),
                    return_exceptions=True,
                )
                if all(isinstance(one, ConnectionFailed) for one in found):
                    raise ConnectionFailed("the resolver cannot be reached")
        except NotAsked as error:
            raise NotAsked(error.detail, retry_after=error.retry_after) from error
        ns, mx = found
        if isinstance(ns, BaseException):
            raise ns
        if isinstance(mx, BaseException):
            raise mx
        _require_answer(ns)
        _require_answer(mx)
        return ns, mx

    def _evidence(self, domain: str, now: datetime, ns: DnsReply, mx: DnsReply) -> Evidence:
        if _is_absent(ns) != _is_absent(mx):
            raise Malformed("NXDOMAIN for one of NS and MX, but not for the other", server=self._client.server)
        absent = _is_absent(ns)
        hosts = sorted({(one.preference, one.host[:253]) for one in mx.records if one.kind == RdataType.MX})
        delegation = Delegation(Rcode.NXDOMAIN if absent else Rcode.NOERROR, tuple(hosts)[:MAX_ITEMS])
        nameservers = host_names([r.host for r in ns.records if r.kind == RdataType.NS and r.owner == domain])
        return Evidence(
            provider=Provider.DNS,
            domain=domain,
            observed_at=now,
            outcome=Outcome.NOT_FOUND if absent else Outcome.FOUND,
            phase=phase_from_delegation(delegation, nameservers),
            nameservers=nameservers,
            delegation=delegation,
            server=self._client.server,
        )


def _require_answer(reply: DnsReply) -> None:
    """Raise for every rcode that says nothing of the name."""
    if reply.rcode in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return
    name = dns.rcode.to_text(dns.rcode.Rcode.make(reply.rcode))
    if reply.rcode == dns.rcode.REFUSED:
        raise Refused(name)
    raise ServerError(name)


def _is_absent(reply: DnsReply) -> bool:
    """NXDOMAIN only where it is about the asked name itself, not about the end of an alias (RFC 6604)."""
    return reply.rcode == dns.rcode.NXDOMAIN and not reply.answered

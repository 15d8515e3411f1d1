"""Delegation by DNS, asked of the zone above; mail hosts, through the resolver of the settings.

The rcode is kept apart: only NXDOMAIN says anything. SERVFAIL, REFUSED and a time-out are errors, never a lapse (RFC
8020 speaks of NXDOMAIN alone). Where no server of the zone above is of use the resolver is asked, and the reading
says so by its `server`: `com.` are the zone's own servers, an address and port is the resolver. The resolver is the
operator's, so its address is not checked as those of public servers are.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

import dns.rcode
import orjson
from dns.rdatatype import RdataType

from dashboard.lifecycle.evidence import MAX_ITEMS, Delegation, Evidence, Outcome, Provider, Rcode, host_names
from dashboard.lifecycle.phases import phase_from_delegation
from jobs.providers.base import Reply, digest_of, require_name
from jobs.providers.dns_client import DnsClient
from jobs.providers.dns_parent import UNREACHED, Parents
from jobs.providers.dns_reply import DnsReply
from jobs.providers.errors import Malformed, ProviderError, Refused, ServerError, Unsupported


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said of the delegation, and by whom: the zone above, or the resolver in its place."""

    server: str
    rcode: Rcode
    nameservers: tuple[str, ...] = ()
    ds: bool | None = None
    by_parent: bool = False


class DnsLookUp:
    """Asks for NS and MX at once, and for A and AAAA where there is no MX (implicit MX, RFC 5321 section 5.1).

    `parents`: the way to the zones above; None: the resolver is asked for the delegation too.
    """

    provider = Provider.DNS

    def __init__(self, client: DnsClient, parents: Parents | None = None) -> None:
        self._client = client
        self._parents = parents

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask for the delegation of `domain`; raises a `ProviderError`. NOERROR without NS is FOUND, with no NS."""
        started = time.perf_counter()
        try:
            told, delegation = await self._delegation(require_name(domain))
        except ProviderError as error:
            error.server = error.server or self._client.server
            raise
        evidence = Evidence(
            provider=Provider.DNS,
            domain=domain,
            observed_at=now,
            outcome=Outcome.NOT_FOUND if delegation.rcode is Rcode.NXDOMAIN else Outcome.FOUND,
            phase=phase_from_delegation(delegation, told.nameservers),
            nameservers=told.nameservers,
            delegation=delegation,
            server=told.server,
        )
        raw = _raw(delegation, told)
        return Reply(evidence, raw, digest_of(raw), time.perf_counter() - started)

    async def _delegation(self, domain: str) -> tuple[_Told, Delegation]:
        told, mx = await asyncio.gather(self._told(domain), self._ask(domain, RdataType.MX), return_exceptions=True)
        if isinstance(told, BaseException):
            raise told
        if told.rcode is Rcode.NXDOMAIN:
            # What the zone above has deleted lives on in the resolver's memory; in its own words it cannot.
            if not told.by_parent and not isinstance(mx, BaseException) and _rcode(mx) is not Rcode.NXDOMAIN:
                raise Malformed("NXDOMAIN for NS, but not for MX")
            return told, Delegation(Rcode.NXDOMAIN)
        try:
            if isinstance(mx, BaseException):
                raise mx
            mail_hosts = _mail_hosts(mx)
            has_address = False if mail_hosts else await self._has_address(domain)
        except ProviderError:
            # Half an answer would read as "takes no mail": it is kept apart, where the delegation is known for sure.
            if not told.by_parent or not told.nameservers:
                raise
            return told, Delegation(Rcode.NOERROR, (), None, told.ds)
        return told, Delegation(Rcode.NOERROR, mail_hosts, has_address, told.ds)

    async def _told(self, domain: str) -> _Told:
        """Ask the zone above, or where that stays silent the resolver."""
        if self._parents is not None:
            try:
                word = await self._parents.ask(domain)
            except UNREACHED:
                pass
            else:
                return _Told(word.zone, word.rcode, word.nameservers, word.ds, by_parent=True)
        ns = await self._ask(domain, RdataType.NS)
        return _Told(self._client.server, _rcode(ns), _nameservers(ns, domain))

    async def _has_address(self, domain: str) -> bool:
        """Whether an A or AAAA record exists; one positive answer is enough, a failure beside a negative is not."""
        answers = await asyncio.gather(
            self._ask(domain, RdataType.A), self._ask(domain, RdataType.AAAA), return_exceptions=True
        )
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        messages = [answer for answer in answers if not isinstance(answer, BaseException)]
        wanted = (RdataType.A, RdataType.AAAA)
        found = any(record.kind in wanted for message in messages for record in message.records)
        if failures and not found:
            raise failures[0]
        return found

    async def _ask(self, domain: str, kind: RdataType) -> DnsReply:
        message = await self._client.query(domain, kind)
        _require_answer(message, kind)
        return message


def _require_answer(message: DnsReply, kind: RdataType) -> None:
    """Raise the error that any rcode but NOERROR and NXDOMAIN stands for, its name in front."""
    code = message.rcode
    if code in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return
    detail = f"{dns.rcode.to_text(dns.rcode.Rcode.make(code))}: {kind.name}"
    classes: dict[int, type[ProviderError]] = {
        dns.rcode.SERVFAIL: ServerError,
        dns.rcode.REFUSED: Refused,
        dns.rcode.NOTIMP: Unsupported,
    }
    raise classes.get(code, Malformed)(detail)


def _rcode(message: DnsReply) -> Rcode:
    """NXDOMAIN only where it is about the asked name itself, not about the end of an alias (RFC 6604)."""
    is_absent = message.rcode == dns.rcode.NXDOMAIN and not message.answered
    return Rcode.NXDOMAIN if is_absent else Rcode.NOERROR


def _nameservers(message: DnsReply, domain: str) -> tuple[str, ...]:
    """Return the name servers of the asked name itself: those of an alias' target would say nothing about it."""
    return host_names([r.host for r in message.records if r.kind == RdataType.NS and r.owner == domain])


def _mail_hosts(message: DnsReply) -> tuple[tuple[int, str], ...]:
    """`(preference, host)` in order of preference; the null MX of RFC 7505 stays `(0, ".")`."""
    hosts = {(r.preference, r.host[:253]) for r in message.records if r.kind == RdataType.MX}
    return tuple(sorted(hosts))[:MAX_ITEMS]


def _raw(delegation: Delegation, told: _Told) -> bytes:
    """Return what is kept of the replies: their content as JSON, since ids and TTLs differ each time."""
    by = "parent" if told.by_parent else "resolver"
    return orjson.dumps(
        {
            "delegation": {"rcode": delegation.rcode.value, "ns": told.nameservers, "by": by},
            "mx": delegation.mx,
            "address": delegation.has_address,
            "ds": delegation.ds,
        }
    )

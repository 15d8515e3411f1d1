"""WHOIS (RFC 3912) over TCP: the directory of TLDs that have no RDAP.

One line out, one text back, both bounded; addresses are checked as for HTTP. Where the registry is thin and names the
registrar's server, that is asked once as well, for the registrar's expiry date.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.lifecycle.evidence import Outcome, Phase, Provider
from dashboard.lifecycle.hosts import under_private_suffix
from jobs.providers import errors
from jobs.providers.addresses import require_public, resolve
from jobs.providers.base import MAX_REPLY, Reply, digest_of, require_name
from jobs.providers.connection import CONNECT_SECONDS
from jobs.providers.limits import Limiter
from jobs.providers.transport import Resolver
from jobs.providers.whois.charset import decode_reply
from jobs.providers.whois.parse import WhoisReading, parse_whois
from jobs.providers.whois.redact import redacted, redacted_answer
from jobs.providers.whois.servers import PORT, WhoisServer, is_kept_elsewhere, server_for
from jobs.providers.whois.status import phase_of


@dataclass(frozen=True, slots=True)
class _Answer:
    """One server's reply, read."""

    reading: WhoisReading
    body: bytes
    text: str


class WhoisLookUp:
    """Asks the TLD's WHOIS server, in its turn and within the time allowed.

    `servers`: by TLD (`*` for every other), from the settings. `allowed`: exact `(host, port)` pairs excepted from
    the check of addresses, from the settings and never from a reply. `timeout`: seconds for one server.
    """

    provider = Provider.WHOIS

    def __init__(
        self,
        limiter: Limiter,
        servers: Mapping[str, tuple[str, int]],
        allowed: frozenset[tuple[str, int]],
        timeout: float,
        resolver: Resolver = resolve,
    ) -> None:
        self._limiter = limiter
        self._servers = servers
        self._allowed = allowed
        self._timeout = timeout
        self._resolver = resolver

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask about `domain`; raises a `ProviderError`, `Unsupported` where no server is known for the TLD."""
        server = server_for(require_name(domain), self._servers)
        if server is None:
            raise errors.Unsupported(f"no WHOIS server is known for .{domain.rpartition('.')[2]}")
        if under_private_suffix(domain) or is_kept_elsewhere(domain):
            raise errors.Unsupported("not a name of the top-level domain's registry")
        started = time.perf_counter()
        answer = await self._ask(server, domain, now)
        registrars = await self._ask_registrar(server, answer.reading, domain, now)
        reading, body = answer.reading, answer.body
        raw = redacted(answer.text) if reading.outcome is Outcome.FOUND else redacted_answer(answer.text)
        if registrars is not None:
            reading = _joined(reading, registrars.reading, domain, now)
            body, raw = body + registrars.body, raw + b"\n\n" + redacted(registrars.text)
        evidence = reading.to_evidence(domain, now, _label(server))
        return Reply(evidence, raw[:MAX_REPLY], digest_of(body), time.perf_counter() - started)

    async def _ask_registrar(
        self, registrys: WhoisServer, reading: WhoisReading, domain: str, now: datetime
    ) -> _Answer | None:
        """Follow a referral once; it only adds to the registry's word, so that a fault there is none here."""
        host = reading.referral
        if host is None or host == registrys.host or reading.registrar_expires_at is not None:
            return None
        try:
            answer = await self._ask(WhoisServer(host, PORT), domain, now)
        except errors.ProviderError:
            return None
        return answer if answer.reading.outcome is Outcome.FOUND else None

    async def _ask(self, server: WhoisServer, domain: str, now: datetime) -> _Answer:
        label = _label(server)
        try:
            async with self._limiter.slot(label), asyncio.timeout(self._timeout):
                body = await self._exchange(server, f"{server.query.format(domain)}\r\n".encode("ascii"))
                text = decode_reply(body, domain.rpartition(".")[2])
                reading = parse_whois(text, domain, now)
                if reading.error is not None:
                    # Raised inside the turn, so that the server's bucket learns of a throttled one.
                    raise errors.of_kind(reading.error, reading.error_detail or "")
                return _Answer(reading, body, text)
        except errors.ProviderError as error:
            error.server = error.server or label
            raise
        except TimeoutError as error:
            raise errors.Timeout(f"no answer within {self._timeout:g} s", server=label) from error
        except OSError as error:
            raise errors.ConnectionFailed(str(error) or type(error).__name__, server=label) from error

    async def _exchange(self, server: WhoisServer, query: bytes) -> bytes:
        """Send the query and read to the end of the reply (`TooLarge`, `ConnectionFailed` when there is none)."""
        reader, writer = await self._connect(server)
        try:
            writer.write(query)
            body = bytearray()
            while chunk := await reader.read(8192):
                body += chunk
                if len(body) > MAX_REPLY:
                    raise errors.TooLarge(f"more than {MAX_REPLY} bytes")
        finally:
            writer.transport.abort()
        if not body:
            raise errors.ConnectionFailed("closed without a reply")
        return bytes(body)

    async def _connect(self, server: WhoisServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first address that answers, each of them checked."""
        addresses = await self._resolver(server.host, server.port)
        if (server.host, server.port) not in self._allowed:
            require_public(server.host, addresses)
        failure: OSError | None = None
        for address in addresses:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncio.open_connection(address, server.port)
            except OSError as error:  # a time-out is one too
                failure = error
        raise errors.ConnectionFailed(f"{server.host}:{server.port}: {failure or 'no address'}")


def _label(server: WhoisServer) -> str:
    """Return `host`, or `host:port` at another than the usual port: one bucket of the limiter."""
    return server.host if server.port == PORT else f"{server.host}:{server.port}"


def _joined(registrys: WhoisReading, registrars: WhoisReading, domain: str, now: datetime) -> WhoisReading:
    """Add what only the registrar knows to the registry's reading: its date may tell a term that ran out."""
    by_registrar = registrars.registrar_expires_at or registrars.expires_at
    phase = registrys.phase
    if phase is Phase.ACTIVE:
        phase = phase_of(
            registrys.statuses,
            expires_at=registrys.expires_at,
            registrar_expires_at=by_registrar,
            now=now,
            tld=domain.rpartition(".")[2],
        )
    return replace(
        registrys,
        phase=phase,
        registrar_expires_at=by_registrar,
        registrar=registrys.registrar or registrars.registrar,
        nameservers=registrys.nameservers or registrars.nameservers,
    )

"""Raw replies to evidence, by the parsers that live look-ups go through; a reply that cannot be read is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from dashboard.lifecycle.evidence import Evidence, Provider
from dashboard.lifecycle.hosts import under_private_suffix
from jobs.evidence.delegation import read_delegation
from jobs.providers.base import MAX_REPLY, error_evidence
from jobs.providers.domainr import read_status as read_domainr
from jobs.providers.errors import Malformed, ProviderError, Timeout, TooLarge
from jobs.providers.fastly import read_status as read_fastly
from jobs.providers.http import Answer
from jobs.providers.rdap import read_reply
from jobs.providers.rdap_bootstrap import Bootstrap
from jobs.providers.rdap_hops import asked_for, is_same_server
from jobs.providers.whois.charset import decode_reply
from jobs.providers.whois.parse import parse_whois

_NOWHERE = httpx.URL("https://reply.invalid/")
_NO_HEADERS = httpx.Headers()


@dataclass(frozen=True, slots=True)
class RawReply:
    """What a provider sent, as received.

    `status`: of HTTP, None where there was none (WHOIS, DNS, a time-out). `body` None: no reply at all.
    `is_registry`: False when RDAP was answered by another server than the registry's.
    """

    provider: Provider
    observed_at: datetime
    status: int | None
    body: bytes | None
    is_registry: bool = True


def read_raw(reply: RawReply, name: str) -> Evidence:
    """Read a reply about `name` (a domain as an A-label); never raises, an unreadable one is an error."""
    try:
        return _READERS[reply.provider](reply, name)
    except ProviderError as error:
        return error_evidence(reply.provider, name, reply.observed_at, error)
    except Exception as error:  # noqa: BLE001 - a reply may break a parser in ways nobody foresaw: shown as an error
        fault = Malformed(f"{type(error).__name__} while reading the reply")
        return error_evidence(reply.provider, name, reply.observed_at, fault)


def is_registrys(url: str | None, domain: str, bootstrap: Bootstrap) -> bool:
    """Whether an RDAP server speaks for the registry of `domain`; without `url` that is assumed.

    Not where it was asked for another name: a registry knows no hosts, and says 404 to `mail.example.com`.
    """
    if url is None:
        return True
    base = None if under_private_suffix(domain) else bootstrap.base_for(domain)
    try:
        asked = httpx.URL(url)
        # Of a bare server it is assumed that it was asked for the name.
        return base is not None and is_same_server(httpx.URL(base), asked) and asked_for(asked) in {None, domain}
    except httpx.InvalidURL:
        return False


def _answer(reply: RawReply) -> Answer:
    """Return an HTTP reply as the clients hand it to their parsers."""
    if reply.status is None:
        raise Timeout("no reply")
    return Answer(reply.status, _NO_HEADERS, _bounded(reply), _NOWHERE, 0.0)


def _bounded(reply: RawReply) -> bytes:
    body = reply.body or b""
    if len(body) > MAX_REPLY:
        raise TooLarge(f"more than {MAX_REPLY} bytes")
    return body


def _fastly(reply: RawReply, name: str) -> Evidence:
    return read_fastly(_answer(reply), name, reply.observed_at, None)


def _domainr(reply: RawReply, name: str) -> Evidence:
    return read_domainr(_answer(reply), name, reply.observed_at, None)


def _rdap(reply: RawReply, name: str) -> Evidence:
    return read_reply(_answer(reply), name, reply.observed_at, is_registry=reply.is_registry).evidence


def _whois(reply: RawReply, name: str) -> Evidence:
    if reply.body is None:
        raise Timeout("no reply")
    text = decode_reply(_bounded(reply), name.rpartition(".")[2])
    return parse_whois(text, name, reply.observed_at).to_evidence(name, reply.observed_at, None)


def _dns(reply: RawReply, name: str) -> Evidence:
    if not reply.body or not reply.body.strip():
        raise Timeout("no reply")
    return read_delegation(_bounded(reply), name, reply.observed_at)


_READERS: Mapping[Provider, Callable[[RawReply, str], Evidence]] = {
    Provider.FASTLY: _fastly,
    Provider.DOMAINR: _domainr,
    Provider.RDAP: _rdap,
    Provider.WHOIS: _whois,
    Provider.DNS: _dns,
}

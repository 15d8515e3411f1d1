"""RDAP (RFC 7480, 9082, 9083): the registry's directory. Only the registry's own 404 means "not registered"."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import httpx

from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from dashboard.lifecycle.hosts import under_private_suffix
from jobs.providers.base import MAX_REPLY, Reply, digest_of, require_name
from jobs.providers.errors import Malformed, ProviderError, Unsupported, WrongDomain
from jobs.providers.http import Answer, Http, error_for, read_json, server_of
from jobs.providers.rdap_bootstrap import Bootstrap
from jobs.providers.rdap_hops import asked_for, follow, is_same_server, stays_encrypted
from jobs.providers.rdap_parse import parse_domain, redacted
from jobs.providers.rdap_registrar import ask_registrar, is_worth_asking, referral_of, with_registrars_date

REGISTRARS_UNTIL = 80.0
"""Seconds from the start of a look-up until which a registrar may answer: the registry's word must not be lost."""


class RdapLookUp:
    """Asks the registry that the bootstrap names, and its registrar where that may tell more.

    `allowed`: exact `(host, port)` pairs that a registrar's link may lead to besides https at its own port; from the
    settings and never from a reply.
    """

    provider = Provider.RDAP

    def __init__(
        self, http: Http, load: Callable[[], Awaitable[Bootstrap]], allowed: frozenset[tuple[str, int]] = frozenset()
    ) -> None:
        self._http = http
        self._allowed = allowed
        self._load = load
        self._loading = asyncio.Lock()
        self._bootstrap: Bootstrap | ProviderError | None = None
        self._bases: dict[str, httpx.URL] = {}

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask the registry about `domain`; raises a `ProviderError`, `Unsupported` where the TLD has no RDAP."""
        if under_private_suffix(require_name(domain)):
            # The registry of .com says 404 to every name under uk.com, registered or not.
            raise Unsupported("not a name of the top-level domain's registry")
        started = time.perf_counter()
        base = self._parsed((await self._loaded()).base_for(domain), domain)
        first = httpx.URL(f"{base}domain/{domain}")
        answer = await follow(self._http, first, stays_encrypted)
        try:
            if answer.status == 404 and answer.url != first and asked_for(answer.url) != domain:
                # What is found says which name it is of; a "not found" is of the one that was asked for last.
                raise WrongDomain(f"asked for {domain}, led to {asked_for(answer.url) or 'no domain'}")
            reply = read_reply(answer, domain, now, is_registry=is_same_server(base, answer.url))
        except ProviderError as error:
            error.server = server_of(answer.url)
            raise
        left = REGISTRARS_UNTIL - (time.perf_counter() - started)
        return reply if left <= 0 else await self._with_registrar(reply, answer, now, left)

    async def _with_registrar(self, reply: Reply, answer: Answer, now: datetime, seconds: float) -> Reply:
        """Add the registrar's date where it is worth asking for; whatever fails there, the registry's word stands."""
        if not is_worth_asking(reply.evidence, now):
            return reply
        domain = reply.evidence.domain
        url = referral_of(read_json(answer), domain, self._allowed)
        if url is None or url == answer.url:
            return reply
        theirs = await ask_registrar(self._http, url, domain, now, allowed=self._allowed, seconds=seconds)
        if not theirs.body:
            return replace(reply, also=theirs.asked)
        return replace(
            reply,
            evidence=with_registrars_date(reply.evidence, theirs.expires_at),
            raw=((reply.raw or b"") + b"\n\n" + theirs.raw)[:MAX_REPLY],
            raw_digest=digest_of(answer.body + theirs.body),
            also=theirs.asked,
        )

    async def _loaded(self) -> Bootstrap:
        """Load the bootstrap once for all look-ups, also when that fails: a batch must not ask again and again."""
        if isinstance(self._bootstrap, Bootstrap):
            return self._bootstrap
        async with self._loading:
            if self._bootstrap is None:
                self._bootstrap = await self._outcome()
        if isinstance(self._bootstrap, ProviderError):
            raise type(self._bootstrap)(self._bootstrap.detail, server=self._bootstrap.server)
        return self._bootstrap

    async def _outcome(self) -> Bootstrap | ProviderError:
        try:
            return await self._load()
        except ProviderError as error:
            return error

    def _parsed(self, base: str | None, domain: str) -> httpx.URL:
        """Return the base as a URL, parsed once per server."""
        if base is None:
            raise Unsupported(f"no RDAP server is known for .{domain.rpartition('.')[2]}")
        url = self._bases.get(base)
        if url is None:
            try:
                url = self._bases[base] = httpx.URL(base)
            except httpx.InvalidURL as error:
                raise Malformed(f"RDAP bootstrap: {error}") from error
        return url


def read_reply(answer: Answer, domain: str, now: datetime, *, is_registry: bool) -> Reply:
    """Turn the last reply into evidence; raises a `ProviderError`, also for a 404 that is not the registry's."""
    server = server_of(answer.url)
    digest = digest_of(answer.body)
    if answer.status == 404:
        raw = _require_own_404(answer, is_registry=is_registry)
        absent = Evidence(Provider.RDAP, domain, now, Outcome.NOT_FOUND, Phase.AVAILABLE, server=server)
        return Reply(absent, raw, digest, answer.elapsed)
    if answer.status != 200:
        raise error_for(answer.status)
    document = read_json(answer)
    return Reply(parse_domain(document, domain, now, server), redacted(document), digest, answer.elapsed)


def _require_own_404(answer: Answer, *, is_registry: bool) -> bytes:
    """Refuse a 404 that is not the registry's word: from another server, or a web server's page for a lost path.

    Returns what may be kept of its body, which is optional (RFC 7480, 5.3) but must be the protocol's.
    """
    if not is_registry:
        raise Malformed("404 after a redirect away from the registry's server")
    if not answer.body.strip():
        return b""
    document = read_json(answer)
    if document.get("errorCode", 404) not in {404, "404"}:
        raise Malformed("HTTP 404 with another error inside")
    return redacted(document)

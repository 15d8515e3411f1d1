"""RDAP (RFC 7480, 9082, 9083): the registry's directory. Only the registry's own 404 means "not registered"."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx

from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from dashboard.lifecycle.hosts import under_private_suffix
from jobs.providers.base import Reply, digest_of, require_name
from jobs.providers.errors import Malformed, ProviderError, Unsupported
from jobs.providers.http import IDENTITY, USER_AGENT, Answer, Http, error_for, read_json, server_of
from jobs.providers.rdap_bootstrap import Bootstrap
from jobs.providers.rdap_parse import parse_domain, redacted

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = (b"Accept", b"application/rdap+json, application/json;q=0.8")


class RdapLookUp:
    """Asks the registry that the bootstrap names; follows at most five redirects, each checked like the first hop."""

    provider = Provider.RDAP

    def __init__(self, http: Http, load: Callable[[], Awaitable[Bootstrap]]) -> None:
        self._http = http
        self._load = load
        self._loading = asyncio.Lock()
        self._bootstrap: Bootstrap | ProviderError | None = None
        self._bases: dict[str, httpx.URL] = {}

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask the registry about `domain`; raises a `ProviderError`, `Unsupported` where the TLD has no RDAP."""
        if under_private_suffix(require_name(domain)):
            # The registry of .com says 404 to every name under uk.com, registered or not.
            raise Unsupported("not a name of the top-level domain's registry")
        base = self._parsed((await self._loaded()).base_for(domain), domain)
        answer = await self._follow(base, httpx.URL(f"{base}domain/{domain}"))
        server = server_of(answer.url)
        try:
            return read_reply(answer, domain, now, is_registry=is_same_server(base, answer.url))
        except ProviderError as error:
            error.server = server
            raise

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

    async def _follow(self, base: httpx.URL, url: httpx.URL) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._http.get(url, [(b"Host", url.netloc), USER_AGENT, IDENTITY, _ACCEPT])
            if answer.status not in _REDIRECTS:
                return answer
            url = _next_hop(answer)
        raise Malformed(f"more than {MAX_REDIRECTS} redirects", server=server_of(base))


def _next_hop(answer: Answer) -> httpx.URL:
    """Where a redirect leads; only to HTTP, never from TLS to plain text."""
    location = answer.headers.get("location", "")
    try:
        url = answer.url.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise Malformed(f"redirect refused: {error}", server=server_of(answer.url)) from error
    allowed = {"https"} if answer.url.scheme == "https" else {"http", "https"}
    if not location or url.scheme not in allowed or not url.host or url.userinfo:
        raise Malformed(f"redirect refused: {url.scheme}://{url.host}", server=server_of(answer.url))
    return url


def is_same_server(base: httpx.URL, url: httpx.URL) -> bool:
    """Whether `url` is still the registry's server: same host, and same port unless both are the schemes' own."""
    return base.host == url.host and base.port == url.port


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

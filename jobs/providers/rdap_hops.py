"""Asking an RDAP server and following where it sends us: bounded, and every hop is judged before it is taken."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from dashboard.lifecycle.hosts import reduce_host
from jobs.providers.errors import Malformed
from jobs.providers.http import IDENTITY, USER_AGENT, Answer, Http, server_of

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = (b"Accept", b"application/rdap+json, application/json;q=0.8")


async def follow(http: Http, url: httpx.URL, may_go: Callable[[httpx.URL, httpx.URL], bool]) -> Answer:
    """Ask `url` and go on for at most five redirects; a `ProviderError` otherwise.

    `may_go(here, there)` judges every hop; what the names lead to is checked by the transport as at the first one.
    """
    first = url
    for _ in range(MAX_REDIRECTS + 1):
        answer = await http.get(url, [(b"Host", url.netloc), USER_AGENT, IDENTITY, _ACCEPT])
        if answer.status not in _REDIRECTS:
            return answer
        url = _next_hop(answer, may_go)
    raise Malformed(f"more than {MAX_REDIRECTS} redirects", server=server_of(first))


def _next_hop(answer: Answer, may_go: Callable[[httpx.URL, httpx.URL], bool]) -> httpx.URL:
    location = answer.headers.get("location", "")
    try:
        url = answer.url.join(location).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise Malformed(f"redirect refused: {error}", server=server_of(answer.url)) from error
    if not location or not url.host or url.userinfo or not may_go(answer.url, url):
        raise Malformed(f"redirect refused: {url.scheme}://{url.host}", server=server_of(answer.url))
    return url


def stays_encrypted(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether a hop leads to HTTP, and never from TLS to plain text."""
    return there.scheme in ({"https"} if here.scheme == "https" else {"http", "https"})


def asked_for(url: httpx.URL) -> str | None:
    """Return the name that a URL asks for (RFC 9082, 3.1.3), as an A-label; None where it names none."""
    _, found, name = url.path.rpartition("/domain/")
    return reduce_host(name.strip("/")).host if found and name.strip("/") else None


def is_same_server(base: httpx.URL, url: httpx.URL) -> bool:
    """Whether `url` is still the server of `base`: same host, and same port unless both are the schemes' own."""
    return base.host == url.host and base.port == url.port

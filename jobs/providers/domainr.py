"""Domainr v2: a status API with Fastly's words, in its legacy form and through RapidAPI.

`GET <base>/v2/status?domain=X` with `client_id=Y` in the query (legacy) or the header `X-RapidAPI-Key`. The reply is
`{"status": [{"domain", "zone", "status", "summary"}], "errors": [...]}`; errors may come inside HTTP 200.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import httpx

from dashboard.lifecycle.evidence import Evidence, Provider
from jobs.providers.base import Reply, digest_of, require_echo, require_name
from jobs.providers.errors import Malformed, NotConfigured, ProviderError, WrongDomain
from jobs.providers.http import IDENTITY, USER_AGENT, Answer, Headers, Http, server_of
from jobs.providers.status_words import read_document, status_evidence

LEGACY_URL = "https://api.domainr.com"
RAPIDAPI_URL = "https://domainr.p.rapidapi.com"
PATH = "/v2/status"


class DomainrLookUp:
    """Asks Domainr about one domain a request; with both keys set, through RapidAPI."""

    provider = Provider.DOMAINR

    def __init__(self, http: Http, base_url: str | None, client_id: str | None, rapidapi_key: str | None) -> None:
        self._http = http
        key = rapidapi_key if _is_usable(rapidapi_key) else None
        client = client_id if _is_usable(client_id) and not key else None
        base = base_url or (RAPIDAPI_URL if key else LEGACY_URL)
        self._has_key = bool(key or client)
        self._prefix = f"{base.rstrip('/')}{PATH}?" + (f"client_id={quote(client, safe='')}&" if client else "")
        url = httpx.URL(self._prefix)
        self._server = server_of(url)
        self._headers: Headers = [
            (b"Host", url.netloc),
            USER_AGENT,
            IDENTITY,
            (b"Accept", b"application/json"),
            *([(b"X-RapidAPI-Key", key.encode()), (b"X-RapidAPI-Host", url.raw_host)] if key else []),
        ]

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask for the status of `domain`; raises a `ProviderError`."""
        if not self._has_key:
            raise NotConfigured("no Domainr key is set", server=self._server)
        url = httpx.URL(f"{self._prefix}domain={require_name(domain)}")
        answer = await self._http.get(url, self._headers)
        try:
            evidence = read_status(answer, domain, now, self._server)
        except ProviderError as error:
            error.server = self._server
            raise
        return Reply(evidence, answer.body, digest_of(answer.body), answer.elapsed)


def read_status(answer: Answer, domain: str, now: datetime, server: str | None) -> Evidence:
    """Read a status reply about `domain`; raises a `ProviderError` for anything that is not one."""
    listed = read_document(answer).get("status")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    if not entries:
        raise Malformed("no status in the reply")
    # A question about one name may be answered with its zone beside it.
    named = next((entry for entry in entries if _is_about(entry.get("domain"), domain)), entries[0])
    return status_evidence(Provider.DOMAINR, named, domain, now, server)


def _is_about(echoed: object, domain: str) -> bool:
    try:
        require_echo(echoed, domain)
    except (WrongDomain, Malformed):
        return False
    return True


def _is_usable(key: str | None) -> bool:
    """Whether a key can stand in a request's head: one of other characters would change it, and counts as none."""
    return bool(key and key.isascii() and key.isprintable())

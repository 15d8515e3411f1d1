"""Fastly Domain Research: a status API. Look-ups are precise; a reply marked `estimate` is only weak evidence.

`GET <base>/domain-management/v1/tools/status?domain=X` with the header `Fastly-Key`. Errors may come inside HTTP 200.
"""

from __future__ import annotations

from datetime import datetime

import httpx

from dashboard.lifecycle.evidence import Evidence, Provider
from jobs.providers.base import Reply, digest_of, require_name
from jobs.providers.errors import NotConfigured, ProviderError
from jobs.providers.http import IDENTITY, USER_AGENT, Answer, Headers, Http, server_of
from jobs.providers.status_words import read_document, status_evidence

PATH = "/domain-management/v1/tools/status"


class FastlyLookUp:
    """Asks Fastly about one domain a request."""

    provider = Provider.FASTLY

    def __init__(self, http: Http, base_url: str, key: str | None) -> None:
        self._http = http
        self._prefix = f"{base_url.rstrip('/')}{PATH}?domain="
        # A key of other characters would change the request's head: it counts as none.
        self._key = key.encode() if key and key.isascii() and key.isprintable() else b""
        url = httpx.URL(self._prefix)
        self._server = server_of(url)
        self._headers: Headers = [
            (b"Host", url.netloc),
            USER_AGENT,
            IDENTITY,
            (b"Accept", b"application/json"),
            (b"Fastly-Key", self._key),
        ]

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask for the precise status of `domain`; raises a `ProviderError`."""
        if not self._key:
            raise NotConfigured("no Fastly key is set", server=self._server)
        answer = await self._http.get(httpx.URL(self._prefix + require_name(domain)), self._headers)
        try:
            evidence = read_status(answer, domain, now, self._server)
        except ProviderError as error:
            error.server = self._server
            raise
        return Reply(evidence, answer.body, digest_of(answer.body), answer.elapsed)


def read_status(answer: Answer, domain: str, now: datetime, server: str | None) -> Evidence:
    """Read a status reply about `domain`; raises a `ProviderError` for anything that is not one."""
    document = read_document(answer)
    estimate = str(document.get("scope")).strip().lower() == "estimate"
    return status_evidence(Provider.FASTLY, document, domain, now, server, estimate=estimate)

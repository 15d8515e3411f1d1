"""Fastly Domain Research: a status API. Look-ups are precise; a reply marked `estimate` is only weak evidence.

`GET <base>/domain-management/v1/tools/status?domain=X` with the header `Fastly-Key`. Errors may come inside HTTP 200.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from dashboard.lifecycle.evidence import MAX_ITEMS, Evidence, Outcome, Phase, Provider, clip
from dashboard.lifecycle.phases import phase_from_status_api
from jobs.providers.base import Reply, digest_of, require_echo, require_name
from jobs.providers.errors import Malformed, NotConfigured, ProviderError, Unsupported
from jobs.providers.http import IDENTITY, USER_AGENT, Answer, Headers, Http, error_for, read_json, server_of

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
    if answer.status != 200:
        raise _status_error(answer.status)
    document = read_json(answer)
    _refuse_errors(document)
    require_echo(document.get("domain"), domain)
    statuses = _statuses(document)
    phase = phase_from_status_api(statuses)
    return Evidence(
        provider=Provider.FASTLY,
        domain=domain,
        observed_at=now,
        outcome=Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND,
        phase=phase,
        statuses=statuses,
        estimate=document.get("scope") == "estimate",
        server=server,
    )


def _status_error(code: int, detail: str = "") -> ProviderError:
    """Fastly's 404 is about the name or its zone being unknown to it: nothing was learnt about a registration."""
    return Unsupported(f"HTTP 404: {detail}" if detail else "HTTP 404") if code == 404 else error_for(code, detail)


def _refuse_errors(document: dict[str, Any]) -> None:
    """Raise the first of the errors that Fastly puts into a reply of HTTP 200."""
    listed = document.get("errors")
    if not listed:
        return
    first = listed[0] if isinstance(listed, list) else listed
    if not isinstance(first, dict) or not isinstance(first.get("code"), int):
        raise Malformed("errors of unknown form")
    raise _status_error(first["code"], clip(str(first.get("message", ""))) or "")


def _statuses(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the words of `status` as a sorted set; `Malformed` when there are none."""
    text = document.get("status")
    if not isinstance(text, str) or not text.strip():
        raise Malformed("no status in the reply")
    words = {clip(word.lower(), 32) for word in text.split()}
    return tuple(sorted(word for word in words if word))[:MAX_ITEMS]

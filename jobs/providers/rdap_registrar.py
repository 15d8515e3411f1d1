"""The registrar's RDAP server, asked for the one date that the registry has not got: when the holder's term ends.

A registry renews by itself at expiry, so that its own date lies in the future although nobody has paid. The
`registrar expiration` (an event of the ICANN RDAP response profile) a year behind it says so. Nothing else is taken
from a registrar: neither a phase nor, least of all, its 404.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx

from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase
from dashboard.lifecycle.phases import phase_from_epp
from jobs.providers.base import Asked
from jobs.providers.errors import ProviderError
from jobs.providers.http import Answer, Http, error_for, read_json, server_of
from jobs.providers.rdap_hops import follow
from jobs.providers.rdap_parse import parse_domain, redacted

SECONDS = 15.0
"""For the registrar's whole answer, the wait for a turn included: a date more is not worth a job's time."""

ROLLED_OVER = timedelta(days=60)
"""After an anniversary of the expiry date: the longest grace of a registrar (45 days), and slack."""

MAX_URL = 1024
Endpoints = frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Registrars:
    """What came of asking a registrar: `expires_at` None where it does not say; `raw` as it may be kept."""

    asked: Asked
    expires_at: datetime | None = None
    body: bytes = b""
    raw: bytes = b""


def is_worth_asking(evidence: Evidence, now: datetime) -> bool:
    """Whether the registrar's date may change what the registry's reading means; healthy terms are left alone.

    That is after the end of a term (the expiry date, or one of its anniversaries: the registry may have renewed by
    itself), while `auto renew period` is shown, and while the name is on hold.
    """
    if evidence.outcome is not Outcome.FOUND or evidence.registrar_expires_at is not None:
        return False
    if evidence.phase in {Phase.HOLD, Phase.AUTO_RENEW_GRACE}:
        return True
    is_due = "auto renew period" in evidence.statuses or _ended_lately(evidence.expires_at, now)
    return evidence.phase is Phase.ACTIVE and is_due


def _ended_lately(expires_at: datetime | None, now: datetime) -> bool:
    """Whether a term ends here: the date has passed, or lies whole years after a day of the last two months."""
    if expires_at is None:
        return False
    return (
        any(timedelta(0) <= now - end <= ROLLED_OVER for end in _anniversaries(expires_at, now)) or expires_at <= now
    )


def _anniversaries(moment: datetime, now: datetime) -> Iterator[datetime]:
    for year in (now.year - 1, now.year):
        if year < moment.year:
            # 29 February: the term began on the 28th or the 1st of March, which two months of slack cover.
            yield moment.replace(year=year, day=min(moment.day, 28))


def referral_of(document: dict[str, Any], domain: str, allowed: Endpoints) -> httpx.URL | None:
    """Return the registrar's URL for `domain` that a registry's answer links as `related`, or None.

    Only one that may be asked (`may_ask`) and that names the very domain.
    """
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        url = _url_of(link, domain)
        if url is not None and may_ask(url, allowed):
            return url
    return None


def _url_of(link: object, domain: str) -> httpx.URL | None:
    match link:
        case {"rel": str(rel), "href": str(href)} if rel.strip().lower() == "related" and len(href) <= MAX_URL:
            pass
        case _:
            return None
    try:
        url = httpx.URL(href.strip()).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        return None
    return url if url.path.lower().rstrip("/").endswith(f"/domain/{domain}") else None


def may_ask(url: httpx.URL, allowed: Endpoints) -> bool:
    """Whether a URL from a reply may be asked: https at its own port, or one of the settings' exact pairs.

    That the name leads to a public address is checked where the connection is made.
    """
    port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
    if not url.host or url.userinfo or url.scheme not in {"http", "https"}:
        return False
    return (url.host, port) in allowed or (url.scheme == "https" and port == 443)


async def ask_registrar(
    http: Http, url: httpx.URL, domain: str, now: datetime, *, allowed: Endpoints, seconds: float = SECONDS
) -> Registrars:
    """Ask a registrar about `domain`; never raises for a fault of its own, which costs nothing but its date."""
    server = server_of(url)
    try:
        async with asyncio.timeout(min(seconds, SECONDS)):
            answer = await follow(http, url, lambda _, there: may_ask(there, allowed))
        return _read(answer, domain, now)
    except ProviderError as error:
        return Registrars(Asked(error.server or server, error.kind))
    except TimeoutError:
        return Registrars(Asked(server, ErrorKind.TIMEOUT))


def _read(answer: Answer, domain: str, now: datetime) -> Registrars:
    server = server_of(answer.url)
    if answer.status == 404:  # an answer, which says nothing: only the registry knows what is registered
        return Registrars(Asked(server, None))
    if answer.status != 200:
        raise error_for(answer.status)
    document = read_json(answer)
    found = parse_domain(document, domain, now, server)
    return Registrars(Asked(server, None), found.registrar_expires_at, answer.body, redacted(document))


def with_registrars_date(evidence: Evidence, expires_at: datetime | None) -> Evidence:
    """Return the registry's reading with the registrar's date, and the phase that the two tell together."""
    if expires_at is None:
        return evidence
    phase = phase_from_epp(
        evidence.statuses,
        expires_at=evidence.expires_at,
        registrar_expires_at=expires_at,
        now=evidence.observed_at,
        tld=evidence.domain.rpartition(".")[2],
    )
    return replace(evidence, registrar_expires_at=expires_at, phase=phase)

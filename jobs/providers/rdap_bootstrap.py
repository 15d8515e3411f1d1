"""Which RDAP server speaks for a TLD: IANA's bootstrap file (RFC 9224), and the few TLDs that it lacks."""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import orjson

from dashboard.config import Settings
from jobs.providers.errors import Malformed, ProviderError
from jobs.providers.http import IDENTITY, USER_AGENT, Http, error_for

SHIPPED = Path(__file__).with_suffix(".json")
"""IANA's file as of its publication date: what is known where IANA is not asked."""

MAX_BOOTSTRAP = 2 * 1024 * 1024
FRESH_SECONDS = 24 * 3600.0
"""Age until which a kept copy is used without asking IANA again."""

LEAST_PART = 0.5
"""A refreshed file with fewer than this part of the suffixes known before is not believed."""

OVERRIDES: Mapping[str, str] = {
    "de": "https://rdap.denic.de/",
    "io": "https://rdap.identitydigital.services/rdap/",
    "me": "https://rdap.identitydigital.services/rdap/",
    "ac": "https://rdap.identitydigital.services/rdap/",
    "sh": "https://rdap.identitydigital.services/rdap/",
    "co": "https://rdap.registry.co/co/",
    "ch": "https://rdap.nic.ch/",
    "li": "https://rdap.nic.li/",
}
"""Working servers of registries that IANA's file does not list."""

_log = logging.getLogger(__name__)


class Bootstrap:
    """Base URLs by suffix, each ending in a slash. `listed`: how many suffixes the file itself names."""

    def __init__(self, bases: Mapping[str, str], listed: int = 0) -> None:
        self._bases = dict(bases)
        self.listed = listed

    def base_for(self, domain: str) -> str | None:
        """Return the base URL for the longest suffix of `domain` that is listed (label by label), or None."""
        suffix = domain
        while suffix:
            base = self._bases.get(suffix)
            if base is not None:
                return base
            suffix = suffix.partition(".")[2]
        return None


def parse_bootstrap(body: bytes, overrides: Mapping[str, str] | None = None) -> Bootstrap:
    """Read a bootstrap file, `overrides` filling its gaps; `Malformed` when it names no server at all."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"RDAP bootstrap: broken JSON: {error}") from error
    services = document.get("services") if isinstance(document, dict) else None
    listed = _bases(services) if isinstance(services, list) else {}
    if not listed:
        raise Malformed("RDAP bootstrap: no services")
    return Bootstrap({**(overrides or {}), **listed}, len(listed))


def shipped() -> Bootstrap:
    """Return the copy that comes with the product."""
    return parse_bootstrap(SHIPPED.read_bytes(), OVERRIDES)


def _bases(services: list[Any]) -> dict[str, str]:
    """One base URL per suffix; an entry of unknown form is passed over, the rest counts."""
    bases: dict[str, str] = {}
    for entry in services:
        match entry:
            case [[*suffixes], [*urls], *_]:
                base = _best(urls)
                bases.update({s.strip(".").lower(): base for s in suffixes if isinstance(s, str) and base})
    return bases


def _best(urls: list[Any]) -> str:
    """Return the first https URL, else the first http one (RFC 9224, section 3), or empty when there is none."""
    usable = [url for url in urls if isinstance(url, str) and url.lower().startswith(("https://", "http://"))]
    best = next((url for url in usable if url.lower().startswith("https://")), next(iter(usable), ""))
    return best if not best or best.endswith("/") else best + "/"


class BootstrapFile:
    """The bootstrap of `Settings.rdap_bootstrap_url`, with a copy kept in the state directory.

    A copy younger than a day is used as it is: a work-horse that lives for one batch must not ask IANA each time.
    Where IANA cannot be reached, or sends a file that is broken, empty or shrunk, the last good copy is used, else
    the one that comes with the product. A local one (the demo's) is always asked, never kept, and has no overrides.
    """

    def __init__(self, http: Http, settings: Settings) -> None:
        self._http = http
        self._url = httpx.URL(settings.rdap_bootstrap_url)
        port = self._url.port or {"http": 80, "https": 443}[self._url.scheme]
        self._is_local = (self._url.host, port) in settings.allowed_endpoints or _is_loopback(self._url.host)
        name = hashlib.sha256(settings.rdap_bootstrap_url.encode()).hexdigest()[:12]
        self._copy = settings.state_dir / f"rdap-bootstrap-{name}.json"

    async def load(self) -> Bootstrap:
        """Return the current bootstrap, or the best there is; a `ProviderError` only where a local one fails."""
        if self._is_local:
            return parse_bootstrap(await self._fetch())
        kept = self._kept(FRESH_SECONDS)
        if kept is not None:
            return kept
        last_good = self._kept(float("inf"))
        try:
            body = await self._fetch()
            fetched = _whole(parse_bootstrap(body, OVERRIDES), last_good or shipped())
        except ProviderError as error:
            _log.warning(
                "RDAP bootstrap not refreshed (%s): the %s copy is used",
                error.detail,
                "last good" if last_good else "shipped",
            )
            return last_good or shipped()
        _write(self._copy, body)
        return fetched

    async def _fetch(self) -> bytes:
        answer = await self._http.get(self._url, [(b"Host", self._url.netloc), USER_AGENT, IDENTITY], MAX_BOOTSTRAP)
        if answer.status != 200:
            raise error_for(answer.status, "RDAP bootstrap")
        return answer.body

    def _kept(self, max_age: float) -> Bootstrap | None:
        """Return the kept copy if it is readable and at most `max_age` seconds old by the wall clock."""
        try:
            if time.time() - self._copy.stat().st_mtime > max_age:
                return None
            return parse_bootstrap(self._copy.read_bytes(), OVERRIDES)
        except (OSError, Malformed):
            return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _whole(fetched: Bootstrap, known: Bootstrap) -> Bootstrap:
    """Refuse a file that has lost most of what was known: registries leave RDAP one by one, if at all."""
    if fetched.listed < known.listed * LEAST_PART:
        raise Malformed(f"RDAP bootstrap: {fetched.listed} suffixes where {known.listed} were known")
    return fetched


def _write(path: Path, body: bytes) -> None:
    """Replace the kept copy in one step; failing to keep one is not worth failing a look-up."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(body)
        Path(file.name).replace(path)
    except OSError as error:
        _log.warning("RDAP bootstrap not kept: %s", error.strerror)

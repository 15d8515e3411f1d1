"""What every provider offers: one asynchronous question about one domain."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import idna

from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Provider, clip
from jobs.providers.errors import Malformed, ProviderError, Unsupported, WrongDomain

MAX_REPLY = 64 * 1024
"""Bytes of a reply that are read and kept, at most."""

_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62}(?:\.[a-z0-9_][a-z0-9_-]{0,62})*)\Z")


@dataclass(frozen=True, slots=True)
class Asked:
    """A server that was asked besides the one that the evidence names, and why it did not answer (None: it did)."""

    server: str
    error: ErrorKind | None


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: the normalised evidence, what may be kept of the raw reply, and the digest of all of it.

    `raw`: bytes to keep, contact fields of persons already taken out; None after an error. `raw_digest`: SHA-256
    (hex) of the whole bounded reply as received. `elapsed`: seconds the provider took, waiting for our turn excluded.
    `also`: another server that was asked on the way, to be counted.
    """

    evidence: Evidence
    raw: bytes | None
    raw_digest: str | None
    elapsed: float
    also: Asked | None = None


class LookUp(Protocol):
    """A provider's client."""

    provider: Provider

    async def look_up(self, domain: str, now: datetime) -> Reply:
        """Ask about `domain` (lower-case A-label form), noting `now` as its time; raises a `ProviderError`."""
        ...


def error_evidence(provider: Provider, domain: str, now: datetime, error: ProviderError) -> Evidence:
    """Return the evidence of an error: it says why there is no answer, and nothing about the domain."""
    return Evidence(
        provider=provider,
        domain=domain,
        observed_at=now,
        outcome=Outcome.ERROR,
        server=error.server,
        error=error.kind,
        error_detail=clip(error.detail),
    )


def digest_of(body: bytes) -> str:
    """SHA-256 (hex) of a reply."""
    return hashlib.sha256(body).hexdigest()


def require_name(domain: str) -> str:
    """Return `domain` if it is a lower-case A-label name that can stand in a URL or query; else `Unsupported`."""
    if not _NAME.match(domain):
        raise Unsupported(f"not a domain name: {domain!r}")
    return domain


def require_echo(echoed: object, asked: str) -> None:
    """Check that a reply names the asked domain, in any case or as a U-label (`WrongDomain`, `Malformed`)."""
    if not isinstance(echoed, str) or not echoed.strip():
        raise Malformed("the reply does not say which domain it is about")
    name = echoed.strip().rstrip(".").lower()
    if name != asked and _a_label(name) != asked:
        raise WrongDomain(f"asked for {asked}, answered for {name}")


def _a_label(name: str) -> str | None:
    """Return the A-label form of a name written in Unicode, or None when it has none (RFC 5891)."""
    if name.isascii():
        return None
    try:
        return idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None

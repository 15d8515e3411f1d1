"""What one provider said of one domain at one time, normalised.

Everything here may have been written by an attacker (they may own the domain, its WHOIS and its DNS), so texts and
lists are bounded where evidence is made.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

MAX_TEXT = 255
MAX_ITEMS = 32


class Provider(StrEnum):
    """Where evidence comes from."""

    FASTLY = "fastly"
    DOMAINR = "domainr"
    RDAP = "rdap"
    WHOIS = "whois"
    DNS = "dns"


class EvidenceKind(StrEnum):
    """How far evidence may be trusted: delegation only triggers and corroborates."""

    STATUS_API = "status_api"
    REGISTRY_DIRECTORY = "registry_directory"
    DELEGATION = "delegation"


class Outcome(StrEnum):
    """Whether the provider knows the domain; `error` says nothing of the domain at all."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    ERROR = "error"


class Phase(StrEnum):
    """Where a domain stands in its life cycle (DESIGN words; EPP/RGP terms of RFC 3915 and 5731)."""

    ACTIVE = "active"
    AUTO_RENEW_GRACE = "auto_renew_grace"
    REDEMPTION = "redemption"
    PENDING_RESTORE = "pending_restore"
    PENDING_DELETE = "pending_delete"
    AVAILABLE = "available"
    HOLD = "hold"
    RESERVED = "reserved"
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """Why a provider gave no answer; each is counted and shown, none is ever a phase."""

    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    REFUSED = "refused"
    MALFORMED = "malformed"
    WRONG_DOMAIN = "wrong_domain"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    NOT_CONFIGURED = "not_configured"
    FORBIDDEN_ADDRESS = "forbidden_address"
    CONNECTION = "connection"
    NOT_ASKED = "not_asked"
    UNTRUSTED = "untrusted"


class Rcode(StrEnum):
    """The answer code of a delegation query, kept apart because only NXDOMAIN says anything (RFC 1035, 8020)."""

    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"
    TIMEOUT = "TIMEOUT"


@dataclass(frozen=True, slots=True)
class Delegation:
    """What DNS says: the rcode of the NS query, mail hosts in order of preference, whether an A/AAAA or DS exists.

    `mx` entries are `(preference, host)`; the null MX of RFC 7505 is `(0, ".")`. `ds` is None when it was not asked.
    `has_address` is None where the zone above delegates the name, but nobody answered for its mail (lame).
    """

    rcode: Rcode
    mx: tuple[tuple[int, str], ...] = ()
    has_address: bool | None = False
    ds: bool | None = None

    @property
    def knows_mail(self) -> bool:
        """Whether the question for mail hosts was answered, be it with none."""
        return self.has_address is not None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reading. Times are aware UTC; host names lower-case A-labels without a trailing dot, sorted.

    `released_at`: the day that the registry itself names for the release of a name that is not renewed (`free-date`).
    """

    provider: Provider
    domain: str
    observed_at: datetime
    outcome: Outcome
    phase: Phase = Phase.UNKNOWN
    statuses: tuple[str, ...] = ()
    registered_at: datetime | None = None
    expires_at: datetime | None = None
    registrar_expires_at: datetime | None = None
    changed_at: datetime | None = None
    transferred_at: datetime | None = None
    registrar: str | None = None
    handle: str | None = None
    nameservers: tuple[str, ...] = ()
    delegation: Delegation | None = None
    estimate: bool = False
    server: str | None = None
    error: ErrorKind | None = None
    error_detail: str | None = None
    released_at: datetime | None = None

    @property
    def kind(self) -> EvidenceKind:
        """The kind of evidence; a status API's DNS estimate is only delegation."""
        provider = self.provider
        if provider is Provider.DNS or self.estimate:
            return EvidenceKind.DELEGATION
        if provider is Provider.FASTLY or provider is Provider.DOMAINR:
            return EvidenceKind.STATUS_API
        return EvidenceKind.REGISTRY_DIRECTORY

    @property
    def by_resolver(self) -> bool:
        """Whether a resolver was asked for the delegation, and not the zone above, whose name ends in a dot.

        A resolver tells the zone's own NS set, which may differ from the one that the zone above delegates to:
        nothing has changed where only the way of asking has.
        """
        return self.provider is Provider.DNS and self.server is not None and not self.server.endswith(".")

    def normalised(self) -> dict[str, Any]:
        """Return the reading as JSON-ready values, without its time: what compaction and digests compare."""
        values = {name: _plain(getattr(self, name)) for name in _NORMALISED}
        if self.released_at is not None:  # few registries name it: the digests of all others stay what they were
            values["released_at"] = _plain(self.released_at)
        return values

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the normalised reading: equal digests are the same answer, seen again."""
        return digest_of(self.normalised())

    @classmethod
    def from_normalised(cls, raw: dict[str, Any], observed_at: datetime) -> Evidence:
        """Rebuild a reading from `normalised()` and the time it was seen."""
        values = dict(raw)
        for name in _TIMES:
            values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
        delegation = values.get("delegation")
        values["delegation"] = (
            Delegation(
                rcode=Rcode(delegation["rcode"]),
                mx=tuple((int(preference), str(host)) for preference, host in delegation["mx"]),
                has_address=delegation["has_address"],
                ds=delegation["ds"],
            )
            if delegation
            else None
        )
        values["provider"], values["outcome"] = Provider(values["provider"]), Outcome(values["outcome"])
        values["phase"] = Phase(values["phase"])
        values["error"] = ErrorKind(values["error"]) if values.get("error") else None
        values["statuses"], values["nameservers"] = tuple(values["statuses"]), tuple(values["nameservers"])
        return cls(observed_at=observed_at, **values)


def digest_of(normalised: dict[str, Any]) -> str:
    """SHA-256 (hex) of what `Evidence.normalised()` returned."""
    return hashlib.sha256(orjson.dumps(normalised, option=orjson.OPT_SORT_KEYS)).hexdigest()


_TIMES = ("registered_at", "expires_at", "registrar_expires_at", "changed_at", "transferred_at", "released_at")
_NORMALISED = tuple(f.name for f in fields(Evidence) if f.name not in {"observed_at", "released_at"})


def _plain(value: Any) -> Any:
    """Turn one field into JSON-ready values; most are None or text already."""
    if value is None or type(value) is str or type(value) is bool:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return _plain_delegation(value)


def _plain_delegation(value: Delegation) -> dict[str, Any]:
    return {
        "rcode": value.rcode.value,
        "mx": [list(item) for item in value.mx],
        "has_address": value.has_address,
        "ds": value.ds,
    }


@dataclass(frozen=True, slots=True)
class Reading:
    """Evidence as kept: seen first and last at these times with nothing changed between (compaction)."""

    evidence: Evidence
    first_seen_at: datetime
    last_seen_at: datetime


class ByContent:
    """The last part of a sort key: orders readings by digest, worked out only where all before it is equal."""

    __slots__ = ("_evidence",)

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def __lt__(self, other: ByContent) -> bool:
        return self._evidence.digest < other._evidence.digest


def clip(text: str | None, limit: int = MAX_TEXT) -> str | None:
    """Bound attacker-controlled text: control characters removed, at most `limit` characters, empty becomes None."""
    if not text:
        return None
    cleaned = "".join(ch for ch in text if ch.isprintable()).strip()[:limit]
    return cleaned or None


def host_names(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Normalise host names: lower case, no trailing dot, sorted, unique, at most `MAX_ITEMS`."""
    cleaned = {name.strip().rstrip(".").lower()[:253] for name in names if name}
    return tuple(sorted(cleaned - {""}))[:MAX_ITEMS]

"""Reading an RDAP domain object (RFC 9083). Tolerant: one bad date, entity or jCard never loses the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from dashboard.lifecycle.evidence import MAX_ITEMS, Evidence, Outcome, Provider, clip, host_names
from dashboard.lifecycle.phases import epp_word, phase_from_epp
from jobs.providers.base import require_echo
from jobs.providers.errors import Malformed

_DEPTH = 12
_OLDEST, _NEWEST = 1983, 2200
_CARDS = frozenset({"vcardArray", "jscard", "jscontact_card"})
_EMAIL = re.compile(r"[^\s@<>()\[\]\"',;:/]{1,64}@(?=[\w\[])")


def parse_domain(document: dict[str, Any], domain: str, now: datetime, server: str | None) -> Evidence:
    """Read the domain object that answers for `domain`; `WrongDomain` or `Malformed` when it is not one."""
    if "errorCode" in document:
        raise Malformed(f"error {document['errorCode']!r} inside HTTP 200")
    kind = document.get("objectClassName", "domain")
    if isinstance(kind, str) and kind.strip().lower() != "domain":
        raise Malformed(f"not a domain, but {kind}")
    require_echo(document.get("ldhName") or document.get("unicodeName"), domain)
    _require_own_handle(document.get("handle"), domain)
    dates = _dates(document)
    statuses = _statuses(document)
    expires_at, registrar_expires_at = dates.get("expiration"), dates.get("registrar expiration")
    phase = phase_from_epp(
        statuses,
        expires_at=expires_at,
        registrar_expires_at=registrar_expires_at,
        now=now,
        tld=domain.rpartition(".")[2],
    )
    return Evidence(
        provider=Provider.RDAP,
        domain=domain,
        observed_at=now,
        outcome=Outcome.FOUND,
        phase=phase,
        statuses=statuses,
        registered_at=_later(dates.get("registration"), dates.get("reregistration")),
        expires_at=expires_at,
        registrar_expires_at=registrar_expires_at,
        changed_at=dates.get("last changed"),
        transferred_at=dates.get("transfer"),
        registrar=_registrar(document),
        handle=_text(document.get("handle")),
        nameservers=_nameservers(document),
        server=server,
    )


def _require_own_handle(handle: object, domain: str) -> None:
    """Refuse an object whose handle is another domain's name, where the registry uses names as handles (.de, .br)."""
    name = handle.strip().rstrip(".").lower() if isinstance(handle, str) else ""
    if name.count(".") == domain.count(".") and name.endswith("." + domain.partition(".")[2]):
        require_echo(name, domain)


def parse_date(text: object) -> datetime | None:
    """Read an RFC 3339 time or a plain date as aware UTC; None for anything else and for obvious place-holders."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().replace(" UTC", "Z"))
        # A time without a zone is taken as UTC: registries that omit it mean that.
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Year 1, 1970 and 9999 stand for "none" in some registries' databases.
    return moment if _OLDEST <= moment.year <= _NEWEST else None


def redacted(document: dict[str, Any]) -> bytes:
    """Return the object as JSON without contact cards, wherever they stand, and without e-mail addresses.

    Of all entities only the registrar's name is kept; what is nested deeper than any reply has need of is left out.
    """
    return orjson.dumps(_redacted(document, 0))


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _masked(value)
    if depth >= _DEPTH and isinstance(value, dict | list):
        return None
    if isinstance(value, list):
        return [_redacted(item, depth + 1) for item in value]
    return _redacted_object(value, depth) if isinstance(value, dict) else value


def _redacted_object(value: dict[str, Any], depth: int) -> dict[str, Any]:
    kept = {_masked(key): _redacted(item, depth + 1) for key, item in value.items() if key not in _CARDS}
    name = _card_name(value) if "registrar" in _words(value.get("roles")) else None
    if name:
        kept["vcardArray"] = ["vcard", [["fn", {}, "text", _masked(name)]]]
    return kept


def _masked(text: str) -> str:
    return _EMAIL.sub("•••@", text) if "@" in text else text


def _dates(document: dict[str, Any]) -> dict[str, datetime]:
    """Return the latest readable date of each event action."""
    dates: dict[str, datetime] = {}
    for event in _dicts(document.get("events")):
        action, moment = event.get("eventAction"), parse_date(event.get("eventDate"))
        if isinstance(action, str) and moment is not None:
            name = epp_word(action)
            dates[name] = max(moment, dates.get(name, moment))
    return dates


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    return max((moment for moment in (first, second) if moment is not None), default=None)


def _statuses(document: dict[str, Any]) -> tuple[str, ...]:
    words = {clip(epp_word(status), 64) for status in _strings(document.get("status"))}
    return tuple(sorted(word for word in words if word))[:MAX_ITEMS]


def _registrar(document: dict[str, Any]) -> str | None:
    """Return the registrar's name, else its public id (IANA's number), else its handle."""
    for entity in _dicts(document.get("entities")):
        if "registrar" in _words(entity.get("roles")):
            return _card_name(entity) or _public_id(entity) or _text(entity.get("handle"))
    return None


def _card_name(entity: dict[str, Any]) -> str | None:
    """Return the formatted name (or else the organisation) of a jCard: `["vcard", [[name, {}, type, value]]]`."""
    match entity.get("vcardArray"):
        case [_, [*properties], *_]:
            named = {p[0]: p[3] for p in properties if isinstance(p, list) and len(p) > 3 and isinstance(p[0], str)}
            org = named.get("org")
            # An organisation with its units is a list (RFC 7095, 3.3.1.3), itself first.
            return _text(named.get("fn")) or _text(org[0] if isinstance(org, list) and org else org)
    return None


def _public_id(entity: dict[str, Any]) -> str | None:
    for public in _dicts(entity.get("publicIds")):
        identifier = _text(public.get("identifier"))
        if identifier:
            return clip(f"{_text(public.get('type')) or 'id'} {identifier}")
    return None


def _nameservers(document: dict[str, Any]) -> tuple[str, ...]:
    servers = _dicts(document.get("nameservers"))
    return host_names([_text(server.get("ldhName")) or _text(server.get("unicodeName")) or "" for server in servers])


def _text(value: object) -> str | None:
    return clip(value) if isinstance(value, str) else None


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    items = [value] if isinstance(value, dict) else value
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())


def _strings(value: object) -> Iterator[str]:
    items = [value] if isinstance(value, str) else value
    return (item for item in items if isinstance(item, str)) if isinstance(items, list) else iter(())


def _words(value: object) -> set[str]:
    return {item.strip().lower() for item in _strings(value)}

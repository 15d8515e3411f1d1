"""RDAP replies (RFC 9083, with the status words of RFC 8056) and the bootstrap file (RFC 9224)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from jobs.simulator.replies import Reply, as_json, stamp
from jobs.simulator.specs import Holder
from jobs.simulator.states import DomainState

MEDIA_TYPE = b"application/rdap+json"
CONFORMANCE = ["rdap_level_0", "icann_rdap_technical_implementation_guide_1", "icann_rdap_response_profile_1"]
THIN = frozenset({"com", "net"})
_PUBLISHED = "2026-01-01T00:00:00Z"


def bootstrap(tlds: Iterable[str], base_url: str) -> Reply:
    """Return a bootstrap file that sends every one of `tlds` to `base_url` (with its final slash)."""
    content = {
        "description": "RDAP bootstrap file of a simulated world",
        "publication": _PUBLISHED,
        "services": [[list(tlds), [base_url]]],
        "version": "1.0",
    }
    return as_json(content)


def error(status: int, title: str, description: str) -> Reply:
    """Return an RDAP error reply (RFC 9083, section 6)."""
    content = {
        "rdapConformance": CONFORMANCE,
        "lang": "en",
        "errorCode": status,
        "title": title,
        "description": [description],
    }
    return as_json(content, status, MEDIA_TYPE)


def domain_reply(state: DomainState, now: datetime, base_url: str, registrars_url: str) -> Reply:
    """Return what the domain registry's server says of `state`; 404 when nobody holds the name.

    A thin registry (.com, .net) leaves the registrar's date to the registrar, and links its server.
    """
    if state.zone not in THIN or state.holder is None:
        return _domain(state, now, base_url)
    return _domain(replace(state, registrar_expires_at=None), now, base_url, related=registrars_url)


def registrars_reply(state: DomainState, now: datetime, base_url: str) -> Reply:
    """Return what the registrar's own server says of `state`, a name that it sponsors or never heard of."""
    return _domain(state, now, base_url)


def _domain(state: DomainState, now: datetime, base_url: str, related: str | None = None) -> Reply:
    holder = state.holder
    if holder is None:
        return error(404, "Not Found", f"{state.name} is not registered")
    url = f"{base_url}domain/{state.name}"
    name = state.name.upper() if state.zone in THIN else state.name
    content: dict[str, Any] = {
        "rdapConformance": CONFORMANCE,
        "objectClassName": "domain",
        "handle": holder.handle,
        "ldhName": name,
        "links": [_link(url, "self", url), *([_link(url, "related", f"{related}domain/{name}")] if related else [])],
        "status": state.statuses,
        "events": [{"eventAction": action, "eventDate": date} for action, date in _events(state, now)],
        "entities": [_registrar(holder)] if state.shows_registrar else [],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": host} for host in holder.ns],
        "secureDNS": {"delegationSigned": holder.signed},
    }
    return as_json(content, content_type=MEDIA_TYPE)


def _link(value: str, rel: str, href: str) -> dict[str, str]:
    return {"value": value, "rel": rel, "href": href, "type": MEDIA_TYPE.decode()}


def _events(state: DomainState, now: datetime) -> Iterator[tuple[str, str]]:
    dated = (
        ("registration", state.registered_at),
        ("expiration", state.expires_at),
        ("registrar expiration", state.registrar_expires_at),
        ("last changed", state.changed_at),
        ("transfer", state.transferred_at),
        ("last update of RDAP database", now),
    )
    return ((action, stamp(date)) for action, date in dated if date is not None)


def _registrar(holder: Holder) -> dict[str, Any]:
    mailbox = f"abuse@{holder.registrar.lower().replace(' ', '-')}.example"
    return {
        "objectClassName": "entity",
        "handle": str(holder.iana_id),
        "roles": ["registrar"],
        "publicIds": [{"type": "IANA Registrar ID", "identifier": str(holder.iana_id)}],
        "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", holder.registrar]]],
        "entities": [
            {
                "objectClassName": "entity",
                "roles": ["abuse"],
                "vcardArray": [
                    "vcard",
                    [
                        ["version", {}, "text", "4.0"],
                        ["fn", {}, "text", "Abuse desk"],
                        ["email", {}, "text", mailbox],
                    ],
                ],
            }
        ],
    }

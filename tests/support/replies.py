"""Raw replies as providers send them, and documents for `evidence assess` built of them.

Times are days before (or, negative, after) `NOW`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.evidence.assess import assess_document
from jobs.evidence.document import read_document

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(ago: float) -> str:
    return (NOW - ago * DAY).isoformat().replace("+00:00", "Z")


def reply(provider: str, ago: float, body: object, status: int | None = 200, **more: Any) -> dict[str, Any]:
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    return {"provider": provider, "observed_at": at(ago), "http_status": status, "body": text, **more}


def fastly(status: str, ago: float = 0, *, domain: str = "example.com", **more: Any) -> dict[str, Any]:
    return reply("fastly", ago, {"domain": domain, "zone": "com", "status": status, "tags": "generic", **more})


def domainr(status: str, ago: float = 0, *, domain: str = "example.com") -> dict[str, Any]:
    body = {"status": [{"domain": domain, "zone": "com", "status": status, "summary": status.rsplit(maxsplit=1)[-1]}]}
    return reply("domainr", ago, body)


def rdap(
    *statuses: str,
    ago: float = 0,
    domain: str = "example.com",
    registered: float | str | None = 3000,
    expires: float | None = -200,
    registrar_expires: float | None = None,
    changed: float | None = None,
    transferred: float | None = None,
    registrar: str | None = "First Registrar, Inc.",
    ns: Sequence[str] = ("ns1.hosting.net", "ns2.hosting.net"),
    handle: str | None = None,
    url: str | None = None,
) -> dict[str, Any]:
    when = {
        "registration": registered,
        "expiration": expires,
        "registrar expiration": registrar_expires,
        "last changed": changed,
        "transfer": transferred,
    }
    body = {
        "objectClassName": "domain",
        "ldhName": domain.upper(),
        "handle": handle,
        "status": list(statuses) or ["active"],
        "events": [
            {"eventAction": action, "eventDate": moment if isinstance(moment, str) else at(moment)}
            for action, moment in when.items()
            if moment is not None
        ],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": name} for name in ns],
        "entities": [
            {
                "objectClassName": "entity",
                "roles": ["registrar"],
                "vcardArray": ["vcard", [["fn", {}, "text", registrar]]],
            }
        ]
        if registrar
        else [],
    }
    return reply("rdap", ago, body, 200, **({"url": url} if url else {}))


def rdap_404(
    ago: float = 0, *, url: str | None = None, body: str | None = '{"errorCode":404,"title":"Not Found"}'
) -> dict[str, Any]:
    return reply("rdap", ago, body, 404, **({"url": url} if url else {}))


def dns(
    rcode: str = "NOERROR",
    ago: float = 0,
    *,
    ns: Sequence[str] = ("ns1.hosting.net", "ns2.hosting.net"),
    mx: Sequence[tuple[int, str]] = ((10, "mx.mail-host.org"),),
    ds: bool = False,
) -> dict[str, Any]:
    found = rcode == "NOERROR"
    body = {
        "delegation": {"rcode": rcode, "ns": list(ns) if found else []},
        "mx": [list(item) for item in mx] if found else [],
        "address": found,
        "ds": ds and found,
    }
    return reply("dns", ago, body, None)


def nxdomain(ago: float = 0) -> dict[str, Any]:
    return dns("NXDOMAIN", ago)


def whois(text: str | None, ago: float = 0) -> dict[str, Any]:
    return reply("whois", ago, text, None)


def registered_whois(
    ago: float = 0, *, domain: str = "example.com", created: float = 3000, expires: float = -200
) -> dict[str, Any]:
    return whois(
        f"Domain Name: {domain.upper()}\r\nRegistrar: First Registrar, Inc.\r\nCreation Date: {at(created)}\r\n"
        f"Registry Expiry Date: {at(expires)}\r\nDomain Status: ok https://icann.org/epp#ok\r\n"
        "Name Server: NS1.HOSTING.NET\r\n",
        ago,
    )


def free_whois(ago: float = 0, *, domain: str = "example.com") -> dict[str, Any]:
    return whois(f'No match for domain "{domain.upper()}".\r\n', ago)


def address(
    verified: float | None = 400,
    *,
    first: float | None = None,
    account: float | None = None,
    released: float | None = None,
    ident: Any = 1,
) -> dict[str, Any]:
    """An address verified that many days ago; None: the source does not say."""
    return {
        "address_id": ident,
        "verified_at": None if verified is None else at(verified),
        **({} if first is None else {"first_verified_at": at(first)}),
        **({} if account is None else {"account_created_at": at(account)}),
        **({} if released is None else {"packages": [{"last_release_at": at(released)}]}),
    }


def document(
    *replies: dict[str, Any],
    addresses: Sequence[dict[str, Any]] | None = None,
    domain: str = "example.com",
    now: float = 0,
) -> dict[str, Any]:
    listed = [address()] if addresses is None else list(addresses)
    return {"domain": domain, "now": at(now), "addresses": listed, "replies": list(replies)}


def assessed(
    *replies: dict[str, Any], addresses: Sequence[dict[str, Any]] | None = None, domain: str = "example.com"
) -> dict[str, Any]:
    """What the tool answers, by way of the JSON that it reads."""
    return assess_document(read_document(json.dumps(document(*replies, addresses=addresses, domain=domain))))

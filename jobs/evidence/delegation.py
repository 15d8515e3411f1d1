"""A kept DNS answer, as JSON, to evidence.

`{"delegation": {"rcode": "NOERROR", "ns": [..]}, "mx": [[preference, host]], "address": bool, "ds": bool}`: what DNS
look-ups keep as their raw reply.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from dashboard.lifecycle.evidence import MAX_ITEMS, Delegation, Evidence, Outcome, Provider, Rcode, host_names
from dashboard.lifecycle.phases import phase_from_delegation
from jobs.providers.errors import Malformed, ProviderError, Refused, ServerError, Timeout

_ERRORS: dict[Rcode, type[ProviderError]] = {
    Rcode.SERVFAIL: ServerError,
    Rcode.REFUSED: Refused,
    Rcode.TIMEOUT: Timeout,
}


def read_delegation(body: bytes, domain: str, now: datetime) -> Evidence:
    """Read the answer about `domain`; raises a `ProviderError`, as the look-up would have (SERVFAIL is no lapse)."""
    document = _document(body)
    asked = document.get("delegation")
    if not isinstance(asked, dict):
        raise Malformed("no delegation in the reply")
    rcode = _rcode(asked.get("rcode"))
    if rcode in _ERRORS:
        raise _ERRORS[rcode](rcode.value)
    nameservers, mx = host_names(_strings(asked.get("ns"))), _mail_hosts(document.get("mx"))
    if rcode is Rcode.NXDOMAIN and (nameservers or mx):
        raise Malformed("NXDOMAIN beside records")
    ds = document.get("ds")
    # Kept so by a look-up of a lame name: the zone above delegates it, and nobody answered for its mail.
    is_unanswered = "address" in document and document["address"] is None and not mx
    has_address = None if is_unanswered else document.get("address") is True
    delegation = Delegation(rcode, mx, has_address, ds if isinstance(ds, bool) else None)
    return Evidence(
        provider=Provider.DNS,
        domain=domain,
        observed_at=now,
        outcome=Outcome.NOT_FOUND if rcode is Rcode.NXDOMAIN else Outcome.FOUND,
        phase=phase_from_delegation(delegation, nameservers),
        nameservers=nameservers,
        delegation=delegation,
        server="resolver" if asked.get("by") == "resolver" else None,
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"broken JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed("JSON, but no object")
    return document


def _rcode(value: object) -> Rcode:
    try:
        return Rcode(value.strip().upper() if isinstance(value, str) else "")
    except ValueError as error:
        raise Malformed(f"unknown rcode {value!r}") from error


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _mail_hosts(value: object) -> tuple[tuple[int, str], ...]:
    """Return `(preference, host)` in order of preference; the null MX of RFC 7505 stays `(0, ".")`."""
    hosts: set[tuple[int, str]] = set()
    for item in value if isinstance(value, list) else []:
        match item:
            case [int(preference), str(host), *_] if 0 <= preference <= 0xFFFF and host.strip():
                hosts.add((preference, host.strip().lower()[:253].rstrip(".") or "."))
    return tuple(sorted(hosts))[:MAX_ITEMS]

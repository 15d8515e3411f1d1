"""The input of an assessment from a file: one JSON document, checked before anything is made of it.

`{"domain", "now", "addresses": [..], "replies": [..]}`, times as in RFC 3339. Bodies may hold anything; whatever else
is missing or of another kind is refused with the place where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard.lifecycle.assessment import AddressFacts
from dashboard.lifecycle.evidence import Provider
from dashboard.lifecycle.hosts import Unchecked, reduce_host

_OLDEST, _NEWEST = 1970, 2200
_WITHOUT_STATUS = {Provider.WHOIS, Provider.DNS}


class DocumentError(ValueError):
    """The document cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class ReplyEntry:
    """One reply as listed; `body` None: none came. `url` names the server of an RDAP reply, where it is known."""

    provider: Provider
    observed_at: datetime
    http_status: int | None
    body: bytes | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be assessed; `ids` are the addresses' ids as they were written."""

    domain: str
    now: datetime
    ids: tuple[Any, ...]
    addresses: tuple[AddressFacts, ...]
    replies: tuple[ReplyEntry, ...]


def read_document(text: str | bytes) -> Document:
    """Read and check the document; raises `DocumentError`."""
    try:
        # Not orjson: bodies saved from real servers carry lone surrogates, which only this one reads.
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise DocumentError("not a JSON object")
    _require(raw, ("domain", "now"))
    domain, now = _domain(raw["domain"]), _required(raw, "now", "now")
    addresses = list(_objects(raw, "addresses"))
    document = Document(
        domain=domain,
        now=now,
        ids=tuple(item.get("address_id") for _, item in addresses),
        addresses=tuple(_address(item, where) for where, item in addresses),
        replies=tuple(_reply(item, where) for where, item in _objects(raw, "replies")),
    )
    _require(raw, ("addresses", "replies"))
    return document


def _domain(value: object) -> str:
    """Return the registrable domain; of a name that has none (a public suffix, a special name) the name itself."""
    if not isinstance(value, str):
        raise DocumentError("domain: not a text")
    verdict = reduce_host(value)
    if verdict.unchecked in {Unchecked.INVALID, Unchecked.IP_LITERAL}:
        raise DocumentError(f"domain: no domain name: {verdict.host!r}")
    return verdict.domain or verdict.host


def _require(item: dict[str, Any], names: Iterable[str], where: str = "") -> None:
    """Refuse an object that lacks a key: one misspelt must not pass for nothing said."""
    for name in names:
        if name not in item:
            raise DocumentError(f"{_place(where, name)}: missing")


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _objects(raw: dict[str, Any], name: str, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a list, each with its place; null, and a list that may be missing, is an empty one."""
    items, place = raw.get(name), _place(where, name)
    if items is not None and not isinstance(items, list):
        raise DocumentError(f"{place}: not a list")
    for index, item in enumerate(items or ()):
        if not isinstance(item, dict):
            raise DocumentError(f"{place}[{index}]: not an object")
        yield f"{place}[{index}]", item


def _address(item: dict[str, Any], where: str) -> AddressFacts:
    _require(item, ("address_id",), where)
    packages = _objects(item, "packages", where)
    released = [_time(package, "last_release_at", place) for place, package in packages]
    return AddressFacts(
        address_id=str(item["address_id"]),
        verified_at=_time(item, "verified_at", where),
        account_created_at=_time(item, "account_created_at", where),
        first_verified_at=_time(item, "first_verified_at", where),
        last_release_at=max((moment for moment in released if moment), default=None),
    )


def _reply(item: dict[str, Any], where: str) -> ReplyEntry:
    _require(item, ("provider",), where)
    try:
        provider = Provider(str(item["provider"]))
    except ValueError:
        shown = str(item["provider"])[:60]
        raise DocumentError(f"{where}.provider: {shown!r} is none of {', '.join(Provider)}") from None
    _require(item, ("observed_at", "body", *(() if provider in _WITHOUT_STATUS else ("http_status",))), where)
    status, url = item.get("http_status"), item.get("url")
    if status is not None and (isinstance(status, bool) or not isinstance(status, int)):
        raise DocumentError(f"{where}.http_status: neither a number nor null")
    return ReplyEntry(
        provider=provider,
        observed_at=_required(item, "observed_at", f"{where}.observed_at"),
        http_status=status,
        body=_body(item.get("body")),
        url=url if isinstance(url, str) and url else None,
    )


def _body(value: object) -> bytes | None:
    """Return the reply's bytes; a body written as JSON instead of text is taken for its text."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    # Bytes that were no UTF-8 come as lone surrogates (PEP 383) from careful recorders.
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _required(item: dict[str, Any], name: str, where: str) -> datetime:
    moment = _time(item, name, where.rpartition(".")[0])
    if moment is None:
        raise DocumentError(f"{where}: no time")
    return moment


def _time(item: dict[str, Any], name: str, where: str) -> datetime | None:
    """Read a time of RFC 3339 as aware UTC; one without a zone is taken as UTC."""
    value, place = item.get(name), _place(where, name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value.strip().upper()) if isinstance(value, str) else None
        if moment is not None:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not _OLDEST <= moment.year <= _NEWEST:
        raise DocumentError(f"{place}: no time of RFC 3339: {str(value)[:60]!r}")
    return moment

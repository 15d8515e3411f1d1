"""Lines of NDJSON files: one account a line, with its addresses, packages and security events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import orjson

from dashboard.services.importing import values
from dashboard.services.importing.chunk import Chunk, Row
from dashboard.services.importing.values import BadRowError

EVENT_KINDS = frozenset(
    {"login", "password_reset_requested", "password_reset", "email_changed", "two_factor_changed", "token_created"}
)
MAX_NOTICES = 20
MAX_OWNERS = 2**31 - 1

_ACCOUNT = {"account_id", "username", "two_factor", "last_active_at", "account_created_at"}
_LISTS = {"addresses", "packages", "security_events"}
_ADDRESS = {"address_id", "email", "host", "verified", "verified_at", "primary", "state_token"}
_PACKAGE = {"name", "purl", "role", "other_owners", "critical", "downloads_30d", "last_release_at"}
_EVENT = {"kind", "at"}

Object = Mapping[str, Any]
T = TypeVar("T")


class AccountObjects:
    """Parses account lines; remembers which keys it did not know."""

    def __init__(self) -> None:
        self._unknown: dict[str, None] = {}

    @property
    def notices(self) -> tuple[str, ...]:
        """One sentence for each key that was ignored."""
        return tuple(f"key {name} is not known and was ignored" for name in self._unknown)

    def __call__(self, number: int, line: str, chunk: Chunk) -> None:
        """Parse one line into the chunk; a bad item makes the whole line bad."""
        account = self._object(_loads(line), "the line", _ACCOUNT | _LISTS)
        ident = _text(account, "account_id", values.identifier)
        addresses = [self._address(number, ident, item, where) for item, where in _items(account, "addresses")]
        packages = [self._package(number, ident, item, where) for item, where in _items(account, "packages")]
        events = [self._event(ident, item, where) for item, where in _items(account, "security_events")]
        chunk.accounts[ident] = (
            _text(account, "username", values.shown_name) or ident,
            _boolean(account, "two_factor"),
            _text(account, "last_active_at", values.moment),
            _text(account, "account_created_at", values.moment),
        )
        chunk.addresses.extend(addresses)
        chunk.packages.update((owner[2], package) for package, owner in packages)
        chunk.owners.extend(owner for _, owner in packages)
        chunk.events.extend(events)

    def _address(self, number: int, account: str, item: object, where: str) -> Row:
        address = self._object(item, where, _ADDRESS)
        local, host, domain, unchecked = values.mailbox(
            _text(address, "email", _as_is, where), _text(address, "host", _as_is, where)
        )
        verified = _boolean(address, "verified", where)
        if verified is None:
            raise BadRowError(f"{where}.verified must be true or false")
        return (
            number,
            _text(address, "address_id", values.identifier, where),
            account,
            local,
            host,
            domain,
            unchecked,
            verified,
            _text(address, "verified_at", values.moment, where),
            _boolean(address, "primary", where) or False,
            _text(address, "state_token", values.identifier, where) if address.get("state_token") else None,
        )

    def _package(self, number: int, account: str, item: object, where: str) -> tuple[Row, Row]:
        """Return the package and the account's part in it."""
        package = self._object(item, where, _PACKAGE)
        purl = _text(package, "purl", values.purl, where)
        row = (
            _text(package, "name", values.shown_name, where) or purl[: values.MAX_NAME],
            _boolean(package, "critical", where),
            _count(package, "downloads_30d", where, values.MAX_COUNT),
            _text(package, "last_release_at", values.moment, where),
        )
        role = _text(package, "role", values.shown_name, where)[:64] or None
        return row, (number, account, purl, role, _count(package, "other_owners", where, MAX_OWNERS))

    def _event(self, account: str, item: object, where: str) -> Row:
        event = self._object(item, where, _EVENT)
        if event.get("kind") not in EVENT_KINDS:
            raise BadRowError(f"{where}.kind must be one of {', '.join(sorted(EVENT_KINDS))}")
        at = _text(event, "at", values.moment, where)
        if at is None:
            raise BadRowError(f"{where}.at is empty")
        return (account, event["kind"], at)

    def _object(self, item: object, where: str, known: set[str]) -> Object:
        if not isinstance(item, dict):
            raise BadRowError(f"{where} must be an object")
        for name in item.keys() - known:
            if len(self._unknown) < MAX_NOTICES:
                self._unknown[values.shown_name(name[:64], "key")] = None
        return item


def _loads(line: str) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadRowError("is not JSON") from None


def _items(account: Object, name: str) -> Iterator[tuple[object, str]]:
    items = account.get(name)
    if items is None:
        return
    if not isinstance(items, list):
        raise BadRowError(f"{name} must be a list")
    yield from ((item, f"{name}[{place}]") for place, item in enumerate(items))


def _boolean(item: Object, name: str, where: str = "") -> bool | None:
    value = item.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise BadRowError(f"{_path(where, name)} must be true, false or null")


def _count(item: Object, name: str, where: str, limit: int) -> int | None:
    value = item.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= limit:
        raise BadRowError(f"{_path(where, name)} must be a whole number of at least 0")
    return value


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _as_is(text: str, _name: str) -> str:
    return text


def _text(item: Object, name: str, read: Callable[[str, str], T], where: str = "") -> T:
    """Read a string with one of the functions of `values`; null and a missing key are the empty string."""
    value = item.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # ids are numbers in some sources
    if value is not None and not isinstance(value, str):
        raise BadRowError(f"{_path(where, name)} must be a string or null")
    return read(value or "", _path(where, name))

"""Single values of a row, checked and brought into the form in which they are stored.

Every function takes the column's name for its reason and raises `BadRowError`; a reason never repeats the value,
which may be an address. Times become text in UTC, `YYYY-MM-DD HH:MM:SS.ffffff`, the form both databases take.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from dashboard.lifecycle.hosts import MAX_INPUT, Unchecked, reduce_host, split_email

MAX_NAME = 255
MAX_PURL = 512
MAX_COUNT = 2**63 - 1
HOSTS_REMEMBERED = 20_000
"""Reducing a host costs as much as all else of a row; hosts repeat."""

_BOOLEANS = {"true": True, "false": False, "": None}
# RFC 3339 section 5.6; `fromisoformat` alone would also take week dates and other forms of ISO 8601.
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?", re.ASCII)
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")


class BadRowError(ValueError):
    """A row that cannot be imported; the message is the reason shown, without any of the row's values."""


Host = tuple[str, str | None, str | None]
"""Host, registrable domain, and why it is never checked."""
Mailbox = tuple[str | None, str, str | None, str | None]
"""Local part (None when only a host is known), then as `Host`."""


def identifier(text: str, name: str, limit: int = MAX_NAME) -> str:
    """Return the id as it is; it must be there, fit, and hold nothing invisible."""
    if 0 < len(text) <= limit and text.isprintable():
        return text
    if not text:
        raise BadRowError(f"{name} is empty")
    if len(text) > limit:
        raise BadRowError(f"{name} is longer than {limit} characters")
    raise BadRowError(f"{name} has control characters")


def shown_name(text: str, name: str) -> str:
    """Return a name for people; what cannot be shown becomes a replacement mark, since the account still counts."""
    if len(text) > MAX_NAME:
        raise BadRowError(f"{name} is longer than {MAX_NAME} characters")
    return text if text.isprintable() else "".join(ch if ch.isprintable() else "\ufffd" for ch in text)


def boolean(text: str, name: str) -> bool | None:
    """Read `true` or `false`; empty is unknown."""
    try:
        return _BOOLEANS[text]
    except KeyError:
        raise BadRowError(f"{name} must be true, false or empty") from None


def certain(text: str, name: str) -> bool:
    """Read `true` or `false` where unknown makes no sense."""
    value = boolean(text, name)
    if value is None:
        raise BadRowError(f"{name} must be true or false")
    return value


def moment(text: str, name: str) -> str | None:
    """Read an RFC 3339 time with its zone; empty is unknown."""
    if not text:
        return None
    # The usual form, without the regular expression; `fromisoformat` checks the digits.
    usual = len(text) == 20 and text[7] == "-" and text[10] == "T" and text[13] == ":" and text[19] == "Z"
    if not usual and _RFC3339.fullmatch(text) is None:
        if _ZONELESS.fullmatch(text):
            raise BadRowError(f"{name} has no time zone (RFC 3339, e.g. 2026-05-14T18:40:05Z)")
        raise BadRowError(f"{name} is not an RFC 3339 time (e.g. 2026-05-14T18:40:05Z)")
    try:
        parsed = datetime.fromisoformat(text.upper())
        if usual:
            return f"{text[:10]} {text[11:19]}.000000"
        return parsed.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    except (ValueError, OverflowError):
        raise BadRowError(f"{name} is not a date that exists") from None


def count(text: str, name: str) -> int | None:
    """Read a whole number of at least 0; empty is unknown."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_COUNT):
        raise BadRowError(f"{name} must be a whole number of at least 0")
    return int(text)


def purl(text: str, name: str) -> str:
    """Read a package URL (`pkg:type/name`)."""
    if not text.startswith("pkg:"):
        raise BadRowError(f"{name} must start with pkg:")
    return identifier(text, name, MAX_PURL)


def mailbox(email: str, host: str) -> Mailbox:
    """Read an address, or where `email` is empty a bare host, and reduce the host to its registrable domain."""
    if email:
        local, host = _split(email)
    elif host:
        local = None
    else:
        raise BadRowError("neither email nor host is given")
    if len(host) > MAX_INPUT:
        raise BadRowError("the host is not a domain name")
    return local, *reduced(host)


def _split(email: str) -> tuple[str, str]:
    if _PLAIN_EMAIL.fullmatch(email):
        local, _, host = email.rpartition("@")
        return local, host
    try:
        local, host = split_email(email)
    except ValueError as error:
        raise BadRowError(f"email: {error}") from None
    if len(local) > MAX_NAME:
        raise BadRowError(f"email: more than {MAX_NAME} characters before the @")
    return local, host


@lru_cache(HOSTS_REMEMBERED)
def reduced(host: str) -> Host:
    """Reduce a host, remembering the latest ones; one that is no name is refused."""
    verdict = reduce_host(host)
    if verdict.unchecked is Unchecked.INVALID:
        raise BadRowError("the host is not a domain name")
    return verdict.host, verdict.domain, verdict.unchecked and verdict.unchecked.value

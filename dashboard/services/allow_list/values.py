"""Read what somebody wants on the allow-list, from a form or a line of a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from dashboard.lifecycle.hosts import HostVerdict, Unchecked, reduce_host
from dashboard.models import AllowKind

KINDS = (AllowKind.DOMAIN, AllowKind.HOST, AllowKind.SUFFIX, AllowKind.MX)
"""What staff may add; the preset is ours."""
MAX_REASON = 1000


class EntryError(ValueError):
    """What is wrong with which field, in words for people; the message never repeats an e-mail address."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Named:
    """What an entry names: `domain` is the registrable domain it belongs to, None for a suffix above all of them."""

    kind: AllowKind
    value: str
    domain: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entry to be added."""

    named: Named
    reason: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Why an entry is on the list, and until when."""

    reason: str
    expires_at: datetime | None


def read_wanted(kind: str, value: str, reason: str, expires: str, now: datetime) -> Wanted:
    """Read the four fields; raises `EntryError` for the first that cannot be used."""
    named, terms = read_named(kind, value), read_terms(reason, expires, now)
    return Wanted(named, terms.reason, terms.expires_at)


def read_terms(reason: str, expires: str, now: datetime) -> Terms:
    """Read why and until when; raises `EntryError` for the first that cannot be used."""
    reason = reason.strip()
    if not reason:
        raise EntryError("reason", "Write a reason: whoever reads the list later must understand it.")
    if len(reason) > MAX_REASON or "\0" in reason:
        raise EntryError("reason", f"Write a reason of at most {MAX_REASON:,} characters.")
    return Terms(reason, _expiry(expires, now))


def read_named(kind: str, text: str) -> Named:
    """Read what an entry is to name; raises `EntryError`."""
    chosen = next((each for each in KINDS if each == kind.strip().lower()), None)
    if chosen is None:
        raise EntryError("kind", f"Choose one of {', '.join(KINDS)}.")
    if "@" in text:
        raise EntryError("value", "Leave out the @ and what is before it: entries are never single addresses.")
    typed = text.strip().lower().removeprefix("*").removeprefix(".")
    verdict = reduce_host(typed)
    if not typed or verdict.unchecked not in {None, Unchecked.PUBLIC_SUFFIX}:
        raise EntryError("value", "This is no name under which mail is ever checked.")
    return _named(chosen, verdict)


def _named(kind: AllowKind, verdict: HostVerdict) -> Named:
    if kind is AllowKind.SUFFIX:
        return Named(kind, verdict.host, verdict.domain)
    if verdict.domain is None:
        raise EntryError(
            "value", f"{verdict.host} is a public suffix, not a name of somebody: choose the kind suffix."
        )
    if kind is AllowKind.MX:
        return Named(kind, verdict.domain, verdict.domain)
    if kind is AllowKind.DOMAIN and verdict.host != verdict.domain:
        raise EntryError(
            "value", f"{verdict.host} is a host of {verdict.domain}: choose the kind host, or name {verdict.domain}."
        )
    return Named(kind, verdict.host, verdict.domain)


def _expiry(text: str, now: datetime) -> datetime | None:
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        raise EntryError("expires", "Write the day as 2027-01-31, or leave it empty.") from None
    if moment <= now:
        raise EntryError("expires", "Choose a day that is still to come.")
    return moment

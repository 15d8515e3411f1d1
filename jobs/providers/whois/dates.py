"""Dates as WHOIS servers write them: every common order; the TLD decides where digits alone cannot tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

OLDEST, NEWEST = 1983, 2200
"""Years outside stand for "none" in registries' databases."""

_MONTHS = (
    ("jan", "ene", "janv", "januar", "янв"),
    ("feb", "fev", "fevr", "fév", "фев"),
    ("mar", "mär", "mrt", "мар"),
    ("apr", "abr", "avr", "апр"),
    ("may", "mai", "mag", "maj", "mei", "май", "мая"),
    ("jun", "giu", "juin", "июн"),
    ("jul", "lug", "juil", "июл"),
    ("aug", "ago", "aou", "aoû", "авг"),
    ("sep", "set", "сен"),
    ("oct", "okt", "ott", "out", "окт"),
    ("nov", "ноя"),
    ("dec", "dic", "dez", "déc", "des", "дек"),
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names}

MONTH_FIRST = frozenset({"tk", "ml", "ga", "cf", "gq", "us", "gu", "pw", "as", "ph"})
"""TLDs whose servers write `mm/dd/yyyy`; everywhere else the day comes first when digits cannot tell."""

_TIME = r"(?:[T\s,]+(?:at\s+)?(\d{1,2}):(\d\d)(?::(\d\d))?(?:[.,]\d+)?)?"
_ZONE = r"\s*\(?\s*(?:Z\b|UTC\b|GMT\b|[A-Z]{3,4}\s+(?=[+-]))?\s*([+-]\d{1,2}(?::?\d\d)?)?"

_YEAR_FIRST = re.compile(rf"(?<!\d)(\d{{4}})(?:[-/]|\. ?)(\d{{1,2}})(?:[-/]|\. ?)(\d{{1,2}})(?!\d){_TIME}\.?{_ZONE}")
_YEAR_LAST = re.compile(rf"(?<!\d)(\d{{1,2}})([-/.])\s?(\d{{1,2}})\2\s?(\d{{4}})(?!\d){_TIME}{_ZONE}")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d))?(?!\d)")
_NAMED_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|\.)?(?:[-/\s,]|\sde\s)+([^\W\d_]{{3,10}})\.?(?:[-/\s,]|\sde\s)+(\d{{4}}|\d\d(?!\d))"
    rf"{_TIME}{_ZONE}"
)
_NAMED_MONTH_FIRST = re.compile(
    rf"([^\W\d_]{{3,10}})\.?[-/\s]+(\d{{1,2}})(?:st|nd|rd|th)?,?[-/\s]+(\d{{4}}){_TIME}{_ZONE}"
)
_UNIX = re.compile(
    r"([^\W\d_]{3,10})\s+(\d{1,2})\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s+(?:([A-Z]{2,5})\s+)?([+-]\d{4}\s+)?(\d{4})"
)
_NAMED_YEAR_FIRST = re.compile(rf"(?<!\d)(\d{{4}})[-/\s.]+([^\W\d_]{{3,10}})[-/\s.]+(\d{{1,2}})(?!\d){_TIME}{_ZONE}")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_BEFORE = re.compile(r"^before\s+([^\W\d_]{3,10})[-\s](\d{4})", re.IGNORECASE)
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})[-/](\d{1,2})[-/]\d{4}(?!\d)")
_DECLARED = re.compile(r"\b(?:(dd)[-/.]mm|(mm)[-/.]dd)[-/.]yyyy", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DateRules:
    """How one reply writes numeric dates."""

    month_first: bool = False


def rules_for(tld: str, texts: Iterable[str], declared: str = "") -> DateRules:
    """Find the order of `nn/nn/yyyy`: as the reply declares it, as another date in it shows it, else as the TLD does.

    `texts`: the values of the reply's dates; `declared`: its remarks.
    """
    said = _DECLARED.search(declared)
    if said:
        return DateRules(month_first=said[2] is not None)
    for text in texts:
        for first, second in _NUMBERS.findall(text):
            if int(first) > 12 >= int(second):
                return DateRules(month_first=False)
            if int(second) > 12 >= int(first):
                return DateRules(month_first=True)
    return DateRules(month_first=tld in MONTH_FIRST)


def read_date(text: str, rules: DateRules) -> datetime | None:
    """Return the first date in `text` as aware UTC, or None.

    A time without a zone is taken as UTC, and so is one with a letter zone other than UTC and GMT: those are
    ambiguous (IST, CST), and at most half a day is lost.
    """
    text = _CJK.sub(r"\1-\2-\3 ", text[:120])
    if not any(ch.isdigit() for ch in text):
        return None
    for reader in (_numeric, _compact, _named, _before):
        moment = reader(text, rules)
        if moment is not None:
            return moment if OLDEST <= moment.year <= NEWEST else None
    return None


def _numeric(text: str, rules: DateRules) -> datetime | None:
    match = _YEAR_FIRST.search(text)
    if match:
        year, month, day, *rest = match.groups()
        return _moment(year, int(month), day, *rest)
    match = _YEAR_LAST.search(text)
    if match is None:
        return None
    first, separator, second, year, *rest = match.groups()
    month_first = int(second) > 12 or (rules.month_first and separator != "." and int(first) <= 12)
    day, month = (second, first) if month_first else (first, second)
    return _moment(year, int(month), day, *rest)


def _compact(text: str, rules: DateRules) -> datetime | None:  # noqa: ARG001 - one signature for all readers
    match = _COMPACT.search(text)
    if match is None:
        return None
    year, month, day, *clock = match.groups()
    return _moment(year, int(month), day, *clock)


def _named(text: str, rules: DateRules) -> datetime | None:  # noqa: ARG001 - one signature for all readers
    for pattern, order in (
        (_UNIX, "unix"),
        (_NAMED_YEAR_FIRST, "ymd"),
        (_NAMED_DAY_FIRST, "dmy"),
        (_NAMED_MONTH_FIRST, "mdy"),
    ):
        for match in pattern.finditer(text):
            moment = _from_named(match, order)
            if moment is not None:
                return moment
    return None


def _from_named(match: re.Match[str], order: str) -> datetime | None:
    groups = match.groups()
    if order == "unix":
        name, day, hour, minute, second, _, offset, year = groups
        return _moment(year, _month(name), day, hour, minute, second, offset and offset.strip())
    if order == "ymd":
        year, name, day, *rest = groups
    elif order == "dmy":
        day, name, year, *rest = groups
    else:
        name, day, year, *rest = groups
    return _moment(year, _month(name), day, *rest)


def _before(text: str, rules: DateRules) -> datetime | None:  # noqa: ARG001 - one signature for all readers
    """Read `before Aug-1996`: the oldest records of some registries; the bound itself is the best that is known."""
    match = _BEFORE.match(text)
    return _moment(match[2], _month(match[1]), "1") if match else None


def _month(name: str | None) -> int:
    """Return a month's number by the first letters of its name, 0 when it is none."""
    lowered = (name or "").lower()
    return _MONTH.get(lowered[:4]) or _MONTH.get(lowered[:3]) or 0


def _moment(
    year: str, month: int, day: str, hour: str | None = None, minute: str | None = None, second: str | None = None,
    offset: str | None = None,
) -> datetime | None:  # fmt: skip
    number = int(year) + (2000 if len(year) == 2 else 0)
    try:
        moment = datetime(
            number,
            month,
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=_zone(offset if hour else None),
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None) -> timezone:
    """Return the zone of `+h`, `+hh`, `+hhmm` or `+hh:mm`."""
    if not offset:
        return UTC
    hours, _, minutes = offset[1:].partition(":")
    if len(hours) > 2:
        hours, minutes = hours[:-2], hours[-2:]
    delta = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-delta if offset[0] == "-" else delta)

"""Reading what browsers send: choices out of a set, whole numbers, days; whether htmx wants a part of the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import MAXYEAR, UTC, date, datetime

from flask import abort, request

from dashboard.queries.paging import whole

ROW_ID = f"int(max={2**63 - 1})"
"""A converter for addresses: the id of a row, no larger than a database can hold."""


def wants_fragment() -> bool:
    """Whether htmx asks for the part it will exchange (a page restored from history must be whole)."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def choice(name: str, allowed: Collection[str], default: str | None = None) -> str | None:
    """Return the query parameter `name` when it is one of `allowed`; what is not, or is missing, is `default`."""
    value = request.args.get(name, "")
    return value if value in allowed else default


def text(name: str, limit: int = 255) -> str:
    """Return the query parameter `name`, stripped and bounded; empty when missing or with control characters."""
    value = request.args.get(name, "").strip()[:limit]
    return value if value.isprintable() else ""


def number(name: str) -> int | None:
    """Return the query parameter `name` as a whole number, or None."""
    return whole(request.args.get(name))


def day(name: str) -> datetime | None:
    """Return the query parameter `name`, a day `YYYY-MM-DD`, as its first moment in UTC, or None."""
    return _day(request.args.get(name, ""))


def form_number(name: str) -> int | None:
    """Return the form field `name` as a whole number; spaces and commas between digits are allowed."""
    return whole(request.form.get(name, "").replace(",", "").replace(" ", ""))


def required_number(name: str) -> int:
    """Return a hidden number of the form; without it the request is none of our pages': 400."""
    value = form_number(name)
    if value is None:
        abort(400)
    return value


def form_day(name: str) -> datetime | None:
    """Return the form field `name`, a day `YYYY-MM-DD`, as its first moment in UTC, or None."""
    return _day(request.form.get(name, ""))


def row_ids(values: Sequence[str], most: int = 500) -> list[int]:
    """Return the ids among repeated fields or parameters (`ID`, or `ID.VERSION`), each once, at most so many."""
    found = dict.fromkeys(whole(value.partition(".")[0]) for value in values)
    return [value for value in found if value][:most]


def _day(value: str) -> datetime | None:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return None
    # Nothing happens in the last year there is, and it has a day without a morrow.
    return None if found.year == MAXYEAR else datetime(found.year, found.month, found.day, tzinfo=UTC)

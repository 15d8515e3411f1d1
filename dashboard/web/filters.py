"""What templates say of times, addresses, domains and numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import cast

from flask import Flask, g
from markupsafe import Markup, escape

from dashboard.lifecycle.hosts import mask, mixed_script, to_unicode
from dashboard.runtime import domain_now
from dashboard.web.reason_words import word

EXACT = "%Y-%m-%d %H:%M:%S UTC"


def init_filters(app: Flask) -> None:
    """Give the templates their filters."""
    app.jinja_env.filters.update(
        ago=ago,
        exact=exact,
        day=day,
        masked=mask,
        domain=domain,
        number=number,
        word=word,
        sentence=sentence,
        pretty=pretty,
    )


def page_now() -> datetime:
    """Return the domain clock's time, the same throughout one request."""
    if "page_now" not in g:
        g.page_now = domain_now()
    return cast("datetime", g.page_now)


def ago(moment: datetime | None, empty: str = "never") -> str:
    """Show a time relative to now, the exact UTC in its title."""
    if moment is None:
        return empty
    return _time_element(moment, relative(moment - page_now()))


def exact(moment: datetime | None, empty: str = "never") -> str:
    """Show a time to the second, in UTC."""
    return empty if moment is None else _time_element(moment, moment.astimezone(UTC).strftime(EXACT))


def day(moment: datetime | None, empty: str = "unknown") -> str:
    """Show the date of a time, the exact UTC in its title."""
    return empty if moment is None else _time_element(moment, moment.astimezone(UTC).strftime("%Y-%m-%d"))


def _time_element(moment: datetime, shown: str) -> Markup:
    utc = moment.astimezone(UTC)
    # Both texts are made of digits and our own words: nothing here needs escaping.
    html = f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}" title="{utc.strftime(EXACT)}">{shown}</time>'
    return Markup(html)  # noqa: S704  see above


_STEPS = (
    (timedelta(days=730), timedelta(days=365.25), "year"),
    (timedelta(days=60), timedelta(days=30.44), "month"),
    (timedelta(days=1), timedelta(days=1), "day"),
    (timedelta(hours=1), timedelta(hours=1), "hour"),
    (timedelta(minutes=1), timedelta(minutes=1), "minute"),
)


def relative(delta: timedelta) -> str:
    """Say a distance in time: `3 days ago`, `in 5 hours`, `just now`."""
    size = abs(delta)
    for threshold, unit, name in _STEPS:
        if size >= threshold:
            count = int(size / unit)
            text = f"{count:,} {name}{'' if count == 1 else 's'}"
            return f"in {text}" if delta > timedelta(0) else f"{text} ago"
    return "just now"


@lru_cache(maxsize=8192)
def domain(name: str) -> Markup:
    """Show a domain: in Unicode with its A-label form where they differ, and a mark on mixed scripts."""
    shown = to_unicode(name)
    html = Markup('<span class="domain-name">{}</span>').format(shown)
    if shown != name:
        html += Markup('<span class="alabel mono">{}</span>').format(name)
    if mixed_script(name):
        html += Markup(' <span class="tag tag-warn">mixed scripts</span>')
    return html


def number(value: int | None, empty: str = "unknown") -> str:
    """Show a count with thousands apart."""
    return empty if value is None else f"{value:,}"


def sentence(text: object) -> Markup:
    """Show an escaped text with its first letter large."""
    plain = str(text)
    return escape(plain[:1].upper() + plain[1:])


def pretty(value: object) -> str:
    """Show a JSON value over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)

"""The filters that are on, each in words and with the address of the queue without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dashboard.queries.queue import QueueFilters
from dashboard.queries.queue.filters import CLAIMED
from dashboard.web.views import address_of
from dashboard.web.words import label


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter that is on."""

    text: str
    without: str


def chips(filters: QueueFilters) -> list[Chip]:
    """Return what narrows the queue, in the order of the filters."""
    shown = filters.to_args()
    return [Chip(_WORDS[name](value), _without(shown, name)) for name, value in shown.items() if name != "sort"]


def _without(shown: Mapping[str, str], name: str) -> str:
    return address_of(QueueFilters.from_args({each: value for each, value in shown.items() if each != name}))


def _count(value: str) -> str:
    return f"{int(value):,}"


def _claimed(value: str) -> str:
    return f"Claimed by {label(value, 'claimed').lower() if value in CLAIMED else f'staff {value}'}"


_WORDS: Mapping[str, Callable[[str], str]] = {
    "state": lambda value: "Any state" if value == "all" else label(value, "case_state"),
    "phase": lambda value: label(value, "phase"),
    "confidence": lambda value: f"Evidence: {label(value, 'confidence').lower()}",
    "holder": lambda value: f"Holder: {label(value, 'holder_change').lower()}",
    "source": lambda value: f"Source {value}",
    "tld": lambda value: f"TLD .{value}",
    "risk": lambda value: f"Risk: {label(value, 'risk_band').lower()}",
    "downloads": lambda value: f"At least {_count(value)} downloads in 30 days",
    "sole": lambda _: "An account loses its only address",
    "claimed": _claimed,
    "age": lambda value: f"Flagged {_count(value)} days ago or earlier",
    "drop": lambda value: f"Drops within {_count(value)} days",
    "held": lambda value: "Held by a brake" if value == "yes" else "Not held by a brake",
    "package": lambda value: f"Package {value}",
    "account": lambda value: f"Account {value}",
    "domain": lambda value: f"Domain {value}…",
    "skipped": lambda _: "Skipped by me",
}

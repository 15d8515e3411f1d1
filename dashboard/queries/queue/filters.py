"""What the queue can be asked, as one value that an address, a form, a saved view and a bulk action all carry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from dashboard.lifecycle.assessment import Confidence, HolderChange
from dashboard.lifecycle.evidence import Phase
from dashboard.models import CaseState
from dashboard.queries.paging import whole

ALL = "all"
STATES = tuple(state.value for state in CaseState)
RISK_BANDS: Mapping[str, tuple[int, int | None]] = {
    "highest": (180, None),
    "high": (120, 180),
    "medium": (60, 120),
    "low": (0, 60),
}
"""From which score (included) to which (excluded)."""
SORTS = ("risk", "drop", "age", "addresses")
CLAIMED = ("me", "free", "nobody", "others")
MAX_DAYS = 3650
MAX_TEXT = 200
MAX_ACCOUNTS = 20

_TLD = re.compile(r"[a-z0-9-]{1,63}")
_SLUG = re.compile(r"[a-z0-9_-]{1,64}")
# An at sign (also the full-width one) between something and a name with a dot and a letter, or an IP literal: never
# taken from an address, never put into one. `requests@2.31` and `@scope/name` of package names pass.
_MAIL = re.compile(r"[^\s/:][@\uff20](?:\[|[^\s/@]*\.[^\W\d_])")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and when: `now` by the domain clock, `wall_now` by the other (claims are leases).

    Without `staff_id` nothing is skipped and nobody is "me".
    """

    now: datetime
    wall_now: datetime
    staff_id: int | None = None


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """What the queue shows; None (or False, or empty) lets everything through.

    `state` None: every state. `downloads`: at least so many in 30 days. `age_days`: flagged so many days ago,
    or earlier. `drop_days`: predicted to drop within so many days. `sole`: an account would lose its only verified
    address. `claimed`: me, others, nobody, free (nobody or me), or the id of a member of staff. `package`: a name or
    purl. `domain`: the start of an A-label name. `skipped`: show what the viewer had skipped, else
    that is hidden.
    """

    state: str | None = CaseState.OPEN.value
    phase: str | None = None
    confidence: str | None = None
    holder_change: str | None = None
    source: str | None = None
    tld: str | None = None
    risk: str | None = None
    downloads: int | None = None
    sole: bool = False
    claimed: str | None = None
    age_days: int | None = None
    drop_days: int | None = None
    held: bool | None = None
    package: str | None = None
    account_ids: tuple[int, ...] = ()
    domain: str | None = None
    skipped: bool = False
    sort: str = "risk"

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> QueueFilters:
        """Read the parameters of an address or a form; what is unknown or broken is as if it was not there."""
        found = {field: read(str(args.get(name, ""))) for field, (name, read) in _READ.items()}
        state = str(args.get("state", ""))
        known = {field: value for field, value in found.items() if value is not None}
        if state in {*STATES, ALL}:
            known["state"] = None if state == ALL else state
        return cls(**known)

    def to_args(self) -> dict[str, str]:
        """Return the parameters that make these filters again: only what differs from the start page."""
        shown: dict[str, str] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                name = "state" if field.name == "state" else _READ[field.name][0]
                shown[name] = _written(value)
        return shown

    @property
    def named(self) -> bool:
        """Whether something is looked for by its name: then it is shown although the viewer had skipped it."""
        return bool(self.account_ids or self.domain or self.package)


def is_mail_address(text: str) -> bool:
    """Whether `text` holds what may be an e-mail address; names of packages (`@scope/name`) do not."""
    return _MAIL.search(text) is not None


def _written(value: Any) -> str:
    if value is None:
        return ALL  # the one filter whose default is not None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _one_of(allowed: Mapping[str, Any] | tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda text: text if text in allowed else None


def _shaped(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        text = text.strip().lower().lstrip(".")
        return text if pattern.fullmatch(text) else None

    return read


def _days(text: str) -> int | None:
    found = whole(text)
    return found if found is not None and found <= MAX_DAYS else None


def _yes(text: str) -> bool | None:
    return True if text in {"yes", "1"} else None


def _yes_or_no(text: str) -> bool | None:
    return {"yes": True, "no": False}.get(text)


def _claimed(text: str) -> str | None:
    return text if text in CLAIMED or whole(text) else None


def _text(text: str) -> str | None:
    """Read a bounded text; an e-mail address is none that any filter takes."""
    text = text.strip()[:MAX_TEXT]
    return text if text and text.isprintable() and not is_mail_address(text) else None


def _accounts(text: str) -> tuple[int, ...] | None:
    ids = [whole(part) for part in text.split(",")[:MAX_ACCOUNTS]]
    return tuple(sorted({each for each in ids if each})) or None


_READ: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "phase": ("phase", _one_of(tuple(Phase))),
    "confidence": ("confidence", _one_of(tuple(Confidence))),
    "holder_change": ("holder", _one_of(tuple(HolderChange))),
    "source": ("source", _shaped(_SLUG)),
    "tld": ("tld", _shaped(_TLD)),
    "risk": ("risk", _one_of(RISK_BANDS)),
    "downloads": ("downloads", whole),
    "sole": ("sole", _yes),
    "claimed": ("claimed", _claimed),
    "age_days": ("age", _days),
    "drop_days": ("drop", _days),
    "held": ("held", _yes_or_no),
    "package": ("package", _text),
    "account_ids": ("account", _accounts),
    "domain": ("domain", _text),
    "skipped": ("skipped", _yes),
    "sort": ("sort", _one_of(SORTS)),
}
"""Every field but `state`: its name in an address, and how it is read."""

"""The data of a registration in a reply's labelled lines, and how much they weigh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jobs.providers.whois.dates import DateRules, read_date
from jobs.providers.whois.labels import DATED, Role
from jobs.providers.whois.lines import Field
from jobs.providers.whois.status import is_free
from jobs.providers.whois.wordings import any_of

_HOST = re.compile(
    r"(?<![\w.@-])(?:[a-z0-9_](?:[a-z0-9_-]{0,62}\.))+(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59})\.?(?![\w@-])"
)
_UNTIL = re.compile(r"\buntil\s+(?=\S*\d)|^connected \((?=\d)", re.IGNORECASE)
_KNOWN_STATE = re.compile(
    r"\b"
    + any_of(
        "ok|active|activ[ao]|registered|delegated|connect(?:ed)?|published|verified|paid|granted|assigned|in use",
        "complete|not available|unavailable|normal|validated|signed|allocated|live|enabled|taken|occupied|exists?",
        "clear|withdrawn|seized|frozen|deactivated",
    )
    + r"\b|suspen|delet|reserv|expire|hold|lock|prohibit|redempt|quarantine|inactive|transfer|renew|releas|assignable"
    + "|auction|restrict|not.open|not.allowed|busy|on.hold|expired|lapsed|in.zone",
    re.IGNORECASE,
)
_FAULT = re.compile(
    r"\W*(?:error|fail(?:ed|ure)|throttled|denied|refused|busy, try|time ?out|rate.?limit|query|unknown)\b",
    re.IGNORECASE,
)
MAX_LABEL = 24
"""Characters of a label of data; what goes on to a colon for longer is a sentence."""

_HOLDER = re.compile(r"\W*(?:registrant|owner|holder|domain holder|titular)\b", re.IGNORECASE)


@dataclass(slots=True)
class Facts:
    """What the labelled lines say; the first value of a kind counts."""

    values: dict[Role, list[str]] = field(default_factory=dict)
    dates: dict[Role, datetime] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    contacts: set[str] = field(default_factory=set)
    has_holder: bool = False

    def first(self, role: Role) -> str | None:
        """Return the first value of a role that is not empty."""
        return next((value for value in self.values.get(role, ()) if value), None)

    @property
    def is_free(self) -> bool:
        """Whether a status says that nobody holds the name."""
        return any(is_free(status) for status in self.statuses)

    @property
    def fault(self) -> str | None:
        """The status that reports a fault of the server in place of the domain's, or None."""
        return next((status for status in self.statuses if _FAULT.match(status)), None)

    @property
    def has_state(self) -> bool:
        """Whether a status is one that only a registered (or reserved) name has."""
        return any(_KNOWN_STATE.search(status) and not is_free(status) for status in self.statuses)

    @property
    def weight(self) -> int:
        """How much speaks for a registration: dates and name servers most."""
        singles = (Role.DOMAIN, Role.REGISTRAR, Role.HANDLE, Role.CONTACT)
        rest = self.has_state + self.has_holder + sum(role in self.values for role in singles)
        weak = {Role.CHANGED, Role.RELEASED}
        dates = 2 * len(self.dates.keys() - weak) + len(self.dates.keys() & weak)
        return dates + 2 * bool(self.hosts) + rest


def collect(fields: Sequence[Field], rules: DateRules) -> Facts:
    """Return what the lines say."""
    facts = Facts()
    for one in fields:
        facts.values.setdefault(one.role, []).append(one.value)
        if one.role is Role.CONTACT and len(one.label) <= MAX_LABEL and not one.label.endswith("."):
            facts.contacts.add(one.label.lower())
            facts.has_holder |= _HOLDER.match(one.label) is not None
        if one.role in DATED:
            moment = read_date(one.value, rules)
            if moment is not None:
                facts.dates.setdefault(one.role, moment)
        elif one.role is Role.NAMESERVER:
            facts.hosts.extend(hosts_in(one.value))
        elif one.role is Role.STATE and one.value.lower() in {"yes", "true"}:
            facts.statuses.append("hold")
        elif one.role is Role.STATUS or (one.role is Role.STATE and _KNOWN_STATE.search(one.value)):
            _take_status(facts, one.value, rules)
    return facts


def _take_status(facts: Facts, value: str, rules: DateRules) -> None:
    """Keep a status; `OK-UNTIL <date>` (.ua) and `Connected (<date>)` (.jp) tell the end of the term as well."""
    until = _UNTIL.search(value)
    moment = read_date(value[until.end() :], rules) if until else None
    if until and moment is not None:
        facts.dates.setdefault(Role.EXPIRES, moment)
        value = value[: until.start()].strip(" -") or "connected"
    facts.statuses.append(value)


def hosts_in(value: str) -> list[str]:
    """Return the host names in a value, in lower case."""
    return _HOST.findall(value.lower())

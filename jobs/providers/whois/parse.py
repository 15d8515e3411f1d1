"""Reading a WHOIS reply: the evidence in it is weighed, and what cannot be told apart safely is an error.

Data of a registration outweigh every sentence (a holder may call their company "No match"); a fault that the server
reports outweighs its "not found" (throttled servers send both); nothing recognised is a fault, never a phase.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase, Provider, clip, host_names
from jobs.providers.base import require_echo
from jobs.providers.errors import ProviderError
from jobs.providers.whois.dates import DateRules, read_date, rules_for
from jobs.providers.whois.labels import DATED, Role
from jobs.providers.whois.lines import Field, Line, read_fields, split_lines
from jobs.providers.whois.phrases import Verdict, names_in, sentences, trouble_of, verdict_of
from jobs.providers.whois.status import clean_statuses, is_free, phase_of

CONVINCING = 3
"""Weight of registration data from which a reply speaks of a registered name, whatever else it says."""

_HOST = re.compile(r"(?<![\w.@-])(?:[a-z0-9_](?:[a-z0-9_-]{0,62}\.))+(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59})\.?(?![\w@-])")
_UNTIL = re.compile(r"\buntil\s+(?=\S*\d)|^connected \((?=\d)", re.IGNORECASE)
_KNOWN_STATE = re.compile(
    r"ok|active|activ[ao]?|registered|delegated|connect\w*|published|verified|paid|granted|assigned|in use|not available|unavailable"
    r"|suspen\w*|delet\w*|reserv\w*|expired?|hold|lock\w*|prohibit\w*|redempt\w*|quarantine|inactive|clear|transfer\w*|renew\w*"
    r"|complete|normal|validated|signed|allocated|live|enabled|taken|occupied|exist\w*",
    re.IGNORECASE,
)
_HOLDER = re.compile(r"\W*(?:registrant|owner|holder|domain holder|titular)\b", re.IGNORECASE)
_REGISTRAR_TAIL = re.compile(r"\s*(?:\[[^\]]*\]|\(?https?://\S*|\((?:R?\d+(?:-\w+)?)\))\s*$")


@dataclass(frozen=True, slots=True)
class WhoisReading:
    """What one reply says. Times are aware UTC; `error` is None unless `outcome` is an error.

    `domain`: the name that the reply says it is about; `referral`: the WHOIS host that it names for more.
    """

    outcome: Outcome
    phase: Phase = Phase.UNKNOWN
    statuses: tuple[str, ...] = ()
    registered_at: datetime | None = None
    expires_at: datetime | None = None
    registrar_expires_at: datetime | None = None
    changed_at: datetime | None = None
    transferred_at: datetime | None = None
    registrar: str | None = None
    handle: str | None = None
    nameservers: tuple[str, ...] = ()
    domain: str | None = None
    referral: str | None = None
    error: ErrorKind | None = None
    error_detail: str | None = None

    def to_evidence(self, domain: str, now: datetime, server: str | None) -> Evidence:
        """Return the reading as evidence about `domain`."""
        return Evidence(
            provider=Provider.WHOIS,
            domain=domain,
            observed_at=now,
            outcome=self.outcome,
            phase=self.phase,
            statuses=self.statuses,
            registered_at=self.registered_at,
            expires_at=self.expires_at,
            registrar_expires_at=self.registrar_expires_at,
            changed_at=self.changed_at,
            transferred_at=self.transferred_at,
            registrar=self.registrar,
            handle=self.handle,
            nameservers=self.nameservers,
            server=server,
            error=self.error,
            error_detail=self.error_detail,
        )


def parse_whois(text: str, name: str, now: datetime) -> WhoisReading:
    """Read the reply to a question about `name`: a domain, or, where it is not known, its TLD (`jp`, `.co.jp`).

    Never raises: a reply that is throttled, refused, empty, about another domain or not understood is an error.
    """
    asked = name.strip().lower().rstrip(".")
    lines = split_lines(text)
    if not lines:
        return _error(ErrorKind.MALFORMED, "empty reply")
    if lines[0].text[:1] == "<":
        return _error(ErrorKind.MALFORMED, "a web page instead of WHOIS")
    return _Weighing(lines, asked, now).reading()


def _error(kind: ErrorKind, detail: str) -> WhoisReading:
    return WhoisReading(Outcome.ERROR, error=kind, error_detail=clip(detail))


@dataclass(slots=True)
class _Facts:
    """What the labelled lines say; the first value of a kind counts."""

    values: dict[Role, list[str]] = field(default_factory=dict)
    dates: dict[Role, datetime] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    has_holder: bool = False

    def first(self, role: Role) -> str | None:
        """Return the first value of a role that is not empty."""
        return next((value for value in self.values.get(role, ()) if value), None)

    @property
    def is_free(self) -> bool:
        """Whether a status says that nobody holds the name."""
        return any(is_free(status) for status in self.statuses)

    @property
    def weight(self) -> int:
        """How much speaks for a registration: dates and name servers most."""
        known = any(_KNOWN_STATE.search(status) for status in self.statuses)
        singles = (Role.DOMAIN, Role.REGISTRAR, Role.HANDLE, Role.CONTACT)
        rest = known + self.has_holder + sum(role in self.values for role in singles)
        return 2 * len(self.dates) + 2 * bool(self.hosts) + rest


def _collect(fields: Sequence[Field], rules: DateRules) -> _Facts:
    facts = _Facts()
    for one in fields:
        facts.values.setdefault(one.role, []).append(one.value)
        facts.has_holder |= one.role is Role.CONTACT and _HOLDER.match(one.label) is not None
        if one.role in DATED:
            moment = read_date(one.value, rules)
            if moment is not None:
                facts.dates.setdefault(one.role, moment)
        elif one.role is Role.NAMESERVER:
            facts.hosts.extend(_hosts(one.value))
        elif one.role is Role.STATUS or (one.role is Role.STATE and _KNOWN_STATE.search(one.value)):
            _take_status(facts, one.value, rules)
    return facts


def _take_status(facts: _Facts, value: str, rules: DateRules) -> None:
    """Keep a status; `OK-UNTIL <date>` (.ua) and `Connected (<date>)` (.jp) tell the end of the term as well."""
    until = _UNTIL.search(value)
    moment = read_date(value[until.end() :], rules) if until else None
    if until and moment is not None:
        facts.dates.setdefault(Role.EXPIRES, moment)
        value = value[: until.start()].strip(" -") or "connected"
    facts.statuses.append(value)


def _hosts(value: str) -> Iterable[str]:
    return (match for match in _HOST.findall(value.lower()) if not match[0].isspace())


class _Weighing:
    """One reply under the scales."""

    def __init__(self, lines: list[Line], asked: str, now: datetime) -> None:
        self._asked, self._now = asked, now
        self._tld = asked.rpartition(".")[2]
        self._lines = lines
        fields = read_fields(lines)
        remarks = " ".join(line.text for line in lines if line.is_remark)
        self._rules = rules_for(self._tld, (one.value for one in fields if one.role in DATED), remarks)
        self._facts = _collect(fields, self._rules)

    def reading(self) -> WhoisReading:
        """Return what the reply says."""
        facts = self._facts
        if self._is_about_another():
            return _error(ErrorKind.WRONG_DOMAIN, f"asked for {self._asked}, answered for {facts.first(Role.DOMAIN)}")
        if facts.is_free:
            return self._said_free()
        if facts.weight >= CONVINCING:
            return self._found()
        return self._by_sentences()

    def _is_about_another(self) -> bool:
        """Whether the reply names other domains, and never the one that was asked for."""
        named = [name for value in self._facts.values.get(Role.DOMAIN, ()) for name in names_in(value)]
        return self._knows_name and bool(named) and not any(_same(name, self._asked) for name in named)

    @property
    def _knows_name(self) -> bool:
        return "." in self._asked and not self._asked.startswith(".")

    def _said_free(self) -> WhoisReading:
        """Read a status that says "free": with a registration beside it, the reply contradicts itself."""
        facts = self._facts
        if facts.hosts or facts.dates.keys() & {Role.REGISTERED, Role.EXPIRES}:
            return _error(ErrorKind.MALFORMED, "free and registered in one reply")
        trouble = self._trouble()
        return trouble or WhoisReading(
            Outcome.NOT_FOUND, Phase.AVAILABLE, clean_statuses(facts.statuses), domain=clip(facts.first(Role.DOMAIN))
        )

    def _trouble(self) -> WhoisReading | None:
        for sentence in sentences(self._lines):
            kind = trouble_of(sentence) if verdict_of(sentence) is None else None
            if kind is not None:
                return _error(kind, sentence)
        return None

    def _by_sentences(self) -> WhoisReading:
        """Read a reply without a registration's data by what it says in words."""
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        verdicts = [verdict_of(sentence) for sentence in sentences(self._lines)]
        has_state = any(_KNOWN_STATE.search(status) for status in self._facts.statuses)
        if Verdict.ABSENT in verdicts:
            if has_state or Verdict.TAKEN in verdicts:
                return _error(ErrorKind.MALFORMED, "absent and registered in one reply")
            return self._absent()
        if Verdict.RESERVED in verdicts:
            return WhoisReading(Outcome.FOUND, Phase.RESERVED, ("reserved",))
        if Verdict.TAKEN in verdicts or (has_state and Role.DOMAIN in self._facts.values):
            return self._found()
        return _error(ErrorKind.MALFORMED, "not understood: " + self._lines[-1].text)

    def _absent(self) -> WhoisReading:
        """Return "not found", unless the sentence that says so is about another name."""
        for line, sentence in ((line, sentences([line])) for line in self._lines):
            if sentence and verdict_of(sentence[0]) is Verdict.ABSENT and self._knows_name:
                named = [name for name in names_in(line.text) if name.endswith("." + self._tld)]
                if named and not any(_same(name, self._asked) for name in named):
                    return _error(ErrorKind.WRONG_DOMAIN, f"asked for {self._asked}, answered for {named[0]}")
        return WhoisReading(Outcome.NOT_FOUND, Phase.AVAILABLE)

    def _found(self) -> WhoisReading:
        facts, dates = self._facts, self._facts.dates
        expires_at, by_registrar = dates.get(Role.EXPIRES), dates.get(Role.REGISTRAR_EXPIRES)
        phase = phase_of(
            facts.statuses, expires_at=expires_at, registrar_expires_at=by_registrar, now=self._now, tld=self._tld
        )
        return WhoisReading(
            Outcome.FOUND,
            phase,
            clean_statuses(facts.statuses),
            registered_at=dates.get(Role.REGISTERED),
            # A registrar's own server knows one date only: it is the best there is for both.
            expires_at=expires_at or by_registrar,
            registrar_expires_at=by_registrar,
            changed_at=dates.get(Role.CHANGED),
            transferred_at=dates.get(Role.TRANSFERRED),
            registrar=clip(_REGISTRAR_TAIL.sub("", facts.first(Role.REGISTRAR) or "")),
            handle=clip(facts.first(Role.HANDLE)),
            nameservers=host_names(facts.hosts),
            domain=clip(facts.first(Role.DOMAIN)),
            referral=self._referral(),
        )

    def _referral(self) -> str | None:
        named = self._facts.first(Role.REFERRAL) or ""
        found = _HOST.search(named.lower())
        return found[0].rstrip(".") if found and "/" not in named.replace("://", "") else None


def _same(name: str, asked: str) -> bool:
    try:
        require_echo(name, asked)
    except ProviderError:
        return False
    return True

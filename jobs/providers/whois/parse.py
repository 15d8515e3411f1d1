"""Reading a WHOIS reply: the evidence in it is weighed, and what cannot be told apart safely is an error.

Data of a registration outweigh every sentence (a holder may call their company "No match"); a fault that the server
reports outweighs its "not found" (throttled servers send both); nothing recognised is a fault, never a phase.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from dashboard.lifecycle.evidence import ErrorKind, Evidence, Outcome, Phase, Provider, clip, host_names
from jobs.providers.base import require_echo
from jobs.providers.errors import ProviderError
from jobs.providers.whois.dates import rules_for
from jobs.providers.whois.facts import collect, hosts_in
from jobs.providers.whois.labels import DATED, Role
from jobs.providers.whois.lines import Line, read_fields, split_lines
from jobs.providers.whois.notices import notice_in
from jobs.providers.whois.phrases import Verdict, names_in, sentences, state_of, subjects_in, trouble_of, verdict_of
from jobs.providers.whois.status import clean_statuses, is_free, phase_of
from jobs.providers.whois.vouch import unvouched

CONVINCING = 3
"""Weight of registration data from which a reply speaks of a registered name, whatever else it says."""

MANY_CONTACTS = 3
"""Kinds of lines about people that no terms of use have by chance."""

_OF_THE_WEB = re.compile(r"<|\{|HTTP/\d|404 Not Found$", re.IGNORECASE)
_HEADED = re.compile(
    r"[%#;\s]*(?:whois|quer(?:y|ied)|request|results? for|information (?:related to|about))[\s:]+"
    r"[\"'<]?[\w.-]+[\"'>]?$",
    re.IGNORECASE,
)
"""Says, in a remark or above the answer, what the reply is about: `% WHOIS brelwick.eu`."""
_QUOTED = re.compile(r"\b(?:for|domain|name)\W{1,3}\"([\w-]+)\"", re.IGNORECASE)
_REGISTRAR_TAIL = re.compile(r"\s*(?:\[[^\]]*\]|\(?\s*https?://\S*(?:\s*\))?|\((?:R?\d+(?:-\w+)?)\))\s*$")


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
    released_at: datetime | None = None
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
            released_at=self.released_at,
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
    if _OF_THE_WEB.match(lines[0].text):
        return _error(ErrorKind.MALFORMED, "an answer of the web instead of WHOIS")
    return _Weighing(lines, asked, now).reading()


def _error(kind: ErrorKind, detail: str) -> WhoisReading:
    return WhoisReading(Outcome.ERROR, error=kind, error_detail=clip(detail))


class _Weighing:
    """One reply under the scales."""

    def __init__(self, lines: list[Line], asked: str, now: datetime) -> None:
        self._asked, self._now = asked, now
        self._tld = asked.rpartition(".")[2]
        self._lines = lines
        fields = read_fields(lines)
        remarks = " ".join(line.text for line in lines if line.is_remark)
        rules = rules_for(self._tld, (one.value for one in fields if one.role in DATED), remarks)
        self._facts = collect(fields, rules)

    def reading(self) -> WhoisReading:
        """Return what the reply says."""
        facts = self._facts
        if self._is_about_another():
            return _error(ErrorKind.WRONG_DOMAIN, f"asked for {self._asked}, answered for {facts.first(Role.DOMAIN)}")
        if facts.is_free:
            return self._said_free()
        if facts.weight >= CONVINCING:
            return self._found()
        return self._by_sentences() if facts.fault is None else self._faulty(facts.fault)

    def _is_about_another(self) -> bool:
        """Whether the reply names other domains, and never the one that was asked for."""
        values = self._facts.values.get(Role.DOMAIN, ())
        named = [name for value in values for name in names_in(value)]
        # IANA's server and some others answer for the TLD when they do not know the name.
        named += [value.lower() for value in values if value.lower().strip(".") == self._tld]
        if not self._knows_name:
            return bool(named) and all(name.strip(".") == self._tld for name in named)
        return bool(named) and not any(_same(name, self._asked) for name in named)

    @property
    def _knows_name(self) -> bool:
        return "." in self._asked and not self._asked.startswith(".")

    def _said_free(self) -> WhoisReading:
        """Read a status that says "free": with a registration beside it, the reply contradicts itself."""
        facts = self._facts
        if self._has_data or not all(is_free(status) for status in facts.statuses):
            return _error(ErrorKind.MALFORMED, "free and registered in one reply")
        trouble = self._trouble() or self._notice()
        if trouble is not None:
            return trouble
        absent = self._absent()
        if absent.outcome is Outcome.ERROR:
            return absent
        return replace(absent, statuses=clean_statuses(facts.statuses), domain=clip(facts.first(Role.DOMAIN)))

    def _faulty(self, status: str) -> WhoisReading:
        return self._trouble() or _error(ErrorKind.MALFORMED, f"status: {status}")

    @property
    def _has_data(self) -> bool:
        """Whether the reply has anything that only a registration has: a date, a server, a holder, a registrar."""
        facts = self._facts
        named = any(facts.first(role) for role in (Role.REGISTRAR, Role.HANDLE))
        peopled = facts.has_holder or len(facts.contacts) >= MANY_CONTACTS
        return bool(facts.hosts or facts.dates.keys() - {Role.CHANGED} or peopled or named)

    def _trouble(self) -> WhoisReading | None:
        for sentence, verdict in self._said:
            kind = trouble_of(sentence)
            # "Invalid query or domain name not known": our question was a name, so it is the latter.
            if kind is not None and not (verdict and kind is ErrorKind.UNSUPPORTED):
                return _error(kind, sentence)
        return None

    def _notice(self) -> WhoisReading | None:
        """Return the fault that stands beside a "not found", however politely; such a word frees nobody's name."""
        noticed = notice_in(self._lines)
        if noticed is not None:
            return _error(*noticed)
        besides = unvouched(self._lines)
        return _error(ErrorKind.MALFORMED, f'not understood beside a "not found": {besides}') if besides else None

    @cached_property
    def _said(self) -> list[tuple[str, Verdict | None]]:
        return [(sentence, verdict_of(sentence)) for sentence in sentences(self._lines)]

    def _by_sentences(self) -> WhoisReading:
        """Read a reply without a registration's data by what it says in words."""
        trouble = self._trouble()
        if trouble is not None:
            return trouble
        verdicts = {verdict for _, verdict in self._said}
        self._facts.statuses += [state for sentence, _ in self._said if (state := state_of(sentence))]
        if Verdict.ABSENT in verdicts:
            if self._facts.has_state or self._has_data or Verdict.TAKEN in verdicts or self._is_withheld:
                return _error(ErrorKind.MALFORMED, "absent and registered in one reply")
            return self._notice() or self._absent()
        if Verdict.RESERVED in verdicts:
            return WhoisReading(Outcome.FOUND, Phase.RESERVED, ("reserved",))
        if Verdict.TAKEN in verdicts or self._facts.has_state:
            return self._found()
        return _error(ErrorKind.MALFORMED, "not understood: " + self._lines[-1].text)

    @property
    def _is_withheld(self) -> bool:
        """Whether the answer itself says that nobody can have it.

        Not a remark about rights that are reserved, nor a lone word, which is a rest of one.
        """
        answer = sentences([line for line in self._lines if not line.is_remark])
        return any(" " in sentence and verdict_of(sentence) is Verdict.RESERVED for sentence in answer)

    def _absent(self) -> WhoisReading:
        """Return "not found", unless the sentence that says so is about another name."""
        labelled = [name for value in self._facts.values.get(Role.DOMAIN, ()) for name in names_in(value)]
        for line in self._lines:
            if _HEADED.match(line.text) or any(verdict_of(s) is Verdict.ABSENT for s in sentences([line])):
                named = subjects_in(line.text) or self._bare_subject(line.text)
                if named and not any(self._is_asked(name, labelled) for name in named):
                    return _error(ErrorKind.WRONG_DOMAIN, f"asked for {self._asked}, answered for {named[0]}")
        return WhoisReading(Outcome.NOT_FOUND, Phase.AVAILABLE)

    def _bare_subject(self, text: str) -> list[str]:
        """Return the name that a sentence quotes without its TLD, where it is not the asked one: `for "torvale"`."""
        quoted = _QUOTED.search(text) if self._knows_name else None
        return [quoted[1].lower()] if quoted and quoted[1].lower() not in self._asked.split(".") else []

    def _is_asked(self, name: str, labelled: Sequence[str]) -> bool:
        """Whether `name` is the asked one; where only the TLD is known, whether it can be and nothing belies it."""
        if self._knows_name:
            return _same(name, self._asked)
        return name in labelled if labelled else not name.isascii() or name.endswith("." + self._tld)

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
            released_at=dates.get(Role.RELEASED),
            registrar=clip(_REGISTRAR_TAIL.sub("", facts.first(Role.REGISTRAR) or "")),
            handle=clip(facts.first(Role.HANDLE)),
            nameservers=host_names(self._other_hosts()),
            domain=clip(facts.first(Role.DOMAIN)),
            referral=self._referral(),
        )

    def _other_hosts(self) -> list[str]:
        """Return the name servers without the domain's own name, where it only heads their list (.dk, .pt)."""
        own = {name for value in self._facts.values.get(Role.DOMAIN, ()) for name in names_in(value)}
        return [host for host in self._facts.hosts if host.rstrip(".") not in own] or self._facts.hosts

    def _referral(self) -> str | None:
        hosts = hosts_in(self._facts.first(Role.REFERRAL) or "")
        return hosts[0].rstrip(".") if hosts else None


def _same(name: str, asked: str) -> bool:
    try:
        require_echo(name, asked)
    except ProviderError:
        return False
    return True

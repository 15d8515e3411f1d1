"""Evidence side by side: one column a provider, one row a fact, with agreeing and disagreeing values marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.lifecycle.evidence import Evidence, Outcome, Phase
from dashboard.queries.evidence import ShownReading
from dashboard.web import words

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Cell:
    """One provider's value; `mark` is `agrees`, `differs`, or empty where there is nothing to compare."""

    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of the comparison."""

    label: str
    cells: Sequence[Cell]

    @property
    def differs(self) -> bool:
        """Whether the providers disagree here."""
        return any(cell.mark == "differs" for cell in self.cells)


def compare(readings: Sequence[ShownReading]) -> list[Fact]:
    """Put the readings side by side; facts that no provider gives are left out."""
    evidence = [reading.evidence for reading in readings]
    facts = [Fact(label, _cells([read(e) for e in evidence], compared)) for label, read, compared in _FACTS]
    return [fact for fact in facts if any(cell.text != NOTHING for cell in fact.cells)]


def _cells(values: Sequence[str | None], compared: bool) -> list[Cell]:  # noqa: FBT001 (private)
    known = [value.casefold() for value in values if value]
    mark = ("agrees" if len(set(known)) == 1 else "differs") if compared and len(known) > 1 else ""
    return [Cell(value, mark) if value else Cell(NOTHING) for value in values]


def _phase(evidence: Evidence) -> str | None:
    return None if evidence.phase is Phase.UNKNOWN else words.label(evidence.phase, "phase")


def _date(name: str) -> Callable[[Evidence], str | None]:
    def read(evidence: Evidence) -> str | None:
        value: datetime | None = getattr(evidence, name)
        return f"{value:%Y-%m-%d}" if value else None

    return read


def _own_words(evidence: Evidence) -> str | None:
    return ", ".join(evidence.statuses) or ("not found" if evidence.outcome is Outcome.NOT_FOUND else None)


def _mail(evidence: Evidence) -> str | None:
    if evidence.delegation is None:
        return None
    hosts = [host for _, host in evidence.delegation.mx]
    if hosts == ["."]:
        return "takes no mail (null MX)"
    if not evidence.delegation.knows_mail:
        return "not answered"
    return ", ".join(hosts) or ("none; an address record takes mail" if evidence.delegation.has_address else "none")


def _dns(evidence: Evidence) -> str | None:
    return evidence.delegation.rcode.value if evidence.delegation else None


_FACTS: tuple[tuple[str, Callable[[Evidence], str | None], bool], ...] = (
    ("Means", _phase, True),
    ("In its own words", _own_words, False),
    ("Registered", _date("registered_at"), True),
    ("Expires (registry)", _date("expires_at"), True),
    ("Expires (registrar)", _date("registrar_expires_at"), True),
    ("Last changed", _date("changed_at"), False),
    ("Transferred", _date("transferred_at"), True),
    ("Registrar", lambda e: e.registrar, True),
    ("Handle", lambda e: e.handle, True),
    ("Name servers", lambda e: ", ".join(e.nameservers) or None, True),
    ("DNS answer", _dns, False),
    ("Mail hosts", _mail, False),
    ("Asked", lambda e: e.server, False),
)

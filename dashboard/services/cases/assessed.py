"""A domain that was just weighed, as it is handed on to all that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.lifecycle.assessment import Assessment
from dashboard.services.checking.facts import DomainFacts, KeptReading


@dataclass(frozen=True, slots=True)
class Assessed:
    """A domain just assessed: what was known (`before`: its readings before this check) and the new answer."""

    facts: DomainFacts
    assessment: Assessment
    before: Sequence[KeptReading]

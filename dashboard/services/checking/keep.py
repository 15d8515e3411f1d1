"""Keep readings, compacted: an answer that repeats the provider's last one only moves `last_seen_at`.

The writes of a group of domains are gathered and sent together: one by one they take half of a check's time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Evidence, Outcome, Reading, digest_of
from dashboard.models import EvidenceRecord
from dashboard.services.checking.facts import DomainFacts, KeptReading

_TABLE: Table = EvidenceRecord.metadata.tables[EvidenceRecord.__tablename__]
_SEEN_AGAIN = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("row_id"))
    .values(last_seen_at=bindparam("seen_at"), readings=_TABLE.c.readings + 1)
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One provider's answer as a job brings it: evidence, bounded raw reply, digest of the whole reply."""

    evidence: Evidence
    raw: bytes | None
    raw_digest: str | None


@dataclass(slots=True)
class Keeper:
    """Takes answers into the facts at once, and into the database with `write()`."""

    _new: list[dict[str, Any]] = field(default_factory=list)
    _seen_again: list[dict[str, Any]] = field(default_factory=list)

    def add(self, facts: DomainFacts, answer: Answer) -> None:
        """Add one answer to `facts`, beside the readings it does not repeat."""
        evidence = answer.evidence
        normalised = evidence.normalised()
        digest = digest_of(normalised)
        last = _latest(facts.readings, evidence)
        first_seen_at, row_id = evidence.observed_at, None
        if last is not None and last.id is not None and last.digest == digest:
            first_seen_at, row_id = last.reading.first_seen_at, last.id
            facts.readings.remove(last)
            self._seen_again.append({"row_id": row_id, "seen_at": evidence.observed_at})
        else:
            self._new.append(_row(facts.id, answer, normalised, digest))
        facts.readings.append(KeptReading(row_id, digest, Reading(evidence, first_seen_at, evidence.observed_at)))

    def write(self, session: Session) -> None:
        """Write what was added, in two statements."""
        if self._new:
            session.execute(insert(_TABLE), self._new)
        if self._seen_again:
            session.execute(_SEEN_AGAIN, self._seen_again)


def _latest(readings: Sequence[KeptReading], evidence: Evidence) -> KeptReading | None:
    """The provider's last answer, or its last error: an error between two equal answers does not part them."""
    is_error = evidence.outcome is Outcome.ERROR
    same = [
        kept
        for kept in readings
        if kept.reading.evidence.provider is evidence.provider
        and (kept.reading.evidence.outcome is Outcome.ERROR) == is_error
    ]
    return max(same, key=_seen_at, default=None)


def _seen_at(kept: KeptReading) -> datetime:
    return kept.reading.last_seen_at


def _row(domain_id: int, answer: Answer, normalised: dict[str, Any], digest: str) -> dict[str, Any]:
    return {
        "domain_id": domain_id,
        "provider": answer.evidence.provider.value,
        "digest": digest,
        "normalised": normalised,
        "raw": answer.raw,
        "raw_digest": answer.raw_digest,
        "first_seen_at": answer.evidence.observed_at,
        "last_seen_at": answer.evidence.observed_at,
        "readings": 1,
    }

"""Evidence of one domain: each provider's newest reading side by side, older ones, and raw replies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Evidence, Outcome
from dashboard.models import EvidenceRecord

MAX_READINGS = 200


@dataclass(frozen=True, slots=True)
class ShownReading:
    """A stored reading for the screens; `has_raw` says whether its raw reply is still kept."""

    id: int
    evidence: Evidence
    first_seen_at: datetime
    last_seen_at: datetime
    readings: int
    has_raw: bool


@dataclass(frozen=True, slots=True)
class DomainEvidence:
    """`latest`: one reading a provider (an error only where it never answered); `failed`: newest errors since."""

    latest: Sequence[ShownReading]
    failed: Sequence[ShownReading]
    older: Sequence[ShownReading]


@dataclass(frozen=True, slots=True)
class RawReply:
    """A raw reply as kept, bounded to 64 KiB, with what it belongs to."""

    provider: str
    raw: bytes
    last_seen_at: datetime


def domain_evidence(session: Session, domain_id: int) -> DomainEvidence:
    """Return the readings of a domain, the newest `MAX_READINGS` of them."""
    return _arranged(_readings(session, domain_id))


def _arranged(readings: Sequence[ShownReading]) -> DomainEvidence:
    """Part the readings, the newest first, into what is shown side by side and the rest."""
    answers, errors = _newest(readings, is_error=False), _newest(readings, is_error=True)
    failed = [e for p, e in errors.items() if p not in answers or e.last_seen_at > answers[p].last_seen_at]
    shown = {reading.id for reading in (*answers.values(), *failed)}
    return DomainEvidence(
        latest=[answers[provider] for provider in sorted(answers)],
        failed=failed,
        older=[reading for reading in readings if reading.id not in shown],
    )


def frozen_readings(frozen: Mapping[str, Any]) -> DomainEvidence:
    """Return the readings that a decision froze, arranged as `domain_evidence` does."""
    readings = [
        ShownReading(
            id=item["id"],
            evidence=Evidence.from_normalised(item["normalised"], datetime.fromisoformat(item["last_seen_at"])),
            first_seen_at=datetime.fromisoformat(item["first_seen_at"]),
            last_seen_at=datetime.fromisoformat(item["last_seen_at"]),
            readings=1,
            has_raw=False,
        )
        for item in frozen.get("evidence", ())
    ]
    return _arranged(sorted(readings, key=lambda each: (each.last_seen_at, each.id), reverse=True))


def raw_reply(session: Session, evidence_id: int) -> RawReply | None:
    """Return the raw reply of a reading; None where there is no such reading, or its reply is no longer kept."""
    row = session.execute(
        select(EvidenceRecord.provider, EvidenceRecord.raw, EvidenceRecord.last_seen_at).where(
            EvidenceRecord.id == evidence_id
        )
    ).one_or_none()
    return RawReply(row.provider, row.raw, row.last_seen_at) if row is not None and row.raw is not None else None


def _readings(session: Session, domain_id: int) -> list[ShownReading]:
    rows = session.execute(
        select(
            EvidenceRecord.id,
            EvidenceRecord.normalised,
            EvidenceRecord.first_seen_at,
            EvidenceRecord.last_seen_at,
            EvidenceRecord.readings,
            EvidenceRecord.raw.is_not(None).label("has_raw"),
        )
        .where(EvidenceRecord.domain_id == domain_id)
        .order_by(EvidenceRecord.last_seen_at.desc(), EvidenceRecord.id.desc())
        .limit(MAX_READINGS)
    )
    return [
        ShownReading(
            id=row.id,
            evidence=Evidence.from_normalised(row.normalised, row.last_seen_at),
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            readings=row.readings,
            has_raw=bool(row.has_raw),
        )
        for row in rows
    ]


def _newest(readings: Sequence[ShownReading], *, is_error: bool) -> dict[str, ShownReading]:
    """Pick each provider's newest reading that is an error, or is none; `readings` are the newest first."""
    found: dict[str, ShownReading] = {}
    for reading in readings:
        if (reading.evidence.outcome is Outcome.ERROR) == is_error:
            found.setdefault(reading.evidence.provider.value, reading)
    return found

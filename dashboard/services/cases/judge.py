"""A case's domain as it stands at the moment of deciding, and the copy of its evidence that a decision keeps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Assessment
from dashboard.lifecycle.risk import Exposure
from dashboard.models import Case, EvidenceRecord
from dashboard.services.allow_list.ask import NOTHING, coverage
from dashboard.services.cases.exposure import exposure
from dashboard.services.cases.flag import lapse_of
from dashboard.services.cases.reach import reach
from dashboard.services.checking.facts import DomainFacts, load_facts
from dashboard.services.checking.snapshot import snapshot
from dashboard.times import rfc3339


@dataclass(frozen=True, slots=True)
class Judged:
    """A case's domain as it stands at the moment of deciding."""

    facts: DomainFacts
    assessment: Assessment
    address_ids: tuple[int, ...] = field(default=())


def judge(session: Session, domain_id: int, now: datetime) -> Judged:
    """Weigh the stored evidence of a domain as of `now`, and leave out what the allow-list keeps."""
    facts = load_facts(session, [domain_id])[domain_id]
    assessment = facts.current(now)
    cover = coverage(session, [domain_id], now).get(domain_id, NOTHING)
    if cover.whole is not None:
        return Judged(facts, assessment)
    return Judged(facts, assessment, reach(session, facts, assessment, decided=True, kept=cover.addresses).ids)


def preview(session: Session, case_id: int, now: datetime) -> Exposure:
    """Count what an approval of the case would reach now; `LookupError` when there is no such case."""
    case = session.get(Case, case_id)
    if case is None:
        raise LookupError(f"no case {case_id}")
    judged = judge(session, case.domain_id, now)
    return exposure(session, case.domain_id, judged.address_ids, lapse_of(judged.assessment))


def freeze(session: Session, case: Case, judged: Judged) -> dict[str, Any]:
    """Copy the evidence the decision rests on: normalised readings and the digests of the raw replies, for ever."""
    rows = session.execute(
        select(
            EvidenceRecord.id,
            EvidenceRecord.provider,
            EvidenceRecord.digest,
            EvidenceRecord.raw_digest,
            EvidenceRecord.normalised,
            EvidenceRecord.first_seen_at,
            EvidenceRecord.last_seen_at,
        )
        .where(EvidenceRecord.domain_id == case.domain_id)
        .order_by(EvidenceRecord.id)
    )
    return {
        "domain": judged.facts.name,
        "assessment": snapshot(judged.assessment),
        "risk": case.risk,
        "risk_parts": case.risk_parts,
        "addresses": len(judged.address_ids),
        "evidence": [
            {
                "id": row.id,
                "provider": row.provider,
                "digest": row.digest,
                "raw_digest": row.raw_digest,
                "first_seen_at": rfc3339(row.first_seen_at),
                "last_seen_at": rfc3339(row.last_seen_at),
                "normalised": row.normalised,
            }
            for row in rows
        ],
    }


def evidence_digest(frozen: dict[str, Any]) -> str:
    """SHA-256 (hex) over the frozen evidence in canonical form (RFC 8785): what the audit entry vouches for."""
    return hashlib.sha256(rfc8785.dumps(frozen)).hexdigest()

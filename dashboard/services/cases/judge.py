"""A case's domain as it stands at the moment of deciding, and the copy of its evidence that a decision keeps."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import rfc8785
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Assessment
from dashboard.lifecycle.risk import Exposure
from dashboard.models import Case, EvidenceRecord
from dashboard.services.allow_list.ask import NOTHING, coverage
from dashboard.services.cases.exposure import exposure
from dashboard.services.cases.reach import made_for, on_their_way, reach_among
from dashboard.services.checking.facts import DomainFacts, load_facts
from dashboard.services.checking.snapshot import snapshot
from dashboard.services.sql import among
from dashboard.times import rfc3339

_FRACTION = re.compile(rb'(?:":|[\[,])-?[0-9]+[.eE]')


@dataclass(frozen=True, slots=True)
class Judged:
    """A case's domain as it stands at the moment of deciding; `is_kept`: the allow-list keeps all of it.

    `under_way`: the effects that reach addresses of the domain already, which `address_ids` therefore leaves out.
    """

    facts: DomainFacts
    assessment: Assessment
    address_ids: tuple[int, ...] = field(default=())
    is_kept: bool = False
    under_way: Mapping[int, str] = field(default_factory=dict)


def judge(session: Session, domain_id: int, now: datetime) -> Judged:
    """Weigh the stored evidence of a domain as of `now`, and leave out what the allow-list keeps."""
    return judge_many(session, [domain_id], now)[domain_id]


def judge_many(session: Session, domain_ids: Collection[int], now: datetime) -> dict[int, Judged]:
    """The same for many domains, in as many statements as for one."""
    covers, made = coverage(session, domain_ids, now), made_for(session, domain_ids)
    found = {}
    for ident, facts in load_facts(session, domain_ids).items():
        assessment, cover = facts.current(now), covers.get(ident, NOTHING)
        ids = () if cover.whole else reach_among(facts, assessment, made[ident], cover.addresses).ids
        found[ident] = Judged(
            facts, assessment, ids, is_kept=cover.whole is not None, under_way=on_their_way(made[ident])
        )
    return found


def preview(session: Session, case_id: int, now: datetime) -> Exposure:
    """Count what an approval of the case would reach now; `LookupError` when there is no such case."""
    case = session.get(Case, case_id)
    if case is None:
        raise LookupError(f"no case {case_id}")
    judged = judge(session, case.domain_id, now)
    return exposure(session, case.domain_id, judged.address_ids, judged.assessment.lapsed_at)


def freeze(session: Session, case: Case, judged: Judged) -> dict[str, Any]:
    """Copy the evidence the decision rests on: normalised readings and the digests of the raw replies, for ever."""
    return freeze_many(session, [(case, judged)])[case.id]


def freeze_many(session: Session, judged: Sequence[tuple[Any, Judged]]) -> dict[int, dict[str, Any]]:
    """The same for many cases (or rows of them) in one statement, by the cases' ids."""
    rows = session.execute(
        select(
            EvidenceRecord.id,
            EvidenceRecord.domain_id,
            EvidenceRecord.provider,
            EvidenceRecord.digest,
            EvidenceRecord.raw_digest,
            EvidenceRecord.normalised,
            EvidenceRecord.first_seen_at,
            EvidenceRecord.last_seen_at,
        )
        .where(among(EvidenceRecord.domain_id, [case.domain_id for case, _ in judged]))
        .order_by(EvidenceRecord.id)
    )
    evidence: dict[int, list[Row[Any]]] = {case.domain_id: [] for case, _ in judged}
    for row in rows:
        evidence[row.domain_id].append(row)
    return {case.id: _frozen(case, each, evidence[case.domain_id]) for case, each in judged}


def _frozen(case: Any, judged: Judged, rows: Sequence[Row[Any]]) -> dict[str, Any]:
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
    return hashlib.sha256(canonical(frozen)).hexdigest()


def canonical(document: dict[str, Any]) -> bytes:
    """Return the RFC 8785 bytes of a document whose keys are ours.

    orjson with sorted keys writes the same, but for fractions, and many times faster; what looks like a fraction, if
    only within a text, goes the slow way.
    """
    quick = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(document) if _FRACTION.search(quick) else quick

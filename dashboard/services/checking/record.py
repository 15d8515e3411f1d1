"""Record what providers said of a batch of domains: evidence, assessment, history, case, next due time.

Everything of one domain is written in one transaction with the `checks` row for its due time, so that a job that
runs twice, or dies anywhere, leaves each due time with exactly one committed check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Assessment
from dashboard.lifecycle.evidence import ErrorKind, Evidence, EvidenceKind, Outcome, Phase, Reading
from dashboard.lifecycle.schedule import next_check_at
from dashboard.models import Check, Domain, EvidenceRecord
from dashboard.services.cases.flag import Assessed, flag
from dashboard.services.checking.facts import DomainFacts, KeptReading, load_facts
from dashboard.services.checking.history import record_history
from dashboard.services.checking.snapshot import snapshot


@dataclass(frozen=True, slots=True)
class Answer:
    """One provider's answer as a job brings it: evidence, bounded raw reply, digest of the whole reply."""

    evidence: Evidence
    raw: bytes | None
    raw_digest: str | None


@dataclass(frozen=True, slots=True)
class CheckedDomain:
    """A domain of the batch with its answers."""

    id: int
    due_at: datetime
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was committed: checks written, domains whose due time was served already, cases opened."""

    checks: int
    skipped: int
    opened: int


def record_checks(
    session: Session, batch_id: int, checked: Sequence[CheckedDomain], now: datetime, *, recheck_days: int
) -> Recorded:
    """Write the answers of `checked`, as far as `batch_id` still holds the domains for those due times."""
    held = _still_held(session, batch_id, checked)
    live = [item for item in checked if held.get(item.id) == item.due_at]
    facts = load_facts(session, [item.id for item in live])
    failures = _failures(session, [item.id for item in live])
    assessed = [_weigh(session, facts[item.id], item, now) for item in live]
    failed = {item.id: _failed(item) for item in live}
    record_history(session, assessed, now)
    _write_domains(session, live, assessed, failures, failed, now, recheck_days)
    if live:
        session.execute(
            insert(Check),
            [
                {
                    "domain_id": item.id,
                    "due_at": item.due_at,
                    "checked_at": now,
                    "phase": result.assessment.phase.value,
                    "failed": failed[item.id],
                }
                for item, result in zip(live, assessed, strict=True)
            ],
        )
    opened = flag(session, assessed, now)
    return Recorded(checks=len(live), skipped=len(checked) - len(live), opened=opened)


def _still_held(session: Session, batch_id: int, checked: Sequence[CheckedDomain]) -> dict[int, datetime]:
    """Lock the batch's domains, in order of id, and return the due time each stands at."""
    rows = session.execute(
        select(Domain.id, Domain.next_check_at)
        .where(Domain.id.in_([item.id for item in checked]), Domain.batch_id == batch_id)
        .order_by(Domain.id)
        .with_for_update()
    )
    return {row.id: row.next_check_at for row in rows}


def _failures(session: Session, ids: Sequence[int]) -> dict[int, int]:
    rows = session.execute(select(Domain.id, Domain.failures).where(Domain.id.in_(ids)))
    return {row.id: row.failures for row in rows}


def _failed(item: CheckedDomain) -> bool:
    """Whether no provider that could have known said anything (a TLD without RDAP is no failure to be retried)."""
    strong = [answer.evidence for answer in item.answers if answer.evidence.kind is not EvidenceKind.DELEGATION]
    asked = [evidence for evidence in strong or [a.evidence for a in item.answers] if not _hopeless(evidence)]
    return bool(asked) and all(evidence.outcome is Outcome.ERROR for evidence in asked)


def _hopeless(evidence: Evidence) -> bool:
    return evidence.error in {ErrorKind.UNSUPPORTED, ErrorKind.NOT_CONFIGURED}


def _weigh(session: Session, facts: DomainFacts, item: CheckedDomain, now: datetime) -> Assessed:
    """Store the answers, then assess with them."""
    before = list(facts.readings)
    for answer in item.answers:
        _keep(session, facts, answer)
    return Assessed(facts=facts, assessment=facts.current(now), before=before)


def _keep(session: Session, facts: DomainFacts, answer: Answer) -> None:
    """Store one answer: the same as the provider's last one of its sort only moves `last_seen_at` (compaction)."""
    evidence, digest = answer.evidence, answer.evidence.digest
    last = _latest(facts.readings, evidence)
    if last is not None and last.digest == digest:
        session.execute(
            update(EvidenceRecord)
            .where(EvidenceRecord.id == last.id)
            .values(last_seen_at=evidence.observed_at, readings=EvidenceRecord.readings + 1)
        )
        facts.readings.remove(last)
        facts.readings.append(
            KeptReading(last.id, digest, Reading(evidence, last.reading.first_seen_at, evidence.observed_at))
        )
        return
    new_id = session.scalar(insert(EvidenceRecord).returning(EvidenceRecord.id), _row(facts.id, answer, digest))
    facts.readings.append(
        KeptReading(new_id or 0, digest, Reading(evidence, evidence.observed_at, evidence.observed_at))
    )


def _latest(readings: Sequence[KeptReading], evidence: Evidence) -> KeptReading | None:
    """The provider's last answer, or its last error: an error between two equal answers does not part them."""
    is_error = evidence.outcome is Outcome.ERROR
    same = [
        kept
        for kept in readings
        if kept.reading.evidence.provider is evidence.provider
        and (kept.reading.evidence.outcome is Outcome.ERROR) == is_error
    ]
    return max(same, key=lambda kept: kept.reading.last_seen_at, default=None)


def _row(domain_id: int, answer: Answer, digest: str) -> dict[str, Any]:
    return {
        "domain_id": domain_id,
        "provider": answer.evidence.provider.value,
        "digest": digest,
        "normalised": answer.evidence.normalised(),
        "raw": answer.raw,
        "raw_digest": answer.raw_digest,
        "first_seen_at": answer.evidence.observed_at,
        "last_seen_at": answer.evidence.observed_at,
        "readings": 1,
    }


def _write_domains(
    session: Session,
    live: Sequence[CheckedDomain],
    assessed: Sequence[Assessed],
    failures: dict[int, int],
    failed: dict[int, bool],
    now: datetime,
    recheck_days: int,
) -> None:
    """Set every domain's last answer and next due time, and let go of it."""
    values = []
    for item, result in zip(live, assessed, strict=True):
        count = failures[item.id] + 1 if failed[item.id] else 0
        values.append(
            _domain_values(result.assessment)
            | {
                "id": item.id,
                "failures": count,
                "last_checked_at": now,
                "batch_id": None,
                "leased_until": None,
                "next_check_at": _next(result, now, count, recheck_days),
            }
        )
    if values:
        session.execute(update(Domain), values)


def _next(result: Assessed, now: datetime, failures: int, recheck_days: int) -> datetime:
    drop = result.assessment.predicted.drop
    return next_check_at(
        result.assessment.phase,
        now,
        failures=failures,
        recheck_days=recheck_days,
        drop_at=drop.date if drop else None,
        key=result.facts.name,
    )


def _domain_values(assessment: Assessment) -> dict[str, Any]:
    drop = assessment.predicted.drop
    return {
        "phase": assessment.phase.value,
        "confidence": assessment.confidence.value,
        "recommendation": assessment.recommendation.value,
        "holder_change": assessment.holder_change.value,
        "registered_at": assessment.registered_at,
        "expires_at": assessment.expires_at,
        "drop_at": drop.date if drop and assessment.phase is not Phase.ACTIVE else None,
        "assessment": snapshot(assessment),
    }

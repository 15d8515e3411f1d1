"""Record what providers said of a batch of domains: evidence, assessment, history, case, next due time.

Everything of one domain is written in one transaction with the `checks` row for its due time, so that a job that
runs twice, or dies anywhere, leaves each due time with exactly one committed check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, select, update
from sqlalchemy.orm import Session

from dashboard.audit.record import record_many
from dashboard.lifecycle.assessment import Assessment
from dashboard.lifecycle.completeness import has_failed, is_held_back
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.schedule import DAILY, RULES_ALONE, SchedulePolicy, is_urgent, next_check_at
from dashboard.lifecycle.sweep import vanished_at
from dashboard.models import Domain, Sweep
from dashboard.services.brakes.watch import watch
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.flag import flag
from dashboard.services.cases.renewal import unsettled
from dashboard.services.checking.facts import DomainFacts, KeptReading, fill_facts
from dashboard.services.checking.history import record_history
from dashboard.services.checking.keep import Answer, Keeper
from dashboard.services.checking.served import write_checks
from dashboard.services.checking.snapshot import snapshot
from dashboard.services.dependencies.lapses import note_lapses
from dashboard.services.dependencies.load import relied_on
from dashboard.services.dependencies.relate import relate
from dashboard.services.sql import among
from dashboard.services.sweeping.begin import First, begin_sweeping
from dashboard.services.warnings.watch import watch_warnings

__all__ = ["Answer", "CheckedDomain", "Recorded", "record_checks"]


Held = Row[int, str, str, datetime, int, datetime | None, bool, bool]
"""A domain's row, locked: see `_still_held` for its columns."""


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
    session: Session,
    batch_id: int,
    checked: Sequence[CheckedDomain],
    now: datetime,
    *,
    recheck_days: int,
    policy: SchedulePolicy = RULES_ALONE,
) -> Recorded:
    """Write the answers of `checked`, as far as `batch_id` still holds the domains for those due times.

    `recheck_days` and `policy` say when each is due again.
    """
    held = _still_held(session, batch_id, checked)
    live = [item for item in checked if item.id in held and held[item.id].next_check_at == item.due_at]
    facts = {item.id: _facts(held[item.id]) for item in live}
    fill_facts(session, facts)
    keeper = Keeper()
    before = {item.id: _take_in(facts[item.id], item, keeper) for item in live}
    keeper.write(session)
    relate(session, [facts[item.id] for item in live], now)
    assessed = [Assessed(facts[item.id], facts[item.id].current(now), before[item.id]) for item in live]
    failed = {item.id: _failed(item) for item in live}
    record_history(session, assessed, now)
    rhythm = _Rhythm(now, recheck_days, policy)
    _write_domains(session, live, assessed, held, rhythm)
    begin_sweeping(session, [_first(item, facts) for item in live if not held[item.id].is_swept], now)
    checks = [
        {
            "domain_id": item.id,
            "due_at": item.due_at,
            "checked_at": now,
            "phase": result.assessment.phase.value,
            "failed": failed[item.id],
        }
        for item, result in zip(live, assessed, strict=True)
    ]
    write_checks(session, checks)
    braked = watch(session, assessed, now)
    note_lapses(session, assessed, now)
    watch_warnings(session, assessed, now)
    opened = flag(session, assessed, now)
    record_many(session, braked, now)
    return Recorded(checks=len(live), skipped=len(checked) - len(live), opened=opened)


def _still_held(session: Session, batch_id: int, checked: Sequence[CheckedDomain]) -> dict[int, Held]:
    """Lock the batch's domains, in order of id, and return what their rows say: the due time each stands at."""
    is_swept = exists().where(Sweep.domain_id == Domain.id).label("is_swept")
    columns = Domain.id, Domain.name, Domain.phase, Domain.next_check_at, Domain.failures, Domain.completed_at
    rows = session.execute(
        select(*columns, is_swept, relied_on().label("is_relied_on"))
        .where(among(Domain.id, [item.id for item in checked]), Domain.batch_id == batch_id)
        .order_by(Domain.id)
        .with_for_update(key_share=True)  # an import may add addresses meanwhile
    )
    return {row.id: row for row in rows}


def _facts(held: Held) -> DomainFacts:
    return DomainFacts(held.id, held.name, Phase(held.phase), is_relied_on=held.is_relied_on)


def _first(item: CheckedDomain, facts: dict[int, DomainFacts]) -> First:
    return item.id, facts[item.id].name, [answer.evidence for answer in item.answers]


def _failed(item: CheckedDomain) -> bool:
    return has_failed([answer.evidence for answer in item.answers])


def _take_in(facts: DomainFacts, item: CheckedDomain, keeper: Keeper) -> list[KeptReading]:
    """Take the answers in, and return the readings that were known before."""
    before = list(facts.readings)
    for answer in item.answers:
        keeper.add(facts, answer)
    return before


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """By what the next due times are found."""

    now: datetime
    recheck_days: int
    policy: SchedulePolicy


def _write_domains(
    session: Session,
    live: Sequence[CheckedDomain],
    assessed: Sequence[Assessed],
    held: Mapping[int, Held],
    rhythm: _Rhythm,
) -> None:
    """Set every domain's last answer and next due time, and let go of it."""
    values = [
        _domain_values(result.assessment)
        | _due_again(item, result, held[item.id], rhythm)
        | {
            "id": item.id,
            "last_checked_at": rhythm.now,
            "batch_id": None,
            "leased_until": None,
            "urgent": is_urgent(result.assessment, len(result.facts.addresses) or result.facts.is_relied_on),
        }
        for item, result in zip(live, assessed, strict=True)
    ]
    if values:
        session.execute(update(Domain), values)


def _due_again(item: CheckedDomain, result: Assessed, held: Held, rhythm: _Rhythm) -> dict[str, Any]:
    """Return the next due time, and what it rests on.

    A check that failed is made again after a while. So is one in which somebody was held back who could have known,
    but no later than its phase asks for: that one only completes it.
    """
    failed = _failed(item)
    if not failed and not is_held_back([answer.evidence for answer in item.answers]):
        due_at = _next(result, 0, rhythm)
        return {"failures": 0, "next_check_at": due_at, "completed_at": rhythm.now, "completion_due_at": None}
    again = _next(result, held.failures + 1, rhythm)
    usual = again if failed else _next(result, 0, rhythm)
    due_at = min(usual, again)
    return {
        "failures": held.failures + 1,
        "next_check_at": due_at,
        "completed_at": held.completed_at,  # as it is: rows with other columns would part the statement into many
        "completion_due_at": due_at if failed or again < usual else None,
    }


def _next(result: Assessed, failures: int, rhythm: _Rhythm) -> datetime:
    drop, now = result.assessment.predicted.drop, rhythm.now
    at_stake = bool(result.facts.addresses) or result.facts.is_relied_on
    usual = next_check_at(
        result.assessment.phase,
        now,
        failures=failures,
        recheck_days=rhythm.recheck_days,
        drop_at=drop.date if drop else None,
        expires_at=result.assessment.expires_at,
        vanished_at=vanished_at([kept.reading for kept in result.facts.readings]),
        at_stake=at_stake,
        key=result.facts.name,
        policy=rhythm.policy,
    )
    watched = at_stake and result.assessment.phase is not Phase.AVAILABLE and unsettled(result.facts, now)
    return min(usual, now + DAILY) if watched else usual


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

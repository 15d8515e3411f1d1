"""Assess live look-ups of a domain without storing anything: the `check` command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.due import due_at
from dashboard.lifecycle.evidence import Phase, Reading
from dashboard.lifecycle.schedule import SchedulePolicy
from dashboard.models import Domain
from dashboard.services.checking.facts import DomainFacts, load_facts
from dashboard.services.checking.record import Answer
from dashboard.services.checking.snapshot import assessment_values


def assess_live(
    session: Session,
    name: str,
    answers: Sequence[Answer],
    now: datetime,
    *,
    recheck_days: int,
    policy: SchedulePolicy,
) -> dict[str, Any]:
    """Return the assessment of `answers` (with the addresses and history of a monitored domain) as JSON."""
    domain_id = session.scalar(select(Domain.id).where(Domain.name == name))
    facts = load_facts(session, [domain_id])[domain_id] if domain_id else DomainFacts(0, name, Phase.UNKNOWN)
    readings = [Reading(answer.evidence, answer.evidence.observed_at, now) for answer in answers]
    assessment = facts.assess(readings, now)
    ids = [address.id for address in facts.addresses]
    due = due_at(assessment, readings, now, recheck_days=recheck_days, policy=policy)
    return {
        **assessment_values(assessment, ids, due),
        "monitored": domain_id is not None,
        "evidence": [answer.evidence.normalised() for answer in answers],
    }

"""Old evidence is refreshed before an effect is published: `queued -> rechecking -> queued | withheld` (DESIGN 5).

Nothing waits for a network here: the domain is made due, checks are made as always, and the publisher's next turn
sees what they brought. So a check may be lost or doubled without an item being lost.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Data, Event
from dashboard.audit.record import NewEntry
from dashboard.lifecycle.evidence import Outcome, Provider
from dashboard.models import (
    Case,
    CaseState,
    Decision,
    EvidenceRecord,
    Source,
    Unverification,
    UnverificationState,
)
from dashboard.services.brakes.hold import OnBrake, brake_over, open_brakes
from dashboard.services.cases.openings import new_opening, note_recommended
from dashboard.services.checking.facts import DomainFacts, load_facts
from dashboard.services.checking.request import make_due
from dashboard.services.policy import current

ACTOR = system("publisher")


@dataclass(frozen=True, slots=True)
class Why:
    """Why an item is withheld: a code for the audit log, words for people."""

    code: str
    words: str


BRAKED = Why("brake", "a brake is on: more domains lapsed at once than can be believed")
NOT_FLAGGED = Why("not_flagged", "the fresh check no longer shows a lapse or a change of holder")


def fresh_domains(session: Session, domain_ids: Collection[int], now: datetime) -> set[int]:
    """Return those of `domain_ids` of which a registration provider said something lately, as the policy demands.

    DNS does not count: it only triggers and corroborates, and is asked every day.
    """
    rows = session.scalars(
        _newest()
        .where(EvidenceRecord.domain_id.in_(domain_ids))
        .having(func.max(EvidenceRecord.last_seen_at) >= now - current(session).evidence_max_age)
    )
    return set(rows)


def _newest() -> Select[int]:
    said = EvidenceRecord.normalised["outcome"].as_string() != Outcome.ERROR.value
    return (
        select(EvidenceRecord.domain_id)
        .where(EvidenceRecord.provider != Provider.DNS.value, said)
        .group_by(EvidenceRecord.domain_id)
    )


def recheck(session: Session, rows: Sequence[Row[Any]], now: datetime) -> list[NewEntry]:
    """Let items wait for a fresh check of their domains, which are made due at once.

    The due time of a domain that a batch holds stays: the batch's own answers will serve.
    """
    if not rows:
        return []
    ids = [row.id for row in rows]
    session.execute(
        update(Unverification).where(Unverification.id.in_(ids)).values(state=UnverificationState.RECHECKING.value)
    )
    domains = sorted({row.judged_domain_id for row in rows})
    make_due(session, domains, now)
    slugs = sorted({row.slug for row in rows})
    return [
        NewEntry(
            Event.UNVERIFICATION_RECHECKING,
            ACTOR,
            "source",
            slug,
            {"ids": [row.public_id for row in rows if row.slug == slug]},
        )
        for slug in slugs
    ]


@dataclass(frozen=True, slots=True)
class Resumed:
    """How many rechecked items were withheld, the audit entries of that, and the cases that a brake stopped."""

    withheld: int = 0
    entries: tuple[NewEntry, ...] = ()
    braked_cases: frozenset[int] = frozenset()


def resume(session: Session, now: datetime) -> Resumed:
    """Queue again what was rechecked, or withhold it."""
    waiting = session.execute(_waiting()).all()
    fresh = fresh_domains(session, {row.domain_id for row in waiting}, now) if waiting else set()
    ready = [row for row in waiting if row.domain_id in fresh]
    if not ready:
        return Resumed()
    facts, brakes = load_facts(session, {row.domain_id for row in ready}), open_brakes(session)
    reasons = {ident: _objection(known, brakes, now) for ident, known in facts.items()}
    judged = [(row, reasons[row.domain_id]) for row in ready]
    again = [row.id for row, why in judged if why is None]
    session.execute(
        update(Unverification).where(Unverification.id.in_(again)).values(state=UnverificationState.QUEUED.value)
    )
    withheld = [(row, why) for row, why in judged if why is not None]
    braked = frozenset(row.case_id for row, why in withheld if why is BRAKED)
    return Resumed(len(withheld), tuple(withhold(session, withheld, now)), braked)


def _waiting() -> Select[int, str, str, int, int]:
    return (
        select(
            Unverification.id,
            Unverification.public_id,
            Source.slug,
            Case.id.label("case_id"),
            Case.domain_id,
        )
        .join(Source, Source.id == Unverification.source_id)
        .join(Decision, Decision.id == Unverification.decision_id)
        .join(Case, Case.id == Decision.case_id)
        .where(Unverification.state == UnverificationState.RECHECKING.value)
        .order_by(Unverification.id)
        .with_for_update(of=Unverification, skip_locked=True)
    )


def _objection(facts: DomainFacts, brakes: Sequence[OnBrake], now: datetime) -> Why | None:
    if brake_over(brakes, facts) is not None:
        return BRAKED
    return None if facts.current(now).flags else NOT_FLAGGED


def withhold(session: Session, rows: Sequence[tuple[Any, Why]], now: datetime) -> list[NewEntry]:
    """Settle items as withheld and return the audit entries."""
    state = UnverificationState.WITHHELD.value
    values = [{"id": row.id, "state": state, "settled_at": now, "settled_why": why.words} for row, why in rows]
    if values:
        session.execute(update(Unverification), values)
    return [
        NewEntry(
            Event.UNVERIFICATION_WITHHELD,
            ACTOR,
            "unverification",
            row.public_id,
            {"source": row.slug, "why": why.code},
        )
        for row, why in rows
    ]


def braked_domains(session: Session, domain_ids: Collection[int]) -> set[int]:
    """Return those of `domain_ids` that a brake covers."""
    brakes = open_brakes(session)
    if not brakes or not domain_ids:
        return set()
    facts = load_facts(session, domain_ids)
    return {ident for ident, known in facts.items() if brake_over(brakes, known) is not None}


def reopen_braked(session: Session, case_ids: Collection[int], now: datetime) -> list[NewEntry]:
    """Open the cases of items that a brake withheld again, held: else their addresses would be forgotten."""
    cases = session.scalars(
        select(Case)
        .where(Case.id.in_(set(case_ids)), Case.state == CaseState.DECIDED)
        .order_by(Case.id)
        .with_for_update()
    ).all()
    brakes = open_brakes(session)
    facts = load_facts(session, [case.domain_id for case in cases]) if cases else {}
    return [_reopen(session, case, brake_over(brakes, facts[case.domain_id]), now) for case in cases]


def _reopen(session: Session, case: Case, brake_id: int | None, now: datetime) -> NewEntry:
    case.state, case.opened_at, case.updated_at = CaseState.OPEN.value, now, now
    case.opened_why = "a brake withheld what had been approved"
    case.decided_facts, case.brake_id = None, brake_id
    case.version += 1
    session.add(new_opening(case, case.opened_why, now))
    session.flush()
    note_recommended(session, case, now)
    data: Data = {
        "domain": case.domain.name,
        "phase": case.phase,
        "holder_change": case.holder_change,
        "risk": case.risk,
        "why": "withheld_by_brake",
    }
    return NewEntry(Event.CASE_REOPENED, ACTOR, "case", str(case.id), data)

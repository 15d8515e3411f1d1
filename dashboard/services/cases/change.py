"""What can happen to one case without a person: it is described anew, opened, opened again, closed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.lifecycle.assessment import Assessment
from dashboard.lifecycle.risk import Exposure, risk
from dashboard.models import Case, CaseState
from dashboard.services.allow_list.ask import Cover
from dashboard.services.allow_list.hits import count_hits
from dashboard.services.cases.aside import end_aside
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.openings import close_opening, new_opening
from dashboard.services.cases.reopen import Why, waits

ACTOR = system("checks")


@dataclass(slots=True)
class Changes:
    """What was done to cases and is yet to be recorded: how many opened, audit entries, hits of the allow-list."""

    opened: int = 0
    entries: list[NewEntry] = field(default_factory=list)
    hits: Counter[Cover] = field(default_factory=Counter)

    def record(self, session: Session, now: datetime) -> None:
        """Write the hits and the audit entries; the last that a transaction does."""
        session.flush()
        count_hits(session, self.hits, now)
        record_many(session, self.entries, now)


def describe(case: Case, assessment: Assessment, lost: Exposure, now: datetime) -> None:
    """Set what the queue shows; the version grows when something a reviewer judges by has changed."""
    scored = risk(assessment, lost, now)
    before = _judged_by(case)
    case.phase, case.confidence = assessment.phase.value, assessment.confidence.value
    case.recommendation, case.holder_change = assessment.recommendation.value, assessment.holder_change.value
    case.risk = scored.score
    case.risk_parts = [{"name": part.name, "points": part.points, "why": part.why} for part in scored.parts]
    case.drop_at = assessment.predicted.drop.date if assessment.predicted.drop else None
    case.addresses, case.accounts = lost.addresses, lost.accounts
    case.only_address_accounts = lost.only_address_accounts
    case.no_second_factor_accounts = lost.no_second_factor_accounts
    case.packages, case.downloads_30d = lost.packages, lost.downloads_30d
    case.updated_at = now
    if before != _judged_by(case):
        case.version += 1


def _judged_by(case: Case) -> tuple[object, ...]:
    return (case.phase, case.confidence, case.recommendation, case.holder_change, case.addresses)


def open_case(
    session: Session,
    case: Case,
    item: Assessed,
    why: Why,
    entries: list[NewEntry],
    now: datetime,
    *,
    again: bool = True,
) -> None:
    """Open the case, or open it again, and say why."""
    if waits(case) and again:
        _end_aside(session, case, "facts", now)
        close_opening(session, case.id, CaseState.SNOOZED.value, now)
    if again:
        case.state, case.opened_at, case.opened_why, case.decided_facts = CaseState.OPEN.value, now, why.words, None
        case.allow_entry_id = case.term_at = None
        case.version += 1
    session.add(new_opening(case, why.words, now))
    entries.append(
        NewEntry(
            event=Event.CASE_REOPENED if again else Event.CASE_OPENED,
            actor=ACTOR,
            object_type="case",
            object_id=str(case.id),
            data={
                "domain": item.facts.name,
                "phase": case.phase,
                "holder_change": case.holder_change,
                "risk": case.risk,
                "why": why.code,
            },
        )
    )


def close_case(
    session: Session, item: Assessed, case: Case, state: CaseState, entries: list[NewEntry], now: datetime
) -> None:
    """Close an open case without a decision."""
    if case.state != CaseState.OPEN:
        _end_aside(session, case, "closed", now)
    case.state, case.updated_at, case.brake_id = state.value, now, None
    case.version += 1
    close_opening(session, case.id, state.value, now)
    entries.append(
        NewEntry(
            event=Event.CASE_CLOSED,
            actor=ACTOR,
            object_type="case",
            object_id=str(case.id),
            data={"domain": item.facts.name, "how": state.value},
        )
    )


def _end_aside(session: Session, case: Case, how: str, now: datetime) -> None:
    case.wake_at = None
    end_aside(session, [case.id], how, now)

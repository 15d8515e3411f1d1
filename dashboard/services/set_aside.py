"""Set a case aside: until a date or until the facts change, or for an admin; and bring it back.

Waking is a sweep over dates: it may run twice, or late, and finds the same rows. New facts bring a snoozed case back
where cases are flagged; an escalated one stays with the admins, who see the new facts in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from dashboard.audit.actor import Actor, system
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.models import Case, CaseState, SetAside, SetAsideKind
from dashboard.services.cases.aside import end_aside
from dashboard.services.cases.judge import judge
from dashboard.services.cases.reopen import decided_facts
from dashboard.services.claims import Holder, Worker, forget, grant, held_by_other
from dashboard.times import rfc3339

ACTOR = system("wake")
LONGEST = timedelta(days=366)
MAX_NOTE = 4000
WAKE_CHUNK = 200
_STATE = {SetAsideKind.SNOOZE: CaseState.SNOOZED, SetAsideKind.ESCALATE: CaseState.ESCALATED}


class Refusal(StrEnum):
    """Why a case was not set aside, or not brought back."""

    CONFLICT = "conflict"
    CLAIMED = "claimed"
    BAD_DATE = "bad_date"
    NOTE_REQUIRED = "note_required"


@dataclass(frozen=True, slots=True)
class SetAsideRequest:
    """What a reviewer asks for; `until` None: until the facts change. `version` is the case's as they saw it."""

    case_id: int
    version: int
    kind: SetAsideKind
    note: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SetAsideResult:
    """What came of it: nothing is in the way, or what is; `holder` is who claims the case."""

    refusal: Refusal | None = None
    holder: Holder | None = None


def set_aside(session: Session, request: SetAsideRequest, worker: Worker) -> SetAsideResult:
    """Snooze or escalate an open case; `LookupError` when there is no such case."""
    if holder := held_by_other(session, request.case_id, worker.staff_id, worker.wall_now):
        return SetAsideResult(Refusal.CLAIMED, holder)
    case = session.scalars(select(Case).options(joinedload(Case.domain)).where(Case.id == request.case_id)).one()
    if case.version != request.version or case.state != CaseState.OPEN:
        return SetAsideResult(Refusal.CONFLICT)
    if refusal := _unusable(request, worker.now):
        return SetAsideResult(refusal)
    row = _row_of(request, worker)
    session.add(row)
    case.state, case.updated_at, case.wake_at = _STATE[request.kind].value, worker.now, request.until
    case.decided_facts = decided_facts(case, judge(session, case.domain_id, worker.now).assessment, request.kind)
    case.version += 1
    forget(session, case.id, worker.staff_id)
    session.flush()
    _tell(session, row, case, worker)
    return SetAsideResult()


def bring_back(session: Session, case_id: int, version: int, worker: Worker, kind: SetAsideKind) -> SetAsideResult:
    """Open a case again that is set aside as `kind`; `LookupError` when there is no such case.

    Who takes up an escalated case has it from then on, so that it is not decided over their heads.
    """
    if holder := held_by_other(session, case_id, worker.staff_id, worker.wall_now):
        return SetAsideResult(Refusal.CLAIMED, holder)
    case = session.scalars(select(Case).options(joinedload(Case.domain)).where(Case.id == case_id)).one()
    if case.version != version or case.state != _STATE[kind]:
        return SetAsideResult(Refusal.CONFLICT)
    how = "taken_up" if kind is SetAsideKind.ESCALATE else "lifted"
    reopen(case, worker.now)
    end_aside(session, [case.id], how, worker.now, worker.staff_id)
    if kind is SetAsideKind.ESCALATE:
        grant(session, case.id, worker.staff_id, worker.wall_now)
    session.flush()
    record_many(session, [_returned(case, how, worker.actor)], worker.now)
    return SetAsideResult()


def wake(session: Session, now: datetime, limit: int = WAKE_CHUNK) -> int:
    """Open up to `limit` snoozed cases whose date has come, one audit entry each; return how many there were."""
    query = (
        select(Case)
        .options(joinedload(Case.domain))
        .where(Case.wake_at <= now, Case.state == CaseState.SNOOZED)
        .order_by(Case.id)
        .limit(limit)
        .with_for_update(of=Case, skip_locked=True)
    )
    cases = session.scalars(query).all()
    for case in cases:
        reopen(case, now)
    end_aside(session, [case.id for case in cases], "date", now)
    session.flush()
    record_many(session, [_returned(case, "date", ACTOR) for case in cases], now)
    return len(cases)


def reopen(case: Case, now: datetime) -> None:
    """Open a case that was set aside; its opening went on all the while."""
    case.state, case.updated_at, case.wake_at, case.decided_facts = CaseState.OPEN.value, now, None, None
    case.version += 1


def _unusable(request: SetAsideRequest, now: datetime) -> Refusal | None:
    if request.kind is SetAsideKind.ESCALATE:
        return None if request.note.strip() else Refusal.NOTE_REQUIRED
    if request.until is not None and not now < request.until <= now + LONGEST:
        return Refusal.BAD_DATE
    return None


def _row_of(request: SetAsideRequest, worker: Worker) -> SetAside:
    return SetAside(
        case_id=request.case_id,
        kind=request.kind.value,
        staff_id=worker.staff_id,
        at=worker.now,
        until=request.until,
        note=request.note.strip()[:MAX_NOTE],
    )


def _tell(session: Session, row: SetAside, case: Case, worker: Worker) -> None:
    event = Event.CASE_SNOOZED if row.kind == SetAsideKind.SNOOZE else Event.CASE_ESCALATED
    data = {"domain": case.domain.name, "until": rfc3339(row.until), "set_aside_id": row.id}
    record_many(session, [NewEntry(event, worker.actor, "case", str(case.id), data)], worker.now)


def _returned(case: Case, how: str, actor: Actor) -> NewEntry:
    return NewEntry(Event.CASE_RETURNED, actor, "case", str(case.id), {"domain": case.domain.name, "how": how})

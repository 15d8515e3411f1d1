"""Claim a case: a lease by the wall clock, so that nobody need remember to give one back (DESIGN 5).

Whoever wants a case locks its row first, so of two at once the second finds the first one's claim. Renewals are no
events: only who took, gave back or took over a case is in the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session, joinedload

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Case, CaseState, Claim, Staff
from dashboard.times import rfc3339

LEASE = timedelta(minutes=10)
LEAVING = timedelta(seconds=60)
"""What is left of a lease when the page was left: enough for a reload, or for the next page of the same case."""


class Outcome(StrEnum):
    """What came of asking for a case."""

    CLAIMED = "claimed"
    RENEWED = "renewed"
    HELD = "held"
    NOT_OPEN = "not_open"


@dataclass(frozen=True, slots=True)
class Worker:
    """Who asks, and when by both clocks: `now` for the case, `wall_now` for the lease and what is told of it."""

    actor: Actor
    staff_id: int
    now: datetime
    wall_now: datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works on a case; `by` is their sign-in name, for the screen only."""

    staff_id: int
    by: str
    claimed_at: datetime
    expires_at: datetime


def claim(session: Session, case_id: int, worker: Worker, *, take_over: bool = False) -> Outcome:
    """Claim an open case, or renew one's own claim; `LookupError` when there is no such case.

    `HELD` when somebody else has it, unless it is taken over, which names them in the audit log.
    """
    case = _locked(session, case_id)
    if case.state != CaseState.OPEN:
        return Outcome.NOT_OPEN
    found = session.get(Claim, case_id)
    live = found is not None and found.expires_at > worker.wall_now
    if found is not None and live and found.staff_id == worker.staff_id:
        found.expires_at = worker.wall_now + LEASE
        return Outcome.RENEWED
    if live and not take_over:
        return Outcome.HELD
    before = found.staff_id if found is not None and live else None
    until = grant(session, case_id, worker.staff_id, worker.wall_now)
    if before is None:
        _tell(session, Event.CASE_CLAIMED, case_id, worker, {"until": rfc3339(until)})
    else:
        _tell(session, Event.CASE_TAKEN_OVER, case_id, worker, {"until": rfc3339(until), "from_staff": before})
    return Outcome.CLAIMED


def grant(session: Session, case_id: int, staff_id: int, wall_now: datetime) -> datetime:
    """Write down that somebody has a case, whoever had it, and return until when; its row must be locked."""
    row = session.get(Claim, case_id) or Claim(case_id=case_id)
    row.staff_id, row.claimed_at, row.expires_at = staff_id, wall_now, wall_now + LEASE
    session.add(row)
    session.flush()
    return row.expires_at


def renew(session: Session, case_id: int, staff_id: int, wall_now: datetime, *, lease: timedelta = LEASE) -> bool:
    """Make one's own live claim last for `lease` from now; False when it is gone."""
    own = Claim.case_id == case_id, Claim.staff_id == staff_id, Claim.expires_at > wall_now
    found = session.execute(update(Claim).where(*own).values(expires_at=wall_now + lease).returning(Claim.case_id))
    return found.first() is not None


def release(session: Session, case_id: int, worker: Worker) -> bool:
    """Give a claim back; False when it was gone already."""
    _locked(session, case_id)
    if not forget(session, case_id, worker.staff_id):
        return False
    _tell(session, Event.CASE_RELEASED, case_id, worker, {})
    return True


def forget(session: Session, case_id: int, staff_id: int) -> bool:
    """Drop one's own claim without a word, for what ends it anyway (a decision tells of itself)."""
    own = Claim.case_id == case_id, Claim.staff_id == staff_id
    return session.execute(delete(Claim).where(*own).returning(Claim.case_id)).first() is not None


def held_by_other(session: Session, case_id: int, staff_id: int, wall_now: datetime) -> Holder | None:
    """Lock a case and return who else works on it: nobody but they may decide or set it aside."""
    _locked(session, case_id)
    holder = holders(session, [case_id], wall_now).get(case_id)
    return None if holder is None or holder.staff_id == staff_id else holder


def holders(session: Session, case_ids: list[int], wall_now: datetime) -> dict[int, Holder]:
    """Return who works on which of the cases at `wall_now`."""
    query = select(Claim).options(joinedload(Claim.staff)).where(Claim.case_id.in_(case_ids))
    rows = session.scalars(query.where(Claim.expires_at > wall_now))
    return {row.case_id: Holder(row.staff_id, row.staff.email, row.claimed_at, row.expires_at) for row in rows}


def case_and_holder(session: Session, case_id: int, wall_now: datetime) -> tuple[Case, Holder | None] | None:
    """Return a case, with its domain and the allow-list entry that closed it, and who works on it at `wall_now`."""
    row = session.execute(
        select(Case, Staff.email, Claim.staff_id, Claim.claimed_at, Claim.expires_at)
        .outerjoin(Claim, and_(Claim.case_id == Case.id, Claim.expires_at > wall_now))
        .outerjoin(Staff, Staff.id == Claim.staff_id)
        .options(joinedload(Case.domain), joinedload(Case.allow_entry))
        .where(Case.id == case_id)
    ).one_or_none()
    if row is None:
        return None
    return row.Case, None if row.staff_id is None else Holder(row.staff_id, row.email, row.claimed_at, row.expires_at)


def _locked(session: Session, case_id: int) -> Case:
    case = session.scalar(select(Case).where(Case.id == case_id).with_for_update())
    if case is None:
        raise LookupError(f"no case {case_id}")
    return case


def _tell(session: Session, event: Event, case_id: int, worker: Worker, data: dict[str, str | int | None]) -> None:
    at = worker.wall_now
    record(session, event, actor=worker.actor, object_type="case", object_id=str(case_id), data=data, now=at)

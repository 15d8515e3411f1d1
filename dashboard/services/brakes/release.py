"""An admin's word on a brake: release what it holds, or discard it as the fault it was taken for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.lifecycle.brakes import Scope
from dashboard.models import PENDING, Brake, Case, CaseOpening, CaseState, Domain, LapseCount
from dashboard.services.brakes.counts import window_start, within
from dashboard.services.cases.aside import end_aside
from dashboard.services.checking.request import make_due


class How(StrEnum):
    """What an admin does with a brake."""

    RELEASED = "released"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Released:
    """What came of it: how many cases were let go or closed; `done` is False when the brake was not on any more."""

    done: bool
    cases: int = 0


def release_brake(session: Session, brake_id: int, how: How, actor: Actor, staff_id: int, now: datetime) -> Released:
    """Take a brake off. `LookupError` when there is none of this id.

    Released: the world did it; its cases may be decided and its lapses become part of the baseline. Discarded: a
    provider did it; its cases are closed, its lapses forgotten, and their domains checked again at once.
    """
    brake = session.scalar(select(Brake).where(Brake.id == brake_id).with_for_update())
    if brake is None:
        raise LookupError(f"no brake {brake_id}")
    if brake.released_at is not None:
        return Released(done=False)
    held = _held(session, brake_id)
    entries = [] if how is How.RELEASED else _discard(session, held, actor, now)
    session.execute(update(Case).where(Case.brake_id == brake_id).values(brake_id=None))
    _settle_counts(session, brake, how, now)
    brake.released_at, brake.released_by, brake.released_how = now, staff_id, how.value
    data = {"scope": brake.scope, "provider": brake.provider, "tld": brake.tld, "how": how.value, "cases": len(held)}
    entries.append(NewEntry(Event.BRAKE_RELEASED, actor, "brake", str(brake_id), data))
    session.flush()
    record_many(session, entries, now)
    return Released(done=True, cases=len(held))


def _held(session: Session, brake_id: int) -> list[Row[int, int, str]]:
    query = (
        select(Case.id, Case.domain_id, Domain.name)
        .join(Domain, Domain.id == Case.domain_id)
        .where(Case.brake_id == brake_id, Case.state.in_(PENDING))
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    return list(session.execute(query).all())


def _discard(session: Session, held: list[Row[int, int, str]], actor: Actor, now: datetime) -> list[NewEntry]:
    """Close the held cases and have their domains checked at once; what has truly lapsed will be flagged again."""
    ids = [row.id for row in held]
    state = CaseState.CLOSED_DISCARDED.value
    session.execute(
        update(Case)
        .where(Case.id.in_(ids))
        .values(state=state, updated_at=now, version=Case.version + 1, wake_at=None)
    )
    end_aside(session, ids, "closed", now)
    still_open = CaseOpening.case_id.in_(ids), CaseOpening.closed_at.is_(None)
    session.execute(update(CaseOpening).where(*still_open).values(closed_at=now, closed_how=state))
    make_due(session, [row.domain_id for row in held], now)
    return [
        NewEntry(Event.CASE_CLOSED, actor, "case", str(row.id), {"domain": row.name, "how": state}) for row in held
    ]


def _settle_counts(session: Session, brake: Brake, how: How, now: datetime) -> None:
    """Begin the window anew: what was stopped is accepted into the baseline, or forgotten."""
    began = LapseCount.hour > window_start(brake.opened_at), LapseCount.hour <= now
    column = LapseCount.accepted if how is How.RELEASED else LapseCount.discarded
    session.execute(
        update(LapseCount)
        .where(*within(Scope(brake.provider, brake.tld)), *began)
        .values({column: column + LapseCount.lapsed, LapseCount.lapsed: 0})
    )

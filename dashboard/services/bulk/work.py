"""The work on a bulk action, under a lease, a chunk a transaction: so it may die anywhere and be taken up again.

A chunk holds the action's row from its first statement to its commit. Whoever finds the lease gone (paused,
cancelled, taken over after a silence) stops. Items leave `pending` in the transaction of their effects, so that none
is done twice and none is lost, however often jobs die or run at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import BulkAction, BulkItem, BulkKind, BulkState, ItemState, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.bulk.apply import Chunk, apply_items, next_items
from dashboard.services.bulk.control import STAGE, halt, progress
from dashboard.services.bulk.judging import Moment, Why, judge_items, policy_of, unjudged
from dashboard.services.bulk.limits import REFUSED, Progress, stage_end, too_many_refused, why_abort
from dashboard.services.bulk.outcome import locked, moved
from dashboard.services.bulk.preview import seal
from dashboard.services.bulk.take_back import judge_reverts, take_back_items
from dashboard.services.sql import trust_ids

ACTOR = system("bulk")
ASKED = 10
"""How many times in its course an action asks what sources answered: that counts all it has done."""
_TELLS = {BulkKind.APPROVE: "unverify", BulkKind.REVERT: "revert"}
"""What sources are asked for by an action of each kind; keeping verified asks for nothing."""
WORKING = (BulkState.PREPARING.value, BulkState.RUNNING.value)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a chunk takes on: items, and addresses about which it ends."""

    items: int = 200
    addresses: int = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk came to; `ended`: there is nothing left to do for this job."""

    ended: bool
    items: int = 0
    addresses: int = 0


def due(session: Session, wall_now: datetime) -> Sequence[tuple[int, int]]:
    """Return `(id, round)` of the actions that nobody works on although they should be."""
    free = or_(BulkAction.leased_until.is_(None), BulkAction.leased_until <= wall_now)
    query = select(BulkAction.id, BulkAction.round).where(BulkAction.state.in_(WORKING), free)
    return [(row.id, row.round) for row in session.execute(query.order_by(BulkAction.id))]


def claim(session: Session, bulk_id: int, lease: str, wall_now: datetime, lasts: timedelta) -> bool:
    """Take the action up under `lease`; False when somebody else works on it, or nobody has to."""
    free = or_(BulkAction.leased_until.is_(None), BulkAction.leased_until <= wall_now)
    done = session.execute(
        update(BulkAction)
        .where(BulkAction.id == bulk_id, BulkAction.state.in_(WORKING), free)
        .values(lease=lease, leased_until=wall_now + lasts, round=BulkAction.round + 1)
        .returning(BulkAction.id)
        .execution_options(synchronize_session=False)
    )
    return done.first() is not None


def release(session: Session, bulk_id: int, lease: str) -> int | None:
    """Give the lease back for the next job; returns the round it belongs to, None when the lease was gone."""
    done = session.execute(
        update(BulkAction)
        .where(BulkAction.id == bulk_id, BulkAction.lease == lease)
        .values(lease=None, leased_until=None)
        .returning(BulkAction.round)
        .execution_options(synchronize_session=False)
    )
    return done.scalar()


def step(
    session: Session, bulk_id: int, lease: str, moment: Moment, lasts: timedelta, pace: Pace, *, busy_ms: int = 0
) -> Step:
    """Do the next chunk, and note that it was `busy_ms` since the last; renews the lease."""
    trust_ids(session)
    bulk = locked(session, bulk_id)
    if bulk.lease != lease or bulk.state not in WORKING:
        return Step(ended=True)
    bulk.leased_until = moment.wall_now + lasts
    if bulk.state == BulkState.PREPARING:
        return _judge(session, bulk, moment, pace)
    bulk.busy_ms += busy_ms
    items = next_items(session, bulk, _left_of_stage(bulk, pace.items), pace.addresses)
    if not items:
        return _complete(session, bulk, moment.now)
    work = take_back_items if bulk.kind == BulkKind.REVERT else apply_items
    chunk = work(session, bulk, items, moment)
    _note(bulk, chunk)
    return Step(
        _stop(session, bulk, len(items), moment.now), len(items), chunk.done_addresses + chunk.skipped_addresses
    )


def fail_next(session: Session, bulk_id: int, lease: str, now: datetime) -> bool:
    """Set aside the next item, on which a fault of ours fell; False when the action is not ours any more."""
    bulk = locked(session, bulk_id)
    if bulk.lease != lease or bulk.state not in WORKING:
        return False
    state = ItemState.FAILED.value
    if bulk.state == BulkState.PREPARING:
        ids = [row.id for row in unjudged(session, bulk_id, 1)]
        values = {"judged": True, "state": ItemState.EXCLUDED.value, "why": Why.FAULT.value}
        session.execute(update(BulkItem).where(BulkItem.id.in_(ids)).values(values))
        return True
    for item in next_items(session, bulk, 1, 1):
        session.execute(update(BulkItem).where(BulkItem.id == item.id).values(state=state, why=Why.FAULT.value))
        bulk.failed_items += 1
        bulk.skipped_addresses += item.addresses
    return not _stop(session, bulk, 1, now)


def _judge(session: Session, bulk: BulkAction, moment: Moment, pace: Pace) -> Step:
    """Weigh the next items of the list; after the last, seal the preview."""
    items = unjudged(session, bulk.id, pace.items)
    if not items:
        seal(session, bulk, moment.wall_now)
        return Step(ended=True)
    if bulk.kind == BulkKind.REVERT:
        judge_reverts(session, bulk, items)
    else:
        judge_items(session, bulk, items, moment)
    return Step(ended=False, items=len(items))


def _left_of_stage(bulk: BulkAction, limit: int) -> int:
    """Return how many items may be taken on before the stage ends."""
    if not bulk.is_staged:
        return limit
    return min(limit, stage_end(bulk.items, bulk.stage) - _handled(bulk))


def _handled(bulk: BulkAction) -> int:
    return bulk.done_items + bulk.skipped_items + bulk.failed_items


def _note(bulk: BulkAction, chunk: Chunk) -> None:
    bulk.done_items += chunk.done_items
    bulk.done_addresses += chunk.done_addresses
    bulk.skipped_items += chunk.skipped_items
    bulk.skipped_addresses += chunk.skipped_addresses


def _stop(session: Session, bulk: BulkAction, handled: int, now: datetime) -> bool:
    """Stop where a limit is reached or a stage ends, after so many items; True when this job is done with it."""
    so_far = Progress(
        bulk.addresses, bulk.skipped_addresses, bulk.items, bulk.skipped_items + bulk.failed_items, bulk.failed_items
    )
    why = why_abort(so_far, policy_of(bulk).abort_share)
    if why is None and _handled(bulk) * ASKED // bulk.items != (_handled(bulk) - handled) * ASKED // bulk.items:
        why = _refused(session, bulk)
    if why is not None:
        bulk.finished_at = now
        _tell(session, bulk, Event.BULK_ABORTED, now, why)
        halt(bulk, BulkState.ABORTED, why)
        return True
    if _handled(bulk) >= bulk.items:
        return _complete(session, bulk, now).ended
    if bulk.is_staged and _handled(bulk) >= stage_end(bulk.items, bulk.stage):
        _tell(session, bulk, Event.BULK_PAUSED, now, STAGE)
        halt(bulk, BulkState.PAUSED, STAGE)
        return True
    return False


def _refused(session: Session, bulk: BulkAction) -> str | None:
    """Whether sources refuse what this action tells them; asked only while there is something left to stop.

    What un-verifies and what takes back belong to the same decisions: an action counts what it asked for itself.
    """
    kind = _TELLS.get(BulkKind(bulk.kind))
    if kind is None:
        return None
    mine = BulkItem.bulk_id == bulk.id, BulkItem.state == ItemState.DONE.value
    query = (
        select(Unverification.state, func.count())
        .join(BulkItem, BulkItem.decision_id == Unverification.decision_id)
        .where(*mine, Unverification.kind == kind, Unverification.settled_at.is_not(None))
        .group_by(Unverification.state)
    )
    counts = {row[0]: row[1] for row in session.execute(query)}
    return REFUSED if too_many_refused(counts.get(State.REJECTED, 0), sum(counts.values())) else None


def _complete(session: Session, bulk: BulkAction, now: datetime) -> Step:
    bulk.finished_at, bulk.lease, bulk.leased_until = now, None, None
    _tell(session, bulk, Event.BULK_COMPLETED, now, None)
    moved(bulk, BulkState.COMPLETED)
    return Step(ended=True)


def _tell(session: Session, bulk: BulkAction, event: Event, now: datetime, why: str | None) -> None:
    record(
        session,
        event,
        actor=ACTOR,
        object_type="bulk",
        object_id=str(bulk.id),
        data=progress(bulk) if why is None else {"why": why} | progress(bulk),
        now=now,
    )

"""What comes of a step in a bulk action's life, and the row it is taken on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import BulkAction, BulkState


class Refusal(StrEnum):
    """Why a step was not taken. `CONFLICT`: somebody was faster, or the preview is not the one that was shown."""

    CONFLICT = "conflict"
    EXPIRED = "expired"
    NOTHING_TO_DO = "nothing_to_do"
    COUNT_MISMATCH = "count_mismatch"
    UNKNOWN_REASON = "unknown_reason"
    NOTE_REQUIRED = "note_required"
    OWN_ACTION = "own_action"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A refusal, or None when the step was taken, after which the action is in `state`."""

    state: BulkState
    refusal: Refusal | None = None


def locked(session: Session, bulk_id: int) -> BulkAction:
    """Lock a bulk action and return it as it is now; `LookupError` when there is no such one."""
    query = select(BulkAction).where(BulkAction.id == bulk_id).with_for_update()
    bulk = session.scalar(query.execution_options(populate_existing=True))
    if bulk is None:
        raise LookupError(f"no bulk action {bulk_id}")
    return bulk


def objection(bulk: BulkAction, version: int, states: Collection[BulkState], wall_now: datetime) -> Refusal | None:
    """Why a step that a person saw as `version` cannot be taken: it is not in one of `states`, or it has expired."""
    if bulk.version != version or bulk.state not in set(states):
        return Refusal.CONFLICT
    waiting = bulk.state in {BulkState.PREVIEWED, BulkState.AWAITING_SECOND}
    return Refusal.EXPIRED if waiting and bulk.expires_at <= wall_now else None


def refused(bulk: BulkAction, refusal: Refusal) -> Outcome:
    """Return a refusal."""
    return Outcome(BulkState(bulk.state), refusal)


def moved(bulk: BulkAction, state: BulkState) -> Outcome:
    """Put the action into `state` and return that."""
    bulk.state = state.value
    bulk.version += 1
    return Outcome(state)

"""Freeze the list of a bulk action: which cases, in which versions, under which policy, by whom, until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.lifecycle.policy import to_values
from dashboard.models import BulkAction, BulkItem, BulkKind, BulkState, Case, Decision, ItemState
from dashboard.services.policy import current

EXPIRY = timedelta(minutes=30)
"""How long a preview may be confirmed (wall clock): after that the world has moved on."""
CHUNK = 5000


class Scope(StrEnum):
    """Where the list came from: rows that were ticked, all rows of a filter, one decision, an action taken back."""

    TICKED = "ticked"
    FILTER = "filter"
    SINGLE = "single"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for: `cases` are `(id, version)` as they were shown, no case twice.

    `filters` and `shown_count` say what the queue showed; `reverts_id` which bulk action is taken back.
    """

    kind: BulkKind
    scope: Scope
    cases: Sequence[tuple[int, int]] = ()
    filters: Mapping[str, str] | None = None
    shown_count: int | None = None
    reverts_id: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who does it."""

    actor: Actor
    staff_id: int


def prepare(session: Session, wanted: Wanted, author: Person, now: datetime, wall_now: datetime) -> int:
    """Freeze the list and return the bulk action's id; its cases are weighed afterwards (`judging`)."""
    bulk = _start(session, wanted, author, now, wall_now)
    _add_items(session, bulk.id, [{"case_id": ident, "case_version": version} for ident, version in wanted.cases])
    bulk.counts = {"listed": len(wanted.cases)}
    if wanted.scope is not Scope.SINGLE:  # its confirmation follows at once, and tells of it
        tell_prepared(session, bulk, author, now)
    return bulk.id


def prepare_revert(
    session: Session, decision_ids: Sequence[int], wanted: Wanted, author: Person, now: datetime, wall_now: datetime
) -> int:
    """The same for taking decisions back: the list is their cases, as they are now."""
    bulk = _start(session, wanted, author, now, wall_now)
    rows: list[dict[str, Any]] = []
    for start in range(0, len(decision_ids), CHUNK):
        query = (
            select(Decision.id, Case.id, Case.version)
            .join(Case, Case.id == Decision.case_id)
            .where(Decision.id.in_(decision_ids[start : start + CHUNK]))
            .order_by(Decision.id)
        )
        rows += [
            {"decision_id": decision, "case_id": case, "case_version": version}
            for decision, case, version in session.execute(query)
        ]
    _add_items(session, bulk.id, rows)
    bulk.counts = {"listed": len(rows)}
    tell_prepared(session, bulk, author, now)
    return bulk.id


def decisions_of(session: Session, bulk_id: int) -> Sequence[int]:
    """Return the decisions that a bulk action made and that were not taken back, by id."""
    query = select(Decision.id).where(Decision.bulk_id == bulk_id, Decision.reverted_at.is_(None))
    return session.scalars(query.order_by(Decision.id)).all()


def _start(session: Session, wanted: Wanted, author: Person, now: datetime, wall_now: datetime) -> BulkAction:
    policy = current(session)
    bulk = BulkAction(
        kind=wanted.kind.value,
        state=BulkState.PREPARING.value,
        scope=wanted.scope.value,
        filters=dict(wanted.filters) if wanted.filters is not None else None,
        shown_count=wanted.shown_count,
        author_id=author.staff_id,
        reverts_id=wanted.reverts_id,
        policy={"version": policy.version} | to_values(policy),
        counts={},
        created_at=now,
        expires_at=wall_now + EXPIRY,
    )
    session.add(bulk)
    session.flush()
    return bulk


def _add_items(session: Session, bulk_id: int, rows: Sequence[dict[str, Any]]) -> None:
    values = [{"bulk_id": bulk_id, "state": ItemState.PENDING.value, "decision_id": None} | row for row in rows]
    for start in range(0, len(values), CHUNK):
        session.execute(insert(BulkItem), values[start : start + CHUNK])


def tell_prepared(session: Session, bulk: BulkAction, author: Person, now: datetime) -> None:
    """Write the audit entry of a list that was frozen."""
    data = {
        "kind": bulk.kind,
        "scope": bulk.scope,
        "items": bulk.counts["listed"],
        "shown_count": bulk.shown_count,
        "policy_version": bulk.policy["version"],
        "reverts_id": bulk.reverts_id,
    }
    record(
        session,
        Event.BULK_PREPARED,
        actor=author.actor,
        object_type="bulk",
        object_id=str(bulk.id),
        data=data,
        now=now,
    )

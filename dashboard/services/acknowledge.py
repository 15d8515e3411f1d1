"""What sources did with their un-verifications and notices: recorded item by item, once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.database import UtcDateTime
from dashboard.models import Address, Source, Unverification
from dashboard.models import UnverificationState as State
from dashboard.services.notices import published_notices, settle_notices
from dashboard.services.revert import queue_reverts, settle_reverts

RESULTS = (State.APPLIED, State.ALREADY, State.STALE, State.REJECTED)
SETTLED = {state.value for state in RESULTS}
_SAID = {State.REVERT_QUEUED.value: State.APPLIED.value, State.REVERTED.value: State.APPLIED.value}
"""What a source had said of an un-verification that was taken back since."""
MAX_REASON = 500


class AckStatus(StrEnum):
    """What became of one acknowledged item."""

    RECORDED = "recorded"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ack:
    """A source's word on one item."""

    public_id: str
    result: State
    reason: str | None = None


def acknowledge(
    session: Session, source_id: int, slug: str, acks: Sequence[Ack], actor: Actor, now: datetime
) -> list[tuple[str, AckStatus]]:
    """Record what the source did with each item; the same word twice changes nothing, another one is a conflict.

    Items of other sources, and those never published, are `unknown`. One audit entry for the request.
    """
    known = _published(session, source_id, [ack.public_id for ack in acks])
    others = [ack.public_id for ack in acks if ack.public_id not in known]
    notices = published_notices(session, source_id, others) if others else {}
    known |= notices
    statuses: list[tuple[str, AckStatus]] = []
    recorded: dict[str, Ack] = {}
    for ack in acks:
        row = known.get(ack.public_id)
        state = recorded[ack.public_id].result.value if ack.public_id in recorded else row and row.state
        status = _status(state, ack)
        if status is AckStatus.RECORDED:
            recorded[ack.public_id] = ack
        statuses.append((ack.public_id, status))
    if recorded:
        items = [(known[public_id], ack) for public_id, ack in recorded.items()]
        _settle(session, source_id, [item for item in items if item[1].public_id not in notices], now)
        settle_notices(session, [_result(*item, now) for item in items if item[1].public_id in notices])
        _audit_acks(session, slug, list(recorded.values()), actor, now)
    return statuses


def _published(session: Session, source_id: int, public_ids: Sequence[str]) -> dict[str, Row[Any]]:
    rows = session.execute(
        select(
            Unverification.id,
            Unverification.public_id,
            Unverification.state,
            Unverification.judged,
            Unverification.effect,
            Unverification.kind,
            Unverification.address_id,
            Unverification.decision_id,
            Unverification.source_id,
            Unverification.reason,
            Unverification.reverts_id,
            Unverification.revert_asked_at,
            Address.verified,
            Address.verified_at,
            Address.state_token,
        )
        .join(Address, Address.id == Unverification.address_id)
        .where(
            Unverification.source_id == source_id,
            Unverification.public_id.in_(public_ids),
            Unverification.seq.is_not(None),
            Unverification.state != State.WITHDRAWN.value,  # it was never served
        )
        .order_by(Unverification.id)
        .with_for_update(of=Unverification)
    )
    return {row.public_id: row for row in rows}


def _status(state: str | None, ack: Ack) -> AckStatus:
    if state is None:
        return AckStatus.UNKNOWN
    state = _SAID.get(state, state)
    if state not in SETTLED:
        return AckStatus.RECORDED
    return AckStatus.UNCHANGED if state == ack.result.value else AckStatus.CONFLICT


def _settle(session: Session, source_id: int, items: Sequence[tuple[Row[Any], Ack]], now: datetime) -> None:
    """Write the results; an address that its source un-verified is no longer verified here either."""
    if items:
        session.execute(update(Unverification), [_result(row, ack, now) for row, ack in items])
    done = [row for row, ack in items if ack.result in {State.APPLIED, State.ALREADY} and row.effect == "unverify"]
    for kind, verified in (("unverify", False), ("revert", True)):
        changed = [{"address": row.address_id, **_state(row.judged)} for row in done if row.kind == kind]
        if changed:
            _set_verified(session, source_id, changed, verified=verified)
    settle_reverts(session, {row.reverts_id: ack.result for row, ack in items if row.kind == "revert"})
    asked = [row.id for row, ack in items if row.revert_asked_at is not None and ack.result is State.APPLIED]
    queue_reverts(session, asked, now)


def _result(row: Row[Any], ack: Ack, now: datetime) -> dict[str, Any]:
    why = (ack.reason or "")[:MAX_REASON] or None
    return {"id": row.id, "state": ack.result.value, "settled_at": now, "settled_why": why}


def _set_verified(session: Session, source_id: int, done: Sequence[dict[str, Any]], *, verified: bool) -> None:
    """Change the addresses' verification, except where an import brought a newer state: that one stands."""
    # an import alters addresses under this lock, in an order of its own: without it each may wait for the other
    session.execute(select(Source.id).where(Source.id == source_id).with_for_update(key_share=True))
    session.connection().execute(
        update(Address)
        .where(
            Address.id == bindparam("address"),
            Address.state_token.is_not_distinct_from(bindparam("token")),
            Address.verified_at.is_not_distinct_from(bindparam("since", type_=UtcDateTime())),
        )
        .values(verified=verified),
        done,
    )


def _state(judged: Mapping[str, Any]) -> dict[str, Any]:
    since = judged["verified_at"]
    return {"token": judged["state_token"], "since": datetime.fromisoformat(since) if since else None}


def _audit_acks(session: Session, slug: str, acks: Sequence[Ack], actor: Actor, now: datetime) -> None:
    ids: dict[str, list[str]] = defaultdict(list)
    for ack in acks:
        ids[ack.result.value].append(ack.public_id)
    record(
        session,
        Event.UNVERIFICATION_ACKNOWLEDGED,
        actor=actor,
        object_type="source",
        object_id=slug,
        data={"counts": {result: len(found) for result, found in ids.items()}, "ids": dict(ids)},
        now=now,
    )

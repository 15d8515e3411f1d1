"""What sources were told after a decision or a report, address by address, and what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, literal, null, or_, select, union_all
from sqlalchemy.orm import Session

from dashboard.lifecycle.hosts import mask
from dashboard.models import Account, Address, Decision, Notice, Source, TakeoverReport, Unverification

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing a source was told; the address is masked."""

    public_id: str
    username: str
    source: str
    masked: str
    state: str
    sent_at: datetime | None
    settled_at: datetime | None
    settled_why: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the sources were told after one decision or report.

    `states` counts it by state, `shown` are the first `MAX_SHOWN`. `effect`: what was asked of them, None where
    nothing was.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    shown: Sequence[Delivery] = ()
    effect: str | None = None


NOTHING = Told()


@dataclass(frozen=True, slots=True)
class CaseDeliveries:
    """What was told about one case, by the ids of its decisions, and of its reports of takeovers."""

    decisions: Mapping[int, Told]
    reports: Mapping[int, Told]


def case_deliveries(session: Session, case_id: int) -> CaseDeliveries:
    """Return what was told about a case, in one statement."""
    found: dict[tuple[str, int], list[Row[Any]]] = defaultdict(list)
    for row in session.execute(_deliveries(case_id)):
        found[row.after, row.parent_id].append(row)
    told = {key: _told(rows) for key, rows in found.items()}
    decisions = {ident: each for (after, ident), each in told.items() if after == "decision"}
    return CaseDeliveries(decisions, {ident: each for (after, ident), each in told.items() if after == "report"})


def decision_states(session: Session, decision_id: int) -> dict[str, int]:
    """Count the un-verifications of one decision by state."""
    query = select(Unverification.state, func.count()).where(Unverification.decision_id == decision_id)
    return {
        row[0]: row[1] for row in session.execute(query.group_by(Unverification.state).order_by(Unverification.state))
    }


def _told(rows: Iterable[Row[Any]]) -> Told:
    """Part what is shown from what is only counted; all un-verifications of a decision ask the same."""
    ordered = sorted(rows, key=lambda row: row.id)
    return Told(
        states=dict(sorted((row.state, row.alike) for row in ordered)),
        shown=[_delivery(row) for row in ordered if row.place <= MAX_SHOWN],
        effect=next((row.effect for row in ordered if row.effect is not None), None),
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        public_id=row.public_id,
        username=row.username,
        source=row.source,
        masked=mask(row.local_part, row.host),
        state=row.state,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
        settled_why=row.settled_why,
    )


def _deliveries(case_id: int) -> Select[*tuple[Any, ...]]:
    """Select the first of each parent, and the first in each state, with how many there are in that."""
    item = union_all(_effects(case_id), _notices(case_id)).subquery()
    parent = item.c.after, item.c.parent_id
    state = *parent, item.c.state
    placed = select(
        item,
        func.row_number().over(partition_by=parent, order_by=item.c.id).label("place"),
        func.row_number().over(partition_by=state, order_by=item.c.id).label("first"),
        func.count().over(partition_by=state).label("alike"),
    ).subquery()
    return (
        select(placed, Account.username, Source.name.label("source"), Address.local_part, Address.host)
        .join(Address, Address.id == placed.c.address_id)
        .join(Account, Account.id == Address.account_id)
        .join(Source, Source.id == placed.c.source_id)
        .where(or_(placed.c.place <= MAX_SHOWN, placed.c.first == 1))
    )


def _effects(case_id: int) -> Select[*tuple[Any, ...]]:
    row = Unverification
    query = _columns(row, "decision", row.decision_id, row.effect)
    return query.join(Decision, Decision.id == row.decision_id).where(Decision.case_id == case_id)


def _notices(case_id: int) -> Select[*tuple[Any, ...]]:
    """A notice has no effect: nothing is to be changed."""
    query = _columns(Notice, "report", Notice.report_id, null())
    return query.join(TakeoverReport, TakeoverReport.id == Notice.report_id).where(TakeoverReport.case_id == case_id)


def _columns(row: type[Unverification | Notice], after: str, parent: Any, effect: Any) -> Select[*tuple[Any, ...]]:
    return select(
        literal(after).label("after"),
        parent.label("parent_id"),
        effect.label("effect"),
        row.id,
        row.public_id,
        row.address_id,
        row.source_id,
        row.state,
        row.sent_at,
        row.settled_at,
        row.settled_why,
    )

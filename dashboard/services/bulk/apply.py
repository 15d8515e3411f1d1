"""Decide the next cases of a bulk action: every one checked again at its turn, all of them in a dozen statements.

What the preview froze moves into the decisions as it is: the person decided on that, and the case's version says that
nothing they judged by has changed since. An address that is no longer in the state that was judged is left out.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry, record_many
from dashboard.models import (
    Address,
    BulkAction,
    BulkAddress,
    BulkItem,
    BulkKind,
    Case,
    CaseOpening,
    CaseState,
    Decision,
    Domain,
    ItemState,
    Unverification,
    UnverificationState,
)
from dashboard.services.allow_list.ask import NOTHING, Coverage, coverage
from dashboard.services.bulk.judging import AnyRow, Moment, Why, objections
from dashboard.services.judged import judged_state

_ITEM = (
    BulkItem.id,
    BulkItem.case_id,
    BulkItem.case_version,
    BulkItem.addresses,
    BulkItem.evidence_sha256,
    BulkItem.decision_id,
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one chunk did: items and addresses done, and left out at their turn."""

    done_items: int = 0
    done_addresses: int = 0
    skipped_items: int = 0
    skipped_addresses: int = 0


def next_items(session: Session, bulk: BulkAction, limit: int, addresses: int) -> list[AnyRow]:
    """Return the next pending items in the order of work: up to `limit`, about `addresses`, at least one."""
    place = BulkItem.position.desc() if bulk.is_staged else BulkItem.position
    query = (
        select(*_ITEM)
        .where(BulkItem.bulk_id == bulk.id, BulkItem.state == ItemState.PENDING.value)
        .order_by(place)
        .limit(limit)
    )
    found: list[AnyRow] = []
    for row in session.execute(query):
        addresses -= row.addresses
        if found and addresses < 0:
            break
        found.append(row)
    return found


def apply_items(session: Session, bulk: BulkAction, items: Sequence[AnyRow], moment: Moment) -> Chunk:
    """Decide these cases in the author's name, with un-verifications, outbox rows and audit entries. Set-based."""
    cases = _locked_cases(session, [item.case_id for item in items])
    skipped = objections(session, bulk, items, cases, moment)
    addresses: dict[int, list[AnyRow]] = {}
    if bulk.kind == BulkKind.APPROVE:
        covers = coverage(session, {case.domain_id for case in cases.values()}, moment.now)
        addresses = _unchanged(session, [item for item in items if item.id not in skipped], cases, covers)
        for item in items:
            if item.id not in skipped and not addresses.get(item.id):
                kept = covers.get(cases[item.case_id].domain_id, NOTHING)
                skipped[item.id] = Why.ALLOW_LISTED if kept.whole or kept.addresses else Why.NO_ADDRESSES
    good = [item for item in items if item.id not in skipped]
    _decide(session, bulk, good, addresses, cases, moment.now)
    if skipped:
        state = ItemState.SKIPPED.value
        session.execute(update(BulkItem), [{"id": i, "state": state, "why": str(why)} for i, why in skipped.items()])
    done = sum(len(addresses[item.id]) for item in good) if addresses else 0
    meant = sum(item.addresses for item in items) if bulk.kind == BulkKind.APPROVE else 0
    return Chunk(len(good), done, len(skipped), meant - done)


def _locked_cases(session: Session, case_ids: Iterable[int]) -> dict[int, AnyRow]:
    query = (
        select(Case.id, Case.domain_id, Case.state, Case.version, Case.brake_id, Domain.name)
        .join(Domain, Domain.id == Case.domain_id)
        .where(Case.id.in_(case_ids))
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    return {row.id: row for row in session.execute(query)}


def _unchanged(
    session: Session,
    items: Sequence[AnyRow],
    cases: Mapping[int, AnyRow],
    covers: Mapping[int, Coverage],
) -> dict[int, list[AnyRow]]:
    """Return, by item, the chosen addresses that are still as they were judged and that no allow-list entry keeps."""
    domains = {item.id: cases[item.case_id].domain_id for item in items}
    query = (
        select(
            BulkAddress.item_id,
            Address.id,
            Address.source_id,
            Address.domain_id,
            Address.verified,
            Address.verified_at,
            Address.state_token,
        )
        .join(Address, Address.id == BulkAddress.address_id)
        .where(
            BulkAddress.item_id.in_(domains),
            BulkAddress.is_chosen,
            Address.verified,
            Address.verified_at.is_not_distinct_from(BulkAddress.verified_at),
            Address.state_token.is_not_distinct_from(BulkAddress.state_token),
        )
        .order_by(BulkAddress.address_id)
    )
    found: dict[int, list[AnyRow]] = defaultdict(list)
    for row in session.execute(query):
        domain_id = domains[row.item_id]
        if row.domain_id == domain_id and covers.get(domain_id, NOTHING).over(row.id) is None:
            found[row.item_id].append(row)
    return found


def _decide(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    addresses: Mapping[int, Sequence[AnyRow]],
    cases: Mapping[int, AnyRow],
    now: datetime,
) -> None:
    """Write decisions, cases, openings, un-verifications, items and audit entries of what passed its check."""
    if not items:
        return
    decisions = _write_decisions(session, bulk, [item.id for item in items], now)
    _close_cases(session, bulk, [item.case_id for item in items], now)
    made = [(decisions[item.case_id], row) for item in items for row in addresses.get(item.id, ())]
    _queue(session, bulk, made, now)
    session.execute(
        update(BulkItem),
        [
            {
                "id": item.id,
                "state": ItemState.DONE.value,
                "decision_id": decisions[item.case_id],
                "changed": item.addresses - len(addresses[item.id]) if item.id in addresses else 0,
                "frozen": None,
            }
            for item in items
        ],
    )
    _audit(session, bulk, items, addresses, decisions, cases, now)


def _write_decisions(session: Session, bulk: BulkAction, item_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """Make a decision of each item, with its frozen evidence, without carrying that out of the database and back."""
    opening = select(func.max(CaseOpening.id)).where(CaseOpening.case_id == BulkItem.case_id).scalar_subquery()
    columns = {
        "case_id": BulkItem.case_id,
        "opening_id": opening,
        "kind": literal(bulk.kind),
        "reason_code": literal(bulk.reason_code),
        "note": literal(bulk.note),
        "staff_id": literal(bulk.author_id),
        "decided_at": literal(now, Decision.decided_at.type),
        "case_version": BulkItem.case_version,
        "frozen": BulkItem.frozen,
        "bulk_id": literal(bulk.id),
    }
    source = select(*columns.values()).where(BulkItem.id.in_(item_ids)).order_by(BulkItem.id)
    session.execute(insert(Decision).from_select(list(columns), source))
    made = (
        select(Decision.case_id, Decision.id)
        .join(BulkItem, BulkItem.case_id == Decision.case_id)
        .where(BulkItem.id.in_(item_ids), Decision.bulk_id == bulk.id)
    )
    return {row.case_id: row.id for row in session.execute(made)}


def _close_cases(session: Session, bulk: BulkAction, case_ids: Sequence[int], now: datetime) -> None:
    facts = select(BulkItem.facts).where(BulkItem.bulk_id == bulk.id, BulkItem.case_id == Case.id).scalar_subquery()
    session.execute(
        update(Case)
        .where(Case.id.in_(case_ids))
        .values(
            state=CaseState.DECIDED.value,
            updated_at=now,
            brake_id=None,
            decided_facts=facts,
            version=Case.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    still_open = CaseOpening.case_id.in_(case_ids), CaseOpening.closed_at.is_(None)
    session.execute(
        update(CaseOpening)
        .where(*still_open)
        .values(closed_at=now, closed_how=bulk.kind)
        .execution_options(synchronize_session=False)
    )


def _queue(session: Session, bulk: BulkAction, made: Sequence[tuple[int, AnyRow]], now: datetime) -> None:
    """Put one outbox row an address, with the state that was judged, as for a single decision."""
    rows = [
        {
            "public_id": secrets.token_hex(12),
            "decision_id": decision_id,
            "address_id": row.id,
            "source_id": row.source_id,
            "kind": "unverify",
            "effect": bulk.effect,
            "state": UnverificationState.QUEUED.value,
            "judged": judged_state(row),
            "reason": bulk.reason_code,
            "decided_at": now,
        }
        for decision_id, row in made
    ]
    if rows:
        session.execute(insert(Unverification.__table__), rows)  # type: ignore[arg-type]  # by table: twice as fast


def _audit(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    addresses: Mapping[int, Sequence[AnyRow]],
    decisions: Mapping[int, int],
    cases: Mapping[int, AnyRow],
    now: datetime,
) -> None:
    """One entry a decision, in the author's name; the chain's head is locked once, and last."""
    approved = bulk.kind == BulkKind.APPROVE
    event = Event.CASE_APPROVED if approved else Event.CASE_OVERRIDDEN
    effect = {"effect": bulk.effect} if approved else {}
    author = Actor(ActorKind.STAFF, str(bulk.author_id))
    entries = [
        NewEntry(
            event,
            author,
            "case",
            str(item.case_id),
            {
                "domain": cases[item.case_id].name,
                "reason_code": bulk.reason_code,
                "addresses": len(addresses[item.id]) if item.id in addresses else item.addresses,
                "decision_id": decisions[item.case_id],
                "case_version": item.case_version,
                "evidence_sha256": item.evidence_sha256,
                **effect,
                "bulk_id": bulk.id,
            },
        )
        for item in items
    ]
    record_many(session, entries, now)

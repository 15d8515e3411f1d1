"""Decide the next cases of a bulk action: every one checked again at its turn, all of them in a dozen statements.

What the preview froze moves into the decisions as it is: the person decided on that, and the case's version says that
nothing they judged by has changed since. An address that is no longer in the state that was judged is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, literal_column, select, update
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
    Claim,
    Decision,
    Domain,
    ItemState,
    Unverification,
    UnverificationState,
)
from dashboard.services.allow_list.ask import coverage
from dashboard.services.bulk.judging import AnyRow, Moment, Why, objections

_ITEM = (
    BulkItem.id,
    BulkItem.case_id,
    BulkItem.case_version,
    BulkItem.addresses,
    BulkItem.evidence_sha256,
    BulkItem.decision_id,
)

# 24 and 32 hex digits; they name an item for ever and guard nothing.
_RANDOM_ID = {
    "sqlite": "lower(hex(randomblob(12)))",
    "postgresql": "replace(gen_random_uuid()::text, '-', '')",
}


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
    reach: dict[int, int] = {item.id: item.addresses for item in items}
    kept: list[int] = []
    if bulk.kind == BulkKind.APPROVE:
        covers = coverage(session, {case.domain_id for case in cases.values()}, moment.now)
        kept = [ident for cover in covers.values() for ident in cover.addresses]
        whole = {ident for ident, cover in covers.items() if cover.whole is not None}
        skipped |= {
            i.id: Why.ALLOW_LISTED for i in items if cases[i.case_id].domain_id in whole and i.id not in skipped
        }
        reach = _still_there(session, [item.id for item in items if item.id not in skipped], kept)
        skipped |= {i.id: Why.NO_ADDRESSES for i in items if not reach.get(i.id) and i.id not in skipped}
    good = [item for item in items if item.id not in skipped]
    if good:
        _decide(session, bulk, good, reach, kept, cases, moment.now)
    if skipped:
        state = ItemState.SKIPPED.value
        session.execute(update(BulkItem), [{"id": i, "state": state, "why": str(why)} for i, why in skipped.items()])
    if bulk.kind != BulkKind.APPROVE:
        return Chunk(len(good), 0, len(skipped), 0)
    done = sum(reach[item.id] for item in good)
    return Chunk(len(good), done, len(skipped), sum(item.addresses for item in items) - done)


def _locked_cases(session: Session, case_ids: Iterable[int]) -> dict[int, AnyRow]:
    query = (
        select(Case.id, Case.domain_id, Case.state, Case.version, Case.brake_id, Domain.name)
        .join(Domain, Domain.id == Case.domain_id)
        .where(Case.id.in_(case_ids))
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    return {row.id: row for row in session.execute(query)}


def _unchanged(item_ids: Sequence[int], kept: Sequence[int]) -> list[ColumnElement[bool]]:
    """Conditions on the joined rows of an address: chosen, still as it was judged, kept by no allow-list entry."""
    found: list[ColumnElement[bool]] = [
        BulkAddress.item_id.in_(item_ids),
        BulkAddress.is_chosen.is_(True),
        Address.verified.is_(True),
        Address.domain_id == Case.domain_id,
        Address.verified_at.is_not_distinct_from(BulkAddress.verified_at),
        Address.state_token.is_not_distinct_from(BulkAddress.state_token),
    ]
    return [*found, Address.id.not_in(kept)] if kept else found


def _still_there(session: Session, item_ids: Sequence[int], kept: Sequence[int]) -> dict[int, int]:
    """Count, by item, the chosen addresses that are still as they were judged and that no allow-list entry keeps."""
    query = (
        select(BulkAddress.item_id, func.count())
        .join(Address, Address.id == BulkAddress.address_id)
        .join(BulkItem, BulkItem.id == BulkAddress.item_id)
        .join(Case, Case.id == BulkItem.case_id)
        .where(*_unchanged(item_ids, kept))
        .group_by(BulkAddress.item_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _decide(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    reach: Mapping[int, int],
    kept: Sequence[int],
    cases: Mapping[int, AnyRow],
    now: datetime,
) -> None:
    """Write decisions, cases, openings, un-verifications, items and audit entries of what passed its check."""
    ids = [item.id for item in items]
    case_ids = [item.case_id for item in items]
    decisions = _write_decisions(session, bulk, ids, case_ids, now)
    _close_cases(session, bulk, case_ids, now)
    session.execute(
        update(BulkItem),
        [
            {
                "id": item.id,
                "state": ItemState.DONE.value,
                "decision_id": decisions[item.case_id],
                "changed": item.addresses - reach[item.id],
                "frozen": None,
            }
            for item in items
        ],
    )
    if bulk.kind == BulkKind.APPROVE:
        _queue(session, bulk, ids, kept, now)
    _audit(session, bulk, items, reach, decisions, cases, now)


def _write_decisions(
    session: Session, bulk: BulkAction, item_ids: Sequence[int], case_ids: Sequence[int], now: datetime
) -> dict[int, int]:
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
    # the cases are locked, so the newest decision of each is the one just made
    made = select(Decision.case_id, func.max(Decision.id)).where(Decision.case_id.in_(case_ids))
    return {row[0]: row[1] for row in session.execute(made.group_by(Decision.case_id))}


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
            term_at=None,
            version=Case.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(Claim).where(Claim.case_id.in_(case_ids), Claim.staff_id == bulk.author_id))
    still_open = CaseOpening.case_id.in_(case_ids), CaseOpening.closed_at.is_(None)
    session.execute(
        update(CaseOpening)
        .where(*still_open)
        .values(closed_at=now, closed_how=bulk.kind)
        .execution_options(synchronize_session=False)
    )


def _queue(session: Session, bulk: BulkAction, item_ids: Sequence[int], kept: Sequence[int], now: datetime) -> None:
    """Put one outbox row an address, with the state that was judged, as for a single decision but all in SQL."""
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    columns: dict[str, Any] = {
        "public_id": literal_column(_RANDOM_ID["postgresql" if on_postgresql else "sqlite"]),
        "decision_id": BulkItem.decision_id,
        "address_id": Address.id,
        "source_id": Address.source_id,
        "kind": literal("unverify"),
        "effect": literal(bulk.effect),
        "state": literal(UnverificationState.QUEUED.value),
        "judged": BulkAddress.judged,
        "reason": literal(bulk.reason_code),
        "decided_at": literal(now, Decision.decided_at.type),
    }
    source = (
        select(*columns.values())
        .select_from(BulkAddress)
        .join(Address, Address.id == BulkAddress.address_id)
        .join(BulkItem, BulkItem.id == BulkAddress.item_id)
        .join(Case, Case.id == BulkItem.case_id)
        .where(*_unchanged(item_ids, kept))
        .order_by(BulkAddress.address_id)
    )
    session.execute(insert(Unverification).from_select(list(columns), source))


def _audit(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    reach: Mapping[int, int],
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
                "addresses": reach[item.id],
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

"""Decide the next cases of a bulk action: every one checked again at its turn, all of them in a dozen statements.

What the preview froze moves into the decisions as it is: the person decided on that, and the case's version says that
nothing they judged by has changed since. An address that is no longer in the state that was judged is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, delete, func, insert, literal, select, update
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
from dashboard.services.allow_list.ask import NOTHING, Coverage, coverage
from dashboard.services.bulk.items import settle, skip
from dashboard.services.bulk.judging import AnyRow, Moment, Why, objections
from dashboard.services.sql import among, random_id, rows_of, within

_DECISIONS = cast("Table", Decision.__table__)

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
    reach: dict[int, int] = {item.id: item.addresses for item in items}
    address_ids: list[int] = []
    if bulk.kind == BulkKind.APPROVE:
        domains = {item.id: cases[item.case_id].domain_id for item in items if item.id not in skipped}
        covers = coverage(session, set(domains.values()), moment.now)
        left = _still_there(session, domains, covers)
        skipped |= {ident: _why_none(covers.get(domain)) for ident, domain in domains.items() if ident not in left}
        reach = {ident: len(found) for ident, found in left.items()}
        address_ids = [ident for found in left.values() for ident in found]
    good = [item for item in items if item.id not in skipped]
    if good:
        _decide(session, bulk, good, reach, address_ids, cases, moment.now)
    skip(session, skipped)
    if bulk.kind != BulkKind.APPROVE:
        return Chunk(len(good), 0, len(skipped), 0)
    done = len(address_ids)
    return Chunk(len(good), done, len(skipped), sum(item.addresses for item in items) - done)


def _why_none(cover: Coverage | None) -> str:
    is_kept = cover is not None and cover.whole is not None
    return (Why.ALLOW_LISTED if is_kept else Why.NO_ADDRESSES).value


def _locked_cases(session: Session, case_ids: Collection[int]) -> dict[int, AnyRow]:
    query = (
        select(Case.id, Case.domain_id, Case.state, Case.version, Case.brake_id, Domain.name)
        .join(Domain, Domain.id == Case.domain_id)
        .where(among(Case.id, case_ids))
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    return {row.id: row for row in session.execute(query)}


def _still_there(
    session: Session, domains: Mapping[int, int], covers: Mapping[int, Coverage]
) -> Mapping[int, list[int]]:
    """Return, by item, the chosen addresses that are still as they were judged and that no allow-list entry keeps.

    `domains`: the domain of each item's case, in which the address must still be.
    """
    query = (
        select(BulkAddress.item_id, BulkAddress.address_id, Address.domain_id)
        .join(Address, Address.id == BulkAddress.address_id)
        .where(
            among(BulkAddress.item_id, domains),
            BulkAddress.is_chosen,
            Address.verified,
            Address.verified_at.is_not_distinct_from(BulkAddress.verified_at),
            Address.state_token.is_not_distinct_from(BulkAddress.state_token),
        )
    )
    found: dict[int, list[int]] = defaultdict(list)
    for item_id, address_id, domain_id in rows_of(session, query):
        cover = covers.get(domains[item_id], NOTHING)
        if domain_id == domains[item_id] and cover.over(address_id) is None:
            found[item_id].append(address_id)
    return found


def _decide(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    reach: Mapping[int, int],
    address_ids: Sequence[int],
    cases: Mapping[int, AnyRow],
    now: datetime,
) -> None:
    """Write decisions, cases, openings, un-verifications, items and audit entries of what passed its check."""
    made = _write_decisions(session, bulk, [item.id for item in items], now)
    decisions = {item.id: made[item.case_id] for item in items}
    _close_cases(session, bulk, list(made), now)
    settle(session, {item.id: item.addresses - reach[item.id] for item in items}, decisions)
    _queue(session, bulk, list(decisions), address_ids, now)
    _audit(session, bulk, items, reach, decisions, cases, now)


def _write_decisions(session: Session, bulk: BulkAction, item_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """Make a decision of each item, with its frozen evidence, without carrying that out of the database and back.

    Returns the decisions' ids by their cases'.
    """
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
    source = select(*columns.values()).where(among(BulkItem.id, item_ids)).order_by(BulkItem.id)
    made = insert(_DECISIONS).from_select(list(columns), source).returning(_DECISIONS.c.case_id, _DECISIONS.c.id)
    return {row[0]: row[1] for row in session.execute(made)}


def _close_cases(session: Session, bulk: BulkAction, case_ids: Sequence[int], now: datetime) -> None:
    facts = select(BulkItem.facts).where(BulkItem.bulk_id == bulk.id, BulkItem.case_id == Case.id).scalar_subquery()
    unsynchronised = {"synchronize_session": False}
    session.execute(
        update(Case)
        .where(among(Case.id, case_ids))
        .values(
            state=CaseState.DECIDED.value,
            updated_at=now,
            brake_id=None,
            decided_facts=facts,
            term_at=None,
            version=Case.version + 1,
        ),
        execution_options=unsynchronised,
    )
    mine = among(Claim.case_id, case_ids), Claim.staff_id == bulk.author_id
    session.execute(delete(Claim).where(*mine), execution_options=unsynchronised)
    still_open = among(CaseOpening.case_id, case_ids), CaseOpening.closed_at.is_(None)
    closed = update(CaseOpening).where(*still_open).values(closed_at=now, closed_how=bulk.kind)
    session.execute(closed, execution_options=unsynchronised)


def _queue(
    session: Session, bulk: BulkAction, item_ids: Sequence[int], address_ids: Sequence[int], now: datetime
) -> None:
    """Put one outbox row an address, with the state that was judged, as for a single decision but all in SQL."""
    if not address_ids:
        return
    columns: dict[str, Any] = {
        "public_id": random_id(session),
        "decision_id": BulkItem.decision_id,
        "address_id": BulkAddress.address_id,
        "source_id": BulkAddress.source_id,
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
        .join(BulkItem, BulkItem.id == BulkAddress.item_id)
        .where(among(BulkAddress.item_id, item_ids), within(BulkAddress.address_id, address_ids))
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
                "decision_id": decisions[item.id],
                "case_version": item.case_version,
                "evidence_sha256": item.evidence_sha256,
                **effect,
                "bulk_id": bulk.id,
            },
        )
        for item in items
    ]
    record_many(session, entries, now)

"""Take the decisions of a list back: weighed for the preview, done chunk by chunk, checked again at their turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.record import record_many
from dashboard.models import Address, BulkAction, BulkAddress, BulkItem, Case, Decision, ItemState, Unverification
from dashboard.services.bulk.apply import Chunk
from dashboard.services.bulk.judging import AnyRow, Moment, Why, policy_of
from dashboard.services.policy import high_profile_accounts
from dashboard.services.revert import close_decisions, entry, made_by, take_back, what_to_do


def judge_reverts(session: Session, bulk: BulkAction, items: Sequence[AnyRow]) -> None:
    """Weigh the decisions of these items: which of their addresses can be taken back."""
    ids = [item.decision_id for item in items]
    item_of = {item.decision_id: item for item in items}
    outside = _outside(session, ids)
    rows: dict[int, list[AnyRow]] = defaultdict(list)
    for row in made_by(session, ids):
        if what_to_do(row) in {"withdrawn", "queued", "asked"}:
            rows[row.decision_id].append(row)
    accounts = _accounts(session, [row.address_id for found in rows.values() for row in found])
    high = high_profile_accounts(session, policy_of(bulk), set(accounts.values()))
    addresses = [
        {
            "bulk_id": bulk.id,
            "address_id": row.address_id,
            "item_id": item_of[decision_id].id,
            "account_id": accounts[row.address_id],
            "source_id": row.source_id,
            "is_high_profile": accounts[row.address_id] in high,
            "is_chosen": True,
            "verified_at": row.verified_at,
            "state_token": row.state_token,
            "judged": None,
        }
        for decision_id, found in rows.items()
        if decision_id not in outside
        for row in found
    ]
    if addresses:
        session.execute(insert(BulkAddress.__table__), addresses)  # type: ignore[arg-type]  # by table: faster
    overrides = _overrides(session, ids)
    values = []
    for item in items:
        count = len(rows.get(item.decision_id, ()))
        why = outside.get(item.decision_id)
        if why is None and not count and item.decision_id not in overrides:
            why = Why.NOT_REVERTIBLE.value
        state = ItemState.EXCLUDED if why else ItemState.PENDING
        is_high = any(accounts[row.address_id] in high for row in rows.get(item.decision_id, ()))
        values.append(
            {
                "id": item.id,
                "judged": True,
                "state": state.value,
                "why": why or "",
                "addresses": 0 if why else count,
                "is_high_profile": is_high,
            }
        )
    session.execute(update(BulkItem), values)


def take_back_items(session: Session, bulk: BulkAction, items: Sequence[AnyRow], moment: Moment) -> Chunk:
    """Take these decisions back: withdraw what was not served, queue the opposite of what was applied. Set-based."""
    cases = {item.decision_id: item.case_id for item in items}
    lock = select(Case.id).where(Case.id.in_(cases.values())).order_by(Case.id).with_for_update()
    session.execute(lock)
    outside = _outside(session, list(cases))
    good = [item for item in items if item.decision_id not in outside]
    ids = [item.decision_id for item in good]
    tallies = take_back(session, ids, moment.now, _wanted(session, [item.id for item in good]))
    reopened = close_decisions(session, ids, bulk.author_id, moment.now)
    author = Actor(ActorKind.STAFF, str(bulk.author_id))
    entries = [
        entry(ident, cases[ident], tally, author, reopened=cases[ident] in reopened, bulk_id=bulk.id)
        for ident, tally in tallies.items()
    ]
    done = sum(tally.taken_back for tally in tallies.values())
    meant = sum(item.addresses for item in items)
    _settle(session, items, outside, {ident: tally.taken_back for ident, tally in tallies.items()})
    record_many(session, entries, moment.now)
    return Chunk(len(good), done, len(items) - len(good), meant - done)


def _settle(session: Session, items: Sequence[AnyRow], outside: Mapping[int, str], done: Mapping[int, int]) -> None:
    values = [
        {
            "id": item.id,
            "state": (ItemState.SKIPPED if item.decision_id in outside else ItemState.DONE).value,
            "why": outside.get(item.decision_id, ""),
            "changed": item.addresses - done.get(item.decision_id, 0),
        }
        for item in items
    ]
    session.execute(update(BulkItem), values)


def _outside(session: Session, decision_ids: Collection[int]) -> dict[int, str]:
    """Return, by decision, why it cannot be taken back: it was already, or its case was decided anew."""
    latest = select(func.max(Decision.id)).where(Decision.case_id == Case.id).correlate(Case).scalar_subquery()
    rows = session.execute(
        select(Decision.id, Decision.reverted_at, latest.label("latest"))
        .join(Case, Case.id == Decision.case_id)
        .where(Decision.id.in_(decision_ids))
    )
    found = {}
    for row in rows:
        if row.reverted_at is not None:
            found[row.id] = Why.NOT_REVERTIBLE.value
        elif row.latest != row.id:
            found[row.id] = Why.SUPERSEDED.value
    return found


def _overrides(session: Session, decision_ids: Collection[int]) -> set[int]:
    """Return those decisions that had no effect on addresses: taking one back opens its case, which is enough."""
    without = ~select(Unverification.id).where(Unverification.decision_id == Decision.id).exists()
    return set(session.scalars(select(Decision.id).where(Decision.id.in_(decision_ids), without)))


def _wanted(session: Session, item_ids: Collection[int]) -> list[int]:
    query = select(BulkAddress.address_id).where(BulkAddress.item_id.in_(item_ids), BulkAddress.is_chosen)
    return list(session.scalars(query))


def _accounts(session: Session, address_ids: Collection[int]) -> dict[int, int]:
    query = select(Address.id, Address.account_id).where(Address.id.in_(address_ids))
    return {row.id: row.account_id for row in session.execute(query)}

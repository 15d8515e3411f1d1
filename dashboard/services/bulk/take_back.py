"""Take the decisions of a list back: weighed for the preview, done chunk by chunk, checked again at their turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, insert, literal, null, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.record import record_many
from dashboard.models import Address, BulkAction, BulkAddress, BulkItem, Case, Decision, ItemState, Unverification
from dashboard.services.bulk.apply import Chunk
from dashboard.services.bulk.items import settle, skip, write_items
from dashboard.services.bulk.judging import AnyRow, Moment, Why, policy_of
from dashboard.services.policy import high_profile_accounts
from dashboard.services.revert import can_be_taken_back, close_decisions, entry, made_by, take_back
from dashboard.services.sql import among, rows_of


def judge_reverts(session: Session, bulk: BulkAction, items: Sequence[AnyRow]) -> None:
    """Weigh the decisions of these items: which of their addresses can be taken back. Set-based."""
    ids = [item.decision_id for item in items]
    outside = _outside(session, items)
    accounts = _accounts(session, ids)
    high = high_profile_accounts(session, policy_of(bulk), {one for found in accounts.values() for one in found})
    _add_addresses(session, bulk, [ident for ident in accounts if ident not in outside], high)
    overrides = _overrides(session, ids)
    values = []
    for item in items:
        found = accounts.get(item.decision_id, [])
        why = outside.get(item.decision_id)
        if why is None and not found and item.decision_id not in overrides:
            why = Why.NOT_REVERTIBLE.value
        values.append(
            {
                "id": item.id,
                "judged": True,
                "state": (ItemState.EXCLUDED if why else ItemState.PENDING).value,
                "why": why or "",
                "addresses": 0 if why else len(found),
                "is_high_profile": not high.isdisjoint(found),
            }
        )
    write_items(session, values)


def _accounts(session: Session, decision_ids: Collection[int]) -> Mapping[int, list[int]]:
    """Return, by decision, the accounts of the addresses that can be taken back, one for each address."""
    found: dict[int, list[int]] = defaultdict(list)
    query = made_by(decision_ids, Unverification.decision_id, Address.account_id)
    for decision_id, account_id in rows_of(session, query.where(can_be_taken_back())):
        found[decision_id].append(account_id)
    return found


def _add_addresses(session: Session, bulk: BulkAction, decision_ids: Collection[int], high: Collection[int]) -> None:
    """Add the addresses that can be taken back to the list, as they are now."""
    columns: dict[str, ColumnElement[Any] | Any] = {
        "bulk_id": literal(bulk.id),
        "address_id": Address.id,
        "item_id": BulkItem.id,
        "account_id": Address.account_id,
        "source_id": Address.source_id,
        "is_high_profile": among(Address.account_id, high),
        "is_chosen": literal(value=True),
        "verified_at": Address.verified_at,
        "state_token": Address.state_token,
        "judged": null(),
    }
    source = (
        made_by(decision_ids, *columns.values())
        .join(Decision, Decision.id == Unverification.decision_id)
        .join(BulkItem, (BulkItem.case_id == Decision.case_id) & (BulkItem.bulk_id == bulk.id))
        .where(can_be_taken_back())
    )
    session.execute(insert(BulkAddress).from_select(list(columns), source))


def take_back_items(session: Session, bulk: BulkAction, items: Sequence[AnyRow], moment: Moment) -> Chunk:
    """Take these decisions back: withdraw what was not served, queue the opposite of what was applied. Set-based."""
    cases = {item.decision_id: item.case_id for item in items}
    lock = select(Case.id).where(among(Case.id, cases.values())).order_by(Case.id).with_for_update()
    session.execute(lock)
    outside = _outside(session, items)
    good = [item for item in items if item.decision_id not in outside]
    ids = [item.decision_id for item in good]
    tallies = take_back(session, ids, moment.now, chosen=_is_chosen(bulk))
    reopened = close_decisions(session, ids, bulk.author_id, moment.now)
    author = Actor(ActorKind.STAFF, str(bulk.author_id))
    entries = [
        entry(ident, cases[ident], tally, author, reopened=cases[ident] in reopened, bulk_id=bulk.id)
        for ident, tally in tallies.items()
    ]
    done = sum(tally.taken_back for tally in tallies.values())
    meant = sum(item.addresses for item in items)
    settle(session, {item.id: item.addresses - tallies[item.decision_id].taken_back for item in good})
    skip(session, {item.id: outside[item.decision_id] for item in items if item.decision_id in outside})
    record_many(session, entries, moment.now)
    return Chunk(len(good), done, len(items) - len(good), meant - done)


def _outside(session: Session, items: Sequence[AnyRow]) -> dict[int, str]:
    """Return, by decision, why it cannot be taken back: it was already, or its case was decided anew."""
    cases = [item.case_id for item in items]
    newest = select(Decision.case_id, func.max(Decision.id)).where(among(Decision.case_id, cases))
    latest = {row[0]: row[1] for row in session.execute(newest.group_by(Decision.case_id))}
    already = among(Decision.id, [item.decision_id for item in items]), Decision.reverted_at.is_not(None)
    done = set(session.scalars(select(Decision.id).where(*already)))
    found = {item.decision_id: Why.SUPERSEDED.value for item in items if latest[item.case_id] != item.decision_id}
    return found | dict.fromkeys(done, Why.NOT_REVERTIBLE.value)


def _overrides(session: Session, decision_ids: Collection[int]) -> set[int]:
    """Return those decisions that had no effect on addresses: taking one back opens its case, which is enough."""
    made = select(Unverification.decision_id).where(among(Unverification.decision_id, decision_ids)).distinct()
    return set(decision_ids) - set(session.scalars(made))


def _is_chosen(bulk: BulkAction) -> ColumnElement[bool]:
    """Condition on an un-verification that its address is part of the action.

    Looked up for each row by the list's key: joined, PostgreSQL may begin with all addresses of the action instead.
    """
    mine = BulkAddress.bulk_id == bulk.id, BulkAddress.address_id == Unverification.address_id
    return select(BulkAddress.is_chosen).where(*mine).correlate(Unverification).scalar_subquery().is_(True)

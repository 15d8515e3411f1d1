"""Weigh the cases of a list, a chunk at a time: what is done to each, to which addresses, or why it is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import Row, and_, case, insert, literal, or_, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.assessment import Confidence
from dashboard.lifecycle.evidence import Outcome, Provider
from dashboard.lifecycle.policy import Policy, from_values
from dashboard.models import (
    Address,
    BulkAction,
    BulkAddress,
    BulkItem,
    BulkKind,
    BulkState,
    Case,
    CaseState,
    Claim,
    DecisionKind,
    ItemState,
)
from dashboard.services.bulk.items import write_items
from dashboard.services.cases.judge import Judged, evidence_digest, freeze_many, judge_many
from dashboard.services.cases.reopen import decided_facts
from dashboard.services.judged import judged_in_sql
from dashboard.services.policy import high_profile_accounts
from dashboard.services.sql import among, within

_SAYS_NOTHING = {(provider, Outcome.ERROR) for provider in Provider} | {
    (Provider.DNS, outcome) for outcome in Outcome
}

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row of a statement, its columns known by their names."""


class Why(StrEnum):
    """Why a case is left out of a bulk action, at its preview or at its turn."""

    NOT_OPEN = "not_open"
    VERSION = "version_changed"
    HELD = "held"
    CLAIMED = "claimed"
    IN_ANOTHER = "in_another"
    ALLOW_LISTED = "allow_listed"
    STALE = "stale_evidence"
    CONFLICT = "conflicting_evidence"
    NO_ADDRESSES = "no_addresses"
    HIGH_PROFILE = "only_high_profile"
    NOT_REVERTIBLE = "nothing_to_take_back"
    SUPERSEDED = "decided_since"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is judged, by both clocks: claims are leases by the wall clock."""

    now: datetime
    wall_now: datetime


def policy_of(bulk: BulkAction) -> Policy:
    """Return the policy that was in force when the list was frozen."""
    return from_values(bulk.policy, bulk.policy["version"])


def unjudged(session: Session, bulk_id: int, size: int) -> Sequence[AnyRow]:
    """Return up to `size` items that were not weighed yet."""
    query = (
        select(BulkItem.id, BulkItem.case_id, BulkItem.case_version, BulkItem.decision_id)
        .where(BulkItem.bulk_id == bulk_id, BulkItem.judged.is_(False))
        .order_by(BulkItem.id)
        .limit(size)
    )
    return session.execute(query).all()


def judge_items(session: Session, bulk: BulkAction, items: Sequence[AnyRow], moment: Moment) -> None:
    """Weigh these items: write what each would do, to which addresses, or why it is left out. Set-based."""
    cases = _cases(session, [item.case_id for item in items])
    outside = objections(session, bulk, items, cases, moment)
    known = _weigh(
        session, {item.id: cases[item.case_id].domain_id for item in items if item.id not in outside}, moment
    )
    evidence = {ident: newest_evidence(each) for ident, each in known.items()}
    if bulk.kind == BulkKind.APPROVE:
        oldest = moment.now - policy_of(bulk).evidence_max_age
        unfit = {i: _unfit(each, evidence[i], oldest, is_single=_is_single(bulk)) for i, each in known.items()}
        outside |= {ident: why for ident, why in unfit.items() if why is not None}
    inside = {ident: each for ident, each in known.items() if ident not in outside}
    frozen = freeze_many(session, [(cases[item.case_id], inside[item.id]) for item in items if item.id in inside])
    counts = _add_addresses(session, bulk, inside)
    values = []
    for item in items:
        row: dict[str, Any] = {"id": item.id, "judged": True, "why": "", "state": ItemState.EXCLUDED.value}
        if item.id in known:
            row["evidence_at"] = evidence[item.id]
        if item.id in outside:
            row["why"] = outside[item.id]
        else:
            case = cases[item.case_id]
            chosen, has_high = counts[item.id]
            row |= _included(bulk, chosen, has_high=has_high) | {
                "frozen": frozen[case.id],
                "evidence_sha256": evidence_digest(frozen[case.id]),
                "facts": decided_facts(case, inside[item.id].assessment, DecisionKind(bulk.kind)),
            }
        values.append(row)
    write_items(session, values)


def _cases(session: Session, case_ids: Collection[int]) -> dict[int, AnyRow]:
    wanted = Case.id, Case.domain_id, Case.state, Case.version, Case.brake_id
    shown = Case.risk, Case.risk_parts, Case.phase, Case.holder_change
    return {row.id: row for row in session.execute(select(*wanted, *shown).where(among(Case.id, case_ids)))}


def _weigh(session: Session, domains: Mapping[int, int], moment: Moment) -> dict[int, Judged]:
    """Weigh domains, given and returned by their items' ids."""
    judged = judge_many(session, set(domains.values()), moment.now)
    return {ident: judged[domain] for ident, domain in domains.items()}


def _included(bulk: BulkAction, chosen: int, *, has_high: bool) -> dict[str, Any]:
    """Return the values of an item of which so many addresses are chosen, whether or not some are of high profile."""
    empty = bulk.kind == BulkKind.APPROVE and not chosen
    return {
        "state": (ItemState.EXCLUDED if empty else ItemState.PENDING).value,
        "why": Why.HIGH_PROFILE.value if empty else "",
        "addresses": chosen,
        "is_high_profile": has_high,
    }


def objections(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    cases: Mapping[int, Any],
    moment: Moment,
) -> dict[int, str]:
    """Return, by item, why a case cannot be part of the action as it stands: asked at the preview and at its turn."""
    claimed = claimed_by_others(session, cases.keys(), bulk.author_id, moment.wall_now)
    elsewhere = waiting_in(session, cases.keys(), moment.wall_now, besides=bulk.id)
    found: dict[int, str] = {}
    for item in items:
        case = cases[item.case_id]
        rules = (
            (case.state != CaseState.OPEN, Why.NOT_OPEN),
            (case.version != item.case_version, Why.VERSION),
            (case.brake_id is not None and bulk.kind == BulkKind.APPROVE, Why.HELD),
            (case.id in claimed, Why.CLAIMED),
            (case.id in elsewhere, Why.IN_ANOTHER),
        )
        why = next((why for applies, why in rules if applies), None)
        if why is not None:
            found[item.id] = why.value
    return found


def claimed_by_others(session: Session, case_ids: Collection[int], staff_id: int, wall_now: datetime) -> set[int]:
    """Return those of the cases on which somebody else works at the moment."""
    query = select(Claim.case_id).where(
        among(Claim.case_id, case_ids), Claim.staff_id != staff_id, Claim.expires_at > wall_now
    )
    return set(session.scalars(query))


def waiting_in(
    session: Session, case_ids: Collection[int], wall_now: datetime, *, besides: int | None = None
) -> dict[int, int]:
    """Return the confirmed bulk action in which each of the cases waits, if any; `besides` is not looked at.

    One that nobody approved in time holds its cases no longer.
    """
    other = aliased(BulkAction)
    awaited = and_(other.state == BulkState.AWAITING_SECOND.value, other.expires_at > wall_now)
    query = (
        select(BulkItem.case_id, BulkItem.bulk_id)
        .join(other, other.id == BulkItem.bulk_id)
        .where(
            among(BulkItem.case_id, case_ids),
            BulkItem.state == ItemState.PENDING.value,
            BulkItem.bulk_id.is_distinct_from(besides),
            or_(awaited, other.state.in_([BulkState.RUNNING.value, BulkState.PAUSED.value])),
        )
        .order_by(BulkItem.bulk_id)
    )
    return {case_id: bulk_id for case_id, bulk_id in session.execute(query)}  # noqa: C416  a row is no pair to mypy


def _is_single(bulk: BulkAction) -> bool:
    """Whether somebody has looked at the one case closely: it only waits for the second person."""
    return bulk.scope == "single"


def _unfit(judged: Judged, evidence_at: datetime | None, oldest: datetime, *, is_single: bool) -> str | None:
    """Why a case must not be approved in bulk, though one by one a person may look closer."""
    if judged.is_kept:
        return Why.ALLOW_LISTED.value
    if is_single:
        return None if judged.address_ids else Why.NO_ADDRESSES.value
    if evidence_at is None or evidence_at < oldest:
        return Why.STALE.value
    if judged.assessment.confidence is Confidence.CONFLICTING:
        return Why.CONFLICT.value
    return None if judged.address_ids else Why.NO_ADDRESSES.value


def newest_evidence(judged: Judged) -> datetime | None:
    """Return when a registration provider last said something; DNS only triggers and corroborates."""
    readings = (kept.reading for kept in judged.facts.readings)
    said = (r.last_seen_at for r in readings if (r.evidence.provider, r.evidence.outcome) not in _SAYS_NOTHING)
    return max(said, default=None)


def _add_addresses(session: Session, bulk: BulkAction, judged: Mapping[int, Judged]) -> dict[int, tuple[int, bool]]:
    """Add the addresses of items to the list, those of high-profile accounts not chosen (but for a single decision).

    Returns, by item, how many are chosen, and whether any is of a high-profile account.
    """
    account_of = {address.id: address.account_id for each in judged.values() for address in each.facts.addresses}
    reached = [ident for each in judged.values() for ident in each.address_ids]
    high = high_profile_accounts(session, policy_of(bulk), {account_of[ident] for ident in reached})
    asks = bulk.kind == BulkKind.APPROVE and not _is_single(bulk)
    if reached:
        _insert_addresses(session, bulk, list(judged), reached, high, asks=asks)
    counts = {}
    for ident, each in judged.items():
        of_high = sum(account_of[address] in high for address in each.address_ids) if high else 0
        counts[ident] = (len(each.address_ids) - (of_high if asks else 0), of_high > 0)
    return counts


def _insert_addresses(
    session: Session,
    bulk: BulkAction,
    item_ids: Sequence[int],
    address_ids: Sequence[int],
    high: Collection[int],
    *,
    asks: bool,
) -> None:
    """Copy these addresses as they are, without carrying them out of the database and back."""
    is_high = among(Address.account_id, high)
    columns: dict[str, Any] = {
        "bulk_id": literal(bulk.id),
        "address_id": Address.id,
        "item_id": BulkItem.id,
        "account_id": Address.account_id,
        "source_id": Address.source_id,
        "is_high_profile": is_high,
        "is_chosen": case((is_high, False), else_=True) if asks else literal(value=True),
        "verified_at": Address.verified_at,
        "state_token": Address.state_token,
        "judged": judged_in_sql(Address.verified, Address.verified_at, Address.state_token),
    }
    source = (
        select(*columns.values())
        .select_from(BulkItem)
        .join(Case, Case.id == BulkItem.case_id)
        .join(Address, Address.domain_id == Case.domain_id)
        .where(among(BulkItem.id, item_ids), within(Address.id, address_ids), Address.verified)
    )
    session.execute(insert(BulkAddress).from_select(list(columns), source))

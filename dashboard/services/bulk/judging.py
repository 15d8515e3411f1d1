"""Weigh the cases of a list, a chunk at a time: what is done to each, to which addresses, or why it is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from sqlalchemy import Row, func, insert, select, update
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
    EvidenceRecord,
    ItemState,
)
from dashboard.services.cases.judge import Judged, evidence_digest, freeze_many, judge_many
from dashboard.services.cases.reopen import decided_facts
from dashboard.services.judged import judged_state
from dashboard.services.policy import high_profile_accounts
from dashboard.services.sql import among

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
    kind, policy = BulkKind(bulk.kind), policy_of(bulk)
    cases = {case.id: case for case in session.scalars(select(Case).where(Case.id.in_([i.case_id for i in items])))}
    outside = objections(session, bulk, items, cases, moment)
    left = [item for item in items if item.id not in outside]
    domains = {item.id: cases[item.case_id].domain_id for item in left}
    judged = judge_many(session, set(domains.values()), moment.now)
    evidence = newest_evidence(session, set(domains.values()))
    known = {item.id: judged[domains[item.id]] for item in left}
    if kind is BulkKind.APPROVE:
        oldest = moment.now - policy.evidence_max_age
        outside |= {
            ident: why
            for ident, each in known.items()
            if (why := _unfit(each, evidence.get(domains[ident]), oldest, is_single=_is_single(bulk))) is not None
        }
    frozen = freeze_many(session, [(cases[item.case_id], known[item.id]) for item in left if item.id not in outside])
    addresses = _addresses(session, bulk, {i: each for i, each in known.items() if i not in outside}, policy)
    if addresses:
        session.execute(insert(BulkAddress.__table__), addresses)  # type: ignore[arg-type]  # by table: faster
    counts = _chosen(addresses)
    values = []
    for item in items:
        why = outside.get(item.id)
        row: dict[str, Any] = {"id": item.id, "judged": True, "why": why or "", "state": ItemState.EXCLUDED.value}
        if item.id in domains:
            row["evidence_at"] = evidence.get(domains[item.id])
        if why is None:
            case = cases[item.case_id]
            chosen, high = counts.get(item.id, (0, False))
            empty = kind is BulkKind.APPROVE and not chosen
            row |= {
                "state": ItemState.EXCLUDED.value if empty else ItemState.PENDING.value,
                "why": Why.HIGH_PROFILE.value if empty else "",
                "addresses": chosen,
                "is_high_profile": high,
                "frozen": frozen[case.id],
                "evidence_sha256": evidence_digest(frozen[case.id]),
                "facts": decided_facts(case, known[item.id].assessment, DecisionKind(kind.value)),
            }
        values.append(row)
    _write(session, values)


def _write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows of one shape together: an executemany needs the same keys in each."""
    shapes: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        shapes.setdefault(frozenset(row), []).append(row)
    for alike in shapes.values():
        session.execute(update(BulkItem), alike)


def objections(
    session: Session,
    bulk: BulkAction,
    items: Sequence[AnyRow],
    cases: Mapping[int, Any],
    moment: Moment,
) -> dict[int, str]:
    """Return, by item, why a case cannot be part of the action as it stands: asked at the preview and at its turn."""
    claimed = claimed_by_others(session, cases.keys(), bulk.author_id, moment.wall_now)
    elsewhere = _in_others(session, bulk.id, cases.keys())
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


def _in_others(session: Session, bulk_id: int, case_ids: Collection[int]) -> set[int]:
    """Return those of the cases that wait in another bulk action which was confirmed."""
    other = aliased(BulkAction)
    confirmed = (BulkState.AWAITING_SECOND, BulkState.RUNNING, BulkState.PAUSED)
    query = (
        select(BulkItem.case_id)
        .join(other, other.id == BulkItem.bulk_id)
        .where(
            among(BulkItem.case_id, case_ids),
            BulkItem.state == ItemState.PENDING.value,
            BulkItem.bulk_id != bulk_id,
            other.state.in_([state.value for state in confirmed]),
        )
    )
    return set(session.scalars(query))


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


def newest_evidence(session: Session, domain_ids: Collection[int]) -> dict[int, datetime]:
    """Return when a registration provider last said something of each domain; DNS only triggers and corroborates."""
    said = EvidenceRecord.normalised["outcome"].as_string() != Outcome.ERROR.value
    query = (
        select(EvidenceRecord.domain_id, func.max(EvidenceRecord.last_seen_at))
        .where(EvidenceRecord.domain_id.in_(domain_ids), EvidenceRecord.provider != Provider.DNS.value, said)
        .group_by(EvidenceRecord.domain_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _addresses(
    session: Session, bulk: BulkAction, judged: Mapping[int, Judged], policy: Policy
) -> list[dict[str, Any]]:
    """Return the address rows of the items, those of high-profile accounts not chosen (but for a single decision)."""
    item_of = {address: item for item, each in judged.items() for address in each.address_ids}
    if not item_of:
        return []
    domains = {each.facts.id for each in judged.values()}
    rows = session.execute(
        select(
            Address.id,
            Address.account_id,
            Address.source_id,
            Address.verified,
            Address.verified_at,
            Address.state_token,
        ).where(Address.domain_id.in_(domains), Address.verified)
    ).all()
    rows = [row for row in rows if row.id in item_of]
    high = high_profile_accounts(session, policy, {row.account_id for row in rows})
    asks = bulk.kind == BulkKind.APPROVE and not _is_single(bulk)
    return [
        {
            "bulk_id": bulk.id,
            "address_id": row.id,
            "item_id": item_of[row.id],
            "account_id": row.account_id,
            "source_id": row.source_id,
            "is_high_profile": row.account_id in high,
            "is_chosen": not (asks and row.account_id in high),
            "verified_at": row.verified_at,
            "state_token": row.state_token,
            "judged": judged_state(row),
        }
        for row in rows
    ]


def _chosen(addresses: Sequence[Mapping[str, Any]]) -> dict[int, tuple[int, bool]]:
    """Count, by item, the chosen addresses, and say whether any is of a high-profile account."""
    found: dict[int, tuple[int, bool]] = {}
    for row in addresses:
        count, high = found.get(row["item_id"], (0, False))
        found[row["item_id"]] = (count + row["is_chosen"], high or row["is_high_profile"])
    return found

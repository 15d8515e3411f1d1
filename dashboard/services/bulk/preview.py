"""Count what a bulk action will reach, and seal it: the digest is over each case, version and address state in it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, distinct, func, select, update
from sqlalchemy.orm import Session, aliased

from dashboard.models import (
    Account,
    AccountPackage,
    Address,
    BulkAction,
    BulkAddress,
    BulkItem,
    BulkKind,
    BulkState,
    Case,
    ItemState,
    Package,
    Source,
)
from dashboard.services.bulk.judging import policy_of
from dashboard.services.bulk.prepare import EXPIRY
from dashboard.services.sql import rfc3339_text, rows_of

TOP = 10


def seal(session: Session, bulk: BulkAction, wall_now: datetime) -> None:
    """Put the action into `previewed` with its counts, its order of work and its digest; it may be confirmed now."""
    recount(session, bulk)
    _order(session, bulk)
    bulk.state, bulk.expires_at = BulkState.PREVIEWED.value, wall_now + EXPIRY
    bulk.lease = bulk.leased_until = None
    bulk.version += 1


def recount(session: Session, bulk: BulkAction) -> None:
    """Write the counts, the digest, and whether a second person is needed (DESIGN invariant 11)."""
    chosen = _chosen(bulk.id)
    accounts = select(BulkAddress.account_id).where(chosen).distinct()
    excluded = session.execute(
        select(BulkItem.why, func.count())
        .where(BulkItem.bulk_id == bulk.id, BulkItem.state == ItemState.EXCLUDED.value)
        .group_by(BulkItem.why)
    )
    packages, downloads = session.execute(_packages(accounts)).one()
    bulk.items = _count(session, _pending(bulk.id))
    account = BulkAddress.account_id
    high_account = case((BulkAddress.is_high_profile, account))
    tally = select(func.count(), func.count(distinct(account)), func.count(distinct(high_account))).where(chosen)
    bulk.addresses, account_count, high = session.execute(tally).one()
    bulk.counts = {
        "listed": _count(session, select(BulkItem.id).where(BulkItem.bulk_id == bulk.id)),
        "accounts": account_count,
        "sole": _count(session, _losing_the_last(bulk.id)) if bulk.kind == BulkKind.APPROVE else 0,
        "no_second_factor": _count(
            session, select(Account.id).where(Account.id.in_(accounts), Account.two_factor.is_(False))
        ),
        "packages": packages,
        "downloads": int(downloads or 0),
        "top": [list(row) for row in session.execute(_top(accounts))],
        "high_profile": high,
        "high_profile_left_out": _count(session, _left_out(bulk.id)),
        "excluded": {row.why: row[1] for row in excluded},
    }
    policy = policy_of(bulk)
    harms = bulk.kind != BulkKind.OVERRIDE
    bulk.needs_second = harms and (bulk.addresses > policy.second_above or high > 0)
    bulk.digest = digest(session, bulk.id)


def digest(session: Session, bulk_id: int) -> str:
    """Return the SHA-256 (hex) of all that the action would do: cases, versions, evidence, addresses and states."""
    found = hashlib.sha256()
    for lines in (_item_lines(bulk_id), _address_lines(bulk_id)):
        for part in rows_of(session, lines.execution_options(yield_per=5000)).scalars().partitions():
            found.update("".join(part).encode())
    return found.hexdigest()


def _item_lines(bulk_id: int) -> Select[str]:
    line = _line(BulkItem.case_id, BulkItem.case_version, func.coalesce(_text(BulkItem.decision_id), "-"))
    query = select(line + " " + BulkItem.evidence_sha256 + "\n").where(BulkItem.bulk_id == bulk_id)
    return query.where(BulkItem.state == ItemState.PENDING.value).order_by(BulkItem.case_id)


def _address_lines(bulk_id: int) -> Select[str]:
    parts = BulkAddress.address_id, rfc3339_text(BulkAddress.verified_at), BulkAddress.state_token
    return select(_line(*parts) + "\n").where(_chosen(bulk_id)).order_by(BulkAddress.address_id)


def _line(first: Any, *others: Any) -> ColumnElement[str]:
    """Join values with spaces in the database: it is much quicker at it than a row at a time here."""
    line = _text(first)
    for each in others:
        line += " " + func.coalesce(_text(each), "None")
    return line


def _text(value: Any) -> ColumnElement[str]:
    return cast(value, Text)


def _chosen(bulk_id: int) -> ColumnElement[bool]:
    return and_(BulkAddress.bulk_id == bulk_id, BulkAddress.is_chosen)


def _pending(bulk_id: int) -> Select[int]:
    return select(BulkItem.id).where(BulkItem.bulk_id == bulk_id, BulkItem.state == ItemState.PENDING.value)


def _left_out(bulk_id: int) -> Select[int]:
    high = BulkAddress.is_high_profile, BulkAddress.is_chosen.is_(False)
    return select(BulkAddress.account_id).where(BulkAddress.bulk_id == bulk_id, *high).distinct()


def _count(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _losing_the_last(bulk_id: int) -> Select[int]:
    """Select the accounts all of whose verified addresses are in the action."""
    ours, held = aliased(BulkAddress), aliased(Address)
    kept = (
        select(held.id)
        .outerjoin(ours, and_(ours.bulk_id == bulk_id, ours.address_id == held.id, ours.is_chosen))
        .where(held.account_id == BulkAddress.account_id, held.verified, ours.address_id.is_(None))
    )
    return select(BulkAddress.account_id).where(_chosen(bulk_id), ~kept.exists()).distinct()


def _packages(accounts: Select[int]) -> Select[int, int | None]:
    owned = select(AccountPackage.package_id).where(AccountPackage.account_id.in_(accounts))
    return select(func.count(), func.sum(Package.downloads_30d)).where(Package.id.in_(owned))


def _top(accounts: Select[int]) -> Select[str, str, int, bool]:
    """Select the most downloaded packages behind the addresses: name, source, downloads, whether critical."""
    owned = select(AccountPackage.package_id).where(AccountPackage.account_id.in_(accounts))
    return (
        select(Package.name, Source.name, func.coalesce(Package.downloads_30d, 0), Package.critical)
        .join(Source, Source.id == Package.source_id)
        .where(Package.id.in_(owned))
        .order_by(func.coalesce(Package.downloads_30d, 0).desc(), Package.id)
        .limit(TOP)
    )


def _order(session: Session, bulk: BulkAction) -> None:
    """Number the items: those with high-profile accounts first, then the riskiest. A staged action goes backwards."""
    place = func.row_number().over(order_by=(BulkItem.is_high_profile.desc(), Case.risk.desc(), Case.id.desc()))
    ranked = (
        select(BulkItem.id, place.label("place"))
        .join(Case, Case.id == BulkItem.case_id)
        .where(BulkItem.bulk_id == bulk.id)
        .subquery()
    )
    session.execute(
        update(BulkItem)
        .where(BulkItem.id == ranked.c.id)
        .values(position=ranked.c.place)
        .execution_options(synchronize_session=False)
    )

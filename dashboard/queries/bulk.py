"""What the screens of bulk actions show: the list, one action, its cases, its accounts, what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from dashboard.database import on_postgresql
from dashboard.lifecycle.hosts import mask
from dashboard.models import (
    Account,
    AccountPackage,
    Address,
    BulkAction,
    BulkAddress,
    BulkItem,
    BulkState,
    Case,
    Decision,
    Domain,
    ItemState,
    Package,
    Source,
    Staff,
    Unverification,
)
from dashboard.queries.paging import Page, cut, whole

PAGE_SIZE = 50
MAX_ACCOUNTS = 500


@dataclass(frozen=True, slots=True)
class BulkRow:
    """One bulk action as a row of the list."""

    id: int
    kind: str
    state: str
    author: str
    second: str | None
    created_at: datetime
    finished_at: datetime | None
    items: int
    addresses: int
    done_items: int
    done_addresses: int
    skipped_items: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One case of a bulk action; `why` is the code of a reason."""

    id: int
    position: int
    case_id: int
    name: str
    phase: str
    state: str
    why: str
    addresses: int
    changed: int
    evidence_at: datetime | None


@dataclass(frozen=True, slots=True)
class HighProfile:
    """An account that may publish a package of high profile: its most downloaded one, and its addresses here."""

    id: int
    username: str
    source: str
    package: str
    downloads: int
    is_critical: bool
    domains: Sequence[str]
    addresses: int
    is_chosen: bool


def bulk_rows(session: Session, after: str | None, before: str | None, size: int = PAGE_SIZE) -> Page[BulkRow]:
    """Return bulk actions, the newest first, after (or before) a cursor `ID`."""
    author, second = aliased(Staff), aliased(Staff)
    start, end = whole(after), whole(before)
    query: Select[*tuple[Any, ...]] = (
        select(
            BulkAction.id,
            BulkAction.kind,
            BulkAction.state,
            author.email,
            second.email,
            BulkAction.created_at,
            BulkAction.finished_at,
            BulkAction.items,
            BulkAction.addresses,
            BulkAction.done_items,
            BulkAction.done_addresses,
            BulkAction.skipped_items,
        )
        .join(author, author.id == BulkAction.author_id)
        .outerjoin(second, second.id == BulkAction.second_id)
    )
    if end is not None:
        query = query.where(BulkAction.id > end).order_by(BulkAction.id)
    else:
        query = query.order_by(BulkAction.id.desc())
        query = query if start is None else query.where(BulkAction.id < start)
    rows = [BulkRow(*row) for row in session.execute(query.limit(size + 1))]
    return cut(rows, size, lambda row: str(row.id), after=start is not None, before=end is not None)


def find(session: Session, bulk_id: int) -> BulkAction | None:
    """Return a bulk action with its people, None when there is no such one."""
    people = joinedload(BulkAction.author), joinedload(BulkAction.second)
    return session.get(BulkAction, bulk_id, options=people, populate_existing=True)


def working(session: Session) -> Sequence[Row[int, str, str]]:
    """Return `(id, kind, state)` of the actions that run at the moment: what the one-click stop would stop."""
    query = select(BulkAction.id, BulkAction.kind, BulkAction.state)
    # the state stands in the statement itself: the index is partial on it
    return session.execute(query.where(BulkAction.state.in_(["preparing", "running"])).order_by(BulkAction.id)).all()


def item_rows(
    session: Session, bulk_id: int, *, state: str | None, why: str | None, after: str | None, size: int = PAGE_SIZE
) -> Page[ItemRow]:
    """Return cases of an action in their order, after a cursor `POSITION`; narrowed by state and reason."""
    query: Select[*tuple[Any, ...]] = (
        select(
            BulkItem.id,
            BulkItem.position,
            BulkItem.case_id,
            Domain.name,
            Case.phase,
            BulkItem.state,
            BulkItem.why,
            BulkItem.addresses,
            BulkItem.changed,
            BulkItem.evidence_at,
        )
        .join(Case, Case.id == BulkItem.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .where(BulkItem.bulk_id == bulk_id)
        .order_by(BulkItem.position)
        .limit(size + 1)
    )
    if state:
        query = query.where(BulkItem.state == state)
    if why:
        query = query.where(BulkItem.why == why)
    start = whole(after)
    if start is not None:
        query = query.where(BulkItem.position > start)
    rows = [ItemRow(*row) for row in session.execute(query)]
    return cut(rows, size, lambda row: str(row.position), after=start is not None, before=False)


def reasons(session: Session, bulk_id: int, state: ItemState) -> dict[str, int]:
    """Count the cases of an action that are in `state`, by reason, the most frequent first."""
    query = (
        select(BulkItem.why, func.count())
        .where(BulkItem.bulk_id == bulk_id, BulkItem.state == state.value)
        .group_by(BulkItem.why)
        .order_by(func.count().desc(), BulkItem.why)
    )
    return {row.why: row[1] for row in session.execute(query)}


def judged(session: Session, bulk_id: int) -> int:
    """Count the cases of a list that were weighed already."""
    query = select(func.count()).where(BulkItem.bulk_id == bulk_id, BulkItem.judged)
    return session.scalar(query) or 0


def changed_since(session: Session, bulk_id: int) -> int:
    """Count the cases of a preview that have changed since it was made: they would be skipped."""
    query = (
        select(func.count())
        .select_from(BulkItem)
        .join(Case, Case.id == BulkItem.case_id)
        .where(BulkItem.bulk_id == bulk_id, BulkItem.state == ItemState.PENDING.value)
        .where(or_(Case.version != BulkItem.case_version, Case.state.not_in(["open", "decided"])))
    )
    return session.scalar(query) or 0


def high_profile(session: Session, bulk_id: int) -> list[HighProfile]:
    """Return the high-profile accounts that a list reaches, by downloads; up to `MAX_ACCOUNTS`."""
    found = session.execute(
        select(
            Account.id,
            Account.username,
            Source.name.label("source"),
            func.bool_or(BulkAddress.is_chosen).label("chosen")
            if on_postgresql(session)
            else func.max(BulkAddress.is_chosen).label("chosen"),
            func.count(BulkAddress.address_id.distinct()).label("addresses"),
        )
        .join(BulkAddress, BulkAddress.account_id == Account.id)
        .join(Source, Source.id == Account.source_id)
        .where(BulkAddress.bulk_id == bulk_id, BulkAddress.is_high_profile)
        .group_by(Account.id, Account.username, Source.name)
        .order_by(Account.id)
        .limit(MAX_ACCOUNTS)
    ).all()
    ids = [row.id for row in found]
    packages, domains = _packages(session, ids), _domains(session, bulk_id, ids)
    rows = [
        HighProfile(
            row.id, row.username, row.source, *packages[row.id], domains[row.id], row.addresses, bool(row.chosen)
        )
        for row in found
        if row.id in packages
    ]
    return sorted(rows, key=lambda row: (-row.downloads, row.id))


def _packages(session: Session, account_ids: Sequence[int]) -> dict[int, tuple[str, int, bool]]:
    downloads = func.coalesce(Package.downloads_30d, 0)
    rank = func.row_number().over(
        partition_by=AccountPackage.account_id, order_by=(Package.critical.desc(), downloads.desc(), Package.id)
    )
    ranked = (
        select(
            AccountPackage.account_id, Package.name, downloads.label("downloads"), Package.critical, rank.label("n")
        )
        .join(Package, Package.id == AccountPackage.package_id)
        .where(AccountPackage.account_id.in_(account_ids))
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.n == 1))
    return {row.account_id: (row.name, row.downloads, row.critical) for row in rows}


def _domains(session: Session, bulk_id: int, account_ids: Sequence[int]) -> dict[int, list[str]]:
    query = (
        select(BulkAddress.account_id, Domain.name)
        .join(BulkItem, BulkItem.id == BulkAddress.item_id)
        .join(Case, Case.id == BulkItem.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .where(BulkAddress.bulk_id == bulk_id, BulkAddress.account_id.in_(account_ids))
        .distinct()
        .order_by(Domain.name)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for account_id, name in session.execute(query):
        found[account_id].append(name)
    return found


def effects(session: Session, bulk_id: int) -> dict[str, int]:
    """Count the un-verifications of an action by their state: what became of each address."""
    query = (
        select(Unverification.state, func.count())
        .join(Decision, Decision.id == Unverification.decision_id)
        .where(Decision.bulk_id == bulk_id, Unverification.kind == "unverify")
        .group_by(Unverification.state)
        .order_by(Unverification.state)
    )
    return {row.state: row[1] for row in session.execute(query)}


def reverts_of(session: Session, bulk_id: int) -> Sequence[Row[int, str]]:
    """Return `(id, state)` of the actions that take this one back, the newest first."""
    query = select(BulkAction.id, BulkAction.state).where(
        BulkAction.reverts_id == bulk_id, BulkAction.state != BulkState.WITHDRAWN.value
    )
    return session.execute(query.order_by(BulkAction.id.desc())).all()


def members(session: Session, bulk_id: int) -> Sequence[Row[int, int]]:
    """Return `(id, version)` of all cases of a list, as they are now."""
    query = select(Case.id, Case.version).join(BulkItem, BulkItem.case_id == Case.id)
    return session.execute(query.where(BulkItem.bulk_id == bulk_id).order_by(Case.id)).all()


CSV_COLUMNS = ("case", "domain", "result", "why", "account", "source", "address", "address_state", "address_why")


def result_rows(session: Session, bulk_id: int) -> Iterator[tuple[str, ...]]:
    """Yield the result of an action, a row an address (a case without any has one row too); addresses masked."""
    query: Select[*tuple[Any, ...]] = (
        select(
            BulkItem.case_id,
            Domain.name,
            BulkItem.state,
            BulkItem.why,
            Account.username,
            Source.slug,
            Address.local_part,
            Address.host,
            Unverification.state.label("effect"),
            Unverification.settled_why,
            BulkAddress.is_chosen,
        )
        .select_from(BulkItem)
        .join(Case, Case.id == BulkItem.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .outerjoin(BulkAddress, BulkAddress.item_id == BulkItem.id)
        .outerjoin(Address, Address.id == BulkAddress.address_id)
        .outerjoin(Account, Account.id == BulkAddress.account_id)
        .outerjoin(Source, Source.id == BulkAddress.source_id)
        .outerjoin(
            Unverification,
            (Unverification.decision_id == BulkItem.decision_id)
            & (Unverification.address_id == BulkAddress.address_id)
            & (Unverification.kind == "unverify"),
        )
        .where(BulkItem.bulk_id == bulk_id)
        .order_by(BulkItem.position, BulkAddress.address_id)
        .execution_options(yield_per=2000)
    )
    for row in session.execute(query):
        address = mask(row.local_part, row.host) if row.host else ""
        left_out = "left_out" if row.is_chosen is False else ""
        yield (
            str(row.case_id),
            row.name,
            row.state,
            row.why,
            row.username or "",
            row.slug or "",
            address,
            row.effect or left_out,
            row.settled_why or "",
        )

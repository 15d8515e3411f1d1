"""The accounts behind a domain's addresses, with what happened to each since a moment. Addresses come masked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, case, exists, func, null, or_, select, union_all
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.base import ColumnCollection, ReadOnlyColumnCollection

from dashboard.lifecycle.hosts import mask
from dashboard.models import Account, AccountPackage, Address, Package, SecurityEvent, Source

PAGE_SIZE = 50
MAX_PACKAGES = 5
MAX_EVENTS = 20


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """One address of an account, masked; `here` says that it is at the domain in question."""

    id: int
    masked: str
    here: bool
    verified: bool
    verified_at: datetime | None
    primary: bool


@dataclass(frozen=True, slots=True)
class ShownPackage:
    """A package that an account may publish."""

    name: str
    purl: str
    critical: bool
    downloads_30d: int | None
    last_release_at: datetime | None
    role: str | None
    other_owners: int | None


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """Something that happened to an account."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AffectedAccount:
    """An account with an address at the domain; `packages` are the most downloaded of its `package_count`."""

    id: int
    username: str
    source: str
    two_factor: bool | None
    last_active_at: datetime | None
    created_at: datetime | None
    package_count: int
    downloads_30d: int
    here: Sequence[ShownAddress]
    elsewhere: Sequence[ShownAddress]
    packages: Sequence[ShownPackage]
    events: Sequence[ShownEvent]

    @property
    def loses_only_address(self) -> bool:
        """Whether no verified address is left once those at the domain are un-verified."""
        return any(a.verified for a in self.here) and not any(a.verified for a in self.elsewhere)


@dataclass(frozen=True, slots=True)
class AffectedPage:
    """Some of the accounts, those with most to lose first, and whether there are more."""

    accounts: Sequence[AffectedAccount]
    offset: int
    more: bool


def affected_accounts(
    session: Session, domain_id: int, since: datetime, offset: int = 0, size: int = PAGE_SIZE
) -> AffectedPage:
    """Return accounts with an address at the domain: verified ones first, then by only address and downloads.

    A domain has few accounts, so an offset is as good as a cursor here. Events are those after `since`.
    """
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(_with_addresses(domain_id, size + 1, offset)):
        found[row.id].append(row)
    kept = list(found.values())[:size]
    packages, events = _belongings(session, [rows[0].id for rows in kept], since)
    accounts = [_account(rows, domain_id, packages[rows[0].id], events[rows[0].id]) for rows in kept]
    return AffectedPage(accounts, offset, more=len(found) > size)


def _with_addresses(domain_id: int, limit: int, offset: int) -> Select[*tuple[Any, ...]]:
    """Select a stretch of the accounts, each once for every address it has; from here on there is no local part."""
    account = _accounts(domain_id).limit(limit).offset(offset).subquery()
    return (
        select(
            account,
            Address.id.label("address_id"),
            Address.local_part,
            Address.host,
            Address.domain_id,
            Address.verified,
            Address.verified_at,
            Address.is_primary,
        )
        .join(Address, Address.account_id == account.c.id)
        .order_by(*_order(account.c), Address.is_primary.desc(), Address.id)
    )


def _accounts(domain_id: int) -> Select[*tuple[Any, ...]]:
    chosen = (
        select(
            Account.id,
            Account.username,
            Source.name.label("source"),
            Account.two_factor,
            Account.last_active_at,
            Account.account_created_at,
            _package_count().label("package_count"),
            _downloads().label("downloads"),
            _has_verified(here=domain_id).label("verified_here"),
            _has_verified(not_here=domain_id).label("verified_elsewhere"),
        )
        .join(Source, Source.id == Account.source_id)
        .where(Account.id.in_(select(Address.account_id).where(Address.domain_id == domain_id)))
    )
    columns = chosen.selected_columns
    return chosen.order_by(*_order(columns))


def _order(
    account: ReadOnlyColumnCollection[str, ColumnElement[Any]] | ColumnCollection[str, ColumnElement[Any]],
) -> tuple[ColumnElement[Any], ...]:
    """Those with most to lose first."""
    verified = account.verified_here.desc(), account.verified_elsewhere
    return *verified, account.downloads.desc(), account.id


def _has_verified(*, here: int | None = None, not_here: int | None = None) -> ColumnElement[int]:
    """1 where the account has a verified address at the domain `here`, or at another than `not_here`; else 0."""
    address = aliased(Address)
    place = address.domain_id == here
    if not_here is not None:
        place = or_(address.domain_id.is_(None), address.domain_id != not_here)
    return case((exists().where(address.account_id == Account.id, address.verified, place), 1), else_=0)


def _package_count() -> ScalarSelect[int]:
    query = select(func.count()).select_from(AccountPackage).where(AccountPackage.account_id == Account.id)
    return query.correlate(Account).scalar_subquery()


def _downloads() -> ScalarSelect[int]:
    query = (
        select(func.coalesce(func.sum(Package.downloads_30d), 0))
        .join(AccountPackage, AccountPackage.package_id == Package.id)
        .where(AccountPackage.account_id == Account.id)
    )
    return query.correlate(Account).scalar_subquery()


def _account(
    rows: Sequence[Row[Any]],
    domain_id: int,
    packages: Sequence[ShownPackage],
    events: Sequence[ShownEvent],
) -> AffectedAccount:
    """Make an account of its rows, one for each address."""
    row, addresses = rows[0], [_address(each, domain_id) for each in rows]
    return AffectedAccount(
        id=row.id,
        username=row.username,
        source=row.source,
        two_factor=row.two_factor,
        last_active_at=row.last_active_at,
        created_at=row.account_created_at,
        package_count=row.package_count,
        downloads_30d=int(row.downloads),
        here=[address for address in addresses if address.here],
        elsewhere=[address for address in addresses if not address.here],
        packages=packages,
        events=events,
    )


def _address(row: Row[Any], domain_id: int) -> ShownAddress:
    return ShownAddress(
        id=row.address_id,
        masked=mask(row.local_part, row.host),
        here=row.domain_id == domain_id,
        verified=row.verified,
        verified_at=row.verified_at,
        primary=row.is_primary,
    )


def _belongings(
    session: Session, account_ids: Sequence[int], since: datetime
) -> tuple[dict[int, list[ShownPackage]], dict[int, list[ShownEvent]]]:
    """Read each account's most downloaded packages and newest events, both in one statement."""
    packages: dict[int, list[ShownPackage]] = defaultdict(list)
    events: dict[int, list[ShownEvent]] = defaultdict(list)
    both = union_all(_packages(account_ids), _events(account_ids, since))
    for row in session.execute(both.order_by("rank")):
        if row.purl is None:
            events[row.account_id].append(ShownEvent(row.name, row.at))
        else:
            packages[row.account_id].append(_package(row))
    return packages, events


def _packages(account_ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """Select each account's most downloaded packages."""
    downloads = func.coalesce(Package.downloads_30d, 0)
    rank = func.row_number().over(partition_by=AccountPackage.account_id, order_by=(downloads.desc(), Package.id))
    ranked = (
        select(
            AccountPackage.account_id,
            rank.label("rank"),
            Package.name,
            Package.last_release_at.label("at"),
            Package.purl,
            Package.critical,
            Package.downloads_30d,
            AccountPackage.role,
            AccountPackage.other_owners,
        )
        .join(Package, Package.id == AccountPackage.package_id)
        .where(AccountPackage.account_id.in_(account_ids))
        .subquery()
    )
    return select(ranked).where(ranked.c.rank <= MAX_PACKAGES)


def _package(row: Row[Any]) -> ShownPackage:
    return ShownPackage(
        name=row.name,
        purl=row.purl,
        critical=row.critical,
        downloads_30d=row.downloads_30d,
        last_release_at=row.at,
        role=row.role,
        other_owners=row.other_owners,
    )


def _events(account_ids: Sequence[int], since: datetime) -> Select[*tuple[Any, ...]]:
    """Select each account's newest events after `since`, in the columns of packages."""
    rank = func.row_number().over(partition_by=SecurityEvent.account_id, order_by=SecurityEvent.at.desc())
    ranked = (
        select(SecurityEvent.account_id, rank.label("rank"), SecurityEvent.kind, SecurityEvent.at)
        .where(SecurityEvent.account_id.in_(account_ids), SecurityEvent.at > since)
        .subquery()
    )
    return select(ranked, null(), null(), null(), null(), null()).where(ranked.c.rank <= MAX_EVENTS)

"""What would be lost: accounts, second factors, packages and downloads behind the addresses at risk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, Select, and_, case, exists, func, literal, select, true
from sqlalchemy.orm import Session

from dashboard.lifecycle.policy import Policy
from dashboard.lifecycle.risk import Exposure
from dashboard.models import Account, AccountPackage, Address, Package, SecurityEvent
from dashboard.services.policy.profile import high_profile
from dashboard.services.sql import among

RESETS = ("password_reset_requested", "password_reset")
CREDENTIALS = ("email_changed", "two_factor_changed")
TOGETHER = 5000
"""Addresses whose accounts are read together."""


def exposure(session: Session, domain_id: int, address_ids: Collection[int], since: datetime | None) -> Exposure:
    """Count what hangs on `address_ids` of the domain, in one statement.

    Releases and events are counted after `since`, the lapse. Packages and their downloads count once, however many of
    the accounts may publish them.
    """
    return _exposure(session.execute(_counted(domain_id, address_ids, since)).one(), address_ids)


def exposure_and_profile(
    session: Session, domain_id: int, address_ids: Collection[int], since: datetime | None, policy: Policy
) -> tuple[Exposure, bool]:
    """The same, and whether one of the accounts may publish a package of high profile, in the same statement."""
    row = session.execute(_counted(domain_id, address_ids, since, _any(high_profile(policy)))).one()
    return _exposure(row, address_ids), bool(row.is_high)


@dataclass(frozen=True, slots=True)
class Stake:
    """What `exposure` asks for one domain, whose addresses `address_ids` are."""

    domain_id: int
    address_ids: Collection[int]
    since: datetime | None


def exposures(session: Session, stakes: Sequence[Stake]) -> dict[int, Exposure]:
    """Return what `exposure` returns for each of `stakes`, by domain, in a few statements however many they are.

    Three, and one for each time among their `since`. Rows are counted here, so a domain with very many addresses is
    left to the single form, which counts in the database.
    """
    found: dict[int, Exposure] = {}
    for part in _parts(stakes):
        if len(part) == 1:
            found[part[0].domain_id] = exposure(session, part[0].domain_id, part[0].address_ids, part[0].since)
        else:
            found |= _together(session, part)
    return found


def _parts(stakes: Sequence[Stake]) -> Iterator[list[Stake]]:
    """Part the stakes so that none brings more than `TOGETHER` addresses, unless it is alone."""
    part: list[Stake] = []
    size = 0
    for stake in stakes:
        if part and size + len(stake.address_ids) > TOGETHER:
            yield part
            part, size = [], 0
        part.append(stake)
        size += len(stake.address_ids)
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class _Package:
    """A package that an account may publish."""

    id: int
    downloads_30d: int | None
    last_release_at: datetime | None


def _together(session: Session, stakes: Sequence[Stake]) -> dict[int, Exposure]:
    """Read what belongs to the accounts of all stakes at once, and count it for each."""
    account_of, factors = _accounts(session, [ident for stake in stakes for ident in stake.address_ids])
    at = _verified_at(session, factors)
    packages = _packages_of(session, factors)
    found = {}
    for since in {stake.since for stake in stakes}:
        same = [stake for stake in stakes if stake.since == since]
        owners = {stake.domain_id: {account_of[ident] for ident in stake.address_ids} for stake in same}
        happened = _events_of(session, {each for accounts in owners.values() for each in accounts}, since)
        for stake in same:
            accounts = owners[stake.domain_id]
            theirs = {package.id: package for each in accounts for package in packages[each]}
            counts = sum((happened[each] for each in accounts if each in happened), Counter[str]())
            found[stake.domain_id] = Exposure(
                addresses=len(stake.address_ids),
                accounts=len(accounts),
                only_address_accounts=sum(not at[each] - {stake.domain_id} for each in accounts),
                no_second_factor_accounts=sum(factors[each] is False for each in accounts),
                packages=len(theirs),
                downloads_30d=sum(package.downloads_30d or 0 for package in theirs.values()),
                released_after=_released_since(theirs.values(), since),
                resets_after=sum(counts[kind] for kind in RESETS),
                credentials_after=sum(counts[kind] for kind in CREDENTIALS),
                tokens_after=counts["token_created"],
                sign_ins_after=counts["login"],
            )
    return found


def _accounts(session: Session, address_ids: Collection[int]) -> tuple[dict[int, int], dict[int, bool | None]]:
    """Return each address's account, and whether each account has a second factor."""
    rows = session.execute(
        select(Address.id, Address.account_id, Account.two_factor)
        .join(Account, Account.id == Address.account_id)
        .where(among(Address.id, address_ids))
    ).all()
    return {row.id: row.account_id for row in rows}, {row.account_id: row.two_factor for row in rows}


def _verified_at(session: Session, accounts: Collection[int]) -> Mapping[int, set[int | None]]:
    """Return the domains at which each account has a verified address; None stands for those never checked."""
    query = select(Address.account_id, Address.domain_id).where(among(Address.account_id, accounts), Address.verified)
    found: dict[int, set[int | None]] = defaultdict(set)
    for row in session.execute(query):
        found[row.account_id].add(row.domain_id)
    return found


def _packages_of(session: Session, accounts: Collection[int]) -> Mapping[int, list[_Package]]:
    query = (
        select(AccountPackage.account_id, Package.id, Package.downloads_30d, Package.last_release_at)
        .join(Package, Package.id == AccountPackage.package_id)
        .where(among(AccountPackage.account_id, accounts))
    )
    found: dict[int, list[_Package]] = defaultdict(list)
    for row in session.execute(query):
        found[row.account_id].append(_Package(row.id, row.downloads_30d, row.last_release_at))
    return found


def _released_since(packages: Iterable[_Package], since: datetime | None) -> int:
    times = [package.last_release_at for package in packages] if since is not None else []
    return sum(time is not None and since is not None and time > since for time in times)


def _events_of(session: Session, accounts: Collection[int], since: datetime | None) -> Mapping[int, Counter[str]]:
    """Count what the source reported of each account after `since`, by kind."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if since is None:
        return found
    query = select(SecurityEvent.account_id, SecurityEvent.kind, func.count()).where(
        among(SecurityEvent.account_id, accounts), SecurityEvent.at > since
    )
    for account_id, kind, count in session.execute(query.group_by(SecurityEvent.account_id, SecurityEvent.kind)):
        found[account_id][kind] = count
    return found


def _exposure(row: Row[Any], address_ids: Collection[int]) -> Exposure:
    return Exposure(
        addresses=len(address_ids),
        accounts=row.accounts,
        only_address_accounts=row.only_address,
        no_second_factor_accounts=row.no_second_factor,
        packages=row.packages,
        downloads_30d=int(row.downloads or 0),
        released_after=int(row.released or 0),
        resets_after=int(row.resets or 0),
        credentials_after=int(row.credentials or 0),
        tokens_after=int(row.tokens or 0),
        sign_ins_after=int(row.sign_ins or 0),
    )


def _counted(
    domain_id: int, address_ids: Collection[int], since: datetime | None, *of_packages: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """Select all counts as one row; `of_packages`: more columns over the packages."""
    owners = select(Address.account_id.label("id")).where(among(Address.id, address_ids)).distinct().cte("owners")
    packages, events = _packages(owners, since, *of_packages).subquery(), _events(owners, since).subquery()
    everyone = select(func.count()).select_from(owners)
    without = everyone.join(Account, Account.id == owners.c.id).where(Account.two_factor.is_(False))
    return select(
        everyone.scalar_subquery().label("accounts"),
        everyone.where(~_other_verified(owners, domain_id)).scalar_subquery().label("only_address"),
        without.scalar_subquery().label("no_second_factor"),
        packages,
        events,
    ).select_from(packages.join(events, true()))


def _other_verified(owners: CTE, domain_id: int) -> ColumnElement[bool]:
    """Whether the account has a verified address at another domain, so that it keeps a way back."""
    elsewhere = (Address.domain_id.is_(None)) | (Address.domain_id != domain_id)
    return exists().where(and_(Address.account_id == owners.c.id, Address.verified, elsewhere))


def _packages(owners: CTE, since: datetime | None, *more: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    theirs = select(AccountPackage.package_id).where(AccountPackage.account_id.in_(select(owners.c.id)))
    released = literal(0) if since is None else _sum(Package.last_release_at > since)
    return select(
        func.count().label("packages"),
        func.sum(Package.downloads_30d).label("downloads"),
        released.label("released"),
        *more,
    ).where(Package.id.in_(theirs))


def _events(owners: CTE, since: datetime | None) -> Select[*tuple[Any, ...]]:
    """Count what the source reported of the accounts after `since`; without it, nothing."""
    kind = SecurityEvent.kind
    columns = {
        "resets": kind.in_(RESETS),
        "credentials": kind.in_(CREDENTIALS),
        "tokens": kind == "token_created",
        "sign_ins": kind == "login",
    }
    if since is None:
        return select(*(literal(0).label(name) for name in columns))
    return select(*(_sum(condition).label(name) for name, condition in columns.items())).where(
        SecurityEvent.account_id.in_(select(owners.c.id)), SecurityEvent.at > since
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))


def _any(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.max(case((condition, 1), else_=0)).label("is_high")

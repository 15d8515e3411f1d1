"""What would be lost: accounts, second factors, packages and downloads behind the addresses at risk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.risk import Exposure
from dashboard.models import Account, AccountPackage, Address, Package, SecurityEvent

RESETS = ("password_reset_requested", "password_reset")
CREDENTIALS = ("email_changed", "two_factor_changed")
CHUNK = 10_000
"""Ids in one statement, well under the databases' limits on parameters."""
TOGETHER = 5000
"""Addresses whose accounts are read together."""


def exposure(session: Session, domain_id: int, address_ids: Collection[int], since: datetime | None) -> Exposure:
    """Count what hangs on `address_ids` of the domain; releases and events are counted after `since`, the lapse.

    Packages and their downloads count once, however many of the accounts may publish them.
    """
    chosen = (
        Address.id.in_(address_ids)
        if len(address_ids) <= CHUNK
        else and_(Address.domain_id == domain_id, Address.verified)
    )
    accounts = select(Address.account_id).where(chosen).distinct()
    happened = _events_after(session, accounts, since)
    packages, downloads = session.execute(_packages(accounts)).one()
    return Exposure(
        addresses=len(address_ids),
        accounts=_count(session, accounts),
        only_address_accounts=_count(session, accounts.where(~_other_verified(domain_id))),
        no_second_factor_accounts=_count(session, _without_second_factor(accounts)),
        packages=packages,
        downloads_30d=int(downloads or 0),
        released_after=_released_after(session, accounts, since),
        resets_after=sum(happened.get(kind, 0) for kind in RESETS),
        credentials_after=sum(happened.get(kind, 0) for kind in CREDENTIALS),
        tokens_after=happened.get("token_created", 0),
        sign_ins_after=happened.get("login", 0),
    )


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
        .where(Address.id.in_(address_ids))
    ).all()
    return {row.id: row.account_id for row in rows}, {row.account_id: row.two_factor for row in rows}


def _verified_at(session: Session, accounts: Iterable[int]) -> Mapping[int, set[int | None]]:
    """Return the domains at which each account has a verified address; None stands for those never checked."""
    query = select(Address.account_id, Address.domain_id).where(Address.account_id.in_(accounts), Address.verified)
    found: dict[int, set[int | None]] = defaultdict(set)
    for row in session.execute(query):
        found[row.account_id].add(row.domain_id)
    return found


def _packages_of(session: Session, accounts: Iterable[int]) -> Mapping[int, list[_Package]]:
    query = (
        select(AccountPackage.account_id, Package.id, Package.downloads_30d, Package.last_release_at)
        .join(Package, Package.id == AccountPackage.package_id)
        .where(AccountPackage.account_id.in_(accounts))
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
        SecurityEvent.account_id.in_(accounts), SecurityEvent.at > since
    )
    for account_id, kind, count in session.execute(query.group_by(SecurityEvent.account_id, SecurityEvent.kind)):
        found[account_id][kind] = count
    return found


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _other_verified(domain_id: int) -> ColumnElement[bool]:
    """Whether the account has a verified address at another domain, so that it keeps a way back."""
    other = aliased(Address)
    elsewhere = (other.domain_id.is_(None)) | (other.domain_id != domain_id)
    return exists().where(and_(other.account_id == Address.account_id, other.verified, elsewhere))


def _without_second_factor(accounts: Select[int]) -> Select[int]:
    return select(Account.id).where(Account.id.in_(accounts), Account.two_factor.is_(False))


def _package_ids(accounts: Select[int]) -> Select[int]:
    return select(AccountPackage.package_id).where(AccountPackage.account_id.in_(accounts))


def _packages(accounts: Select[int]) -> Select[int, int | None]:
    return select(func.count(), func.sum(Package.downloads_30d)).where(Package.id.in_(_package_ids(accounts)))


def _released_after(session: Session, accounts: Select[int], since: datetime | None) -> int:
    if since is None:
        return 0
    query = select(func.count()).where(Package.id.in_(_package_ids(accounts)), Package.last_release_at > since)
    return session.scalar(query) or 0


def _events_after(session: Session, accounts: Select[int], since: datetime | None) -> dict[str, int]:
    """Count what the source reported of the accounts after `since`, by kind."""
    if since is None:
        return {}
    query = select(SecurityEvent.kind, func.count()).where(
        SecurityEvent.account_id.in_(accounts), SecurityEvent.at > since
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(SecurityEvent.kind))}

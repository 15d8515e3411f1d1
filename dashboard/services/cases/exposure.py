"""What would be lost: accounts, second factors, packages and downloads behind the addresses at risk."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.risk import Exposure
from dashboard.models import Account, AccountPackage, Address, Package, SecurityEvent

RESETS = ("password_reset_requested", "password_reset")
CREDENTIALS = ("email_changed", "two_factor_changed")
CHUNK = 10_000
"""Ids in one statement, well under the databases' limits on parameters."""


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

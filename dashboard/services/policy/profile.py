"""Which packages are of high profile, asked of the database."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.policy import Policy
from dashboard.models import AccountPackage, Package
from dashboard.services.sql import among


def high_profile(policy: Policy) -> ColumnElement[bool]:
    """Return the condition on `Package` that `lifecycle.policy.is_high_profile` states of one package."""
    popular = Package.downloads_30d >= policy.high_profile_downloads
    return popular | Package.critical if policy.high_profile_critical else popular


def high_profile_accounts(session: Session, policy: Policy, account_ids: Collection[int]) -> set[int]:
    """Return those of `account_ids` that may publish a package of high profile."""
    query = (
        select(AccountPackage.account_id)
        .join(Package, Package.id == AccountPackage.package_id)
        .where(among(AccountPackage.account_id, account_ids), high_profile(policy))
    )
    return set(session.scalars(query))

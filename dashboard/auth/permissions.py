"""Who may do what: one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from dashboard.models import Role


class Permission(StrEnum):
    """Something a view asks for, as `scope:action`."""

    OVERVIEW_READ = "overview:read"
    ME_EDIT = "me:edit"
    VIEWS_MANAGE = "views:manage"
    CASES_READ = "cases:read"
    CASES_DECIDE = "cases:decide"
    TAKEOVERS_REPORT = "takeovers:report"
    CASES_TAKE_OVER = "cases:takeover"
    BULK_READ = "bulk:read"
    BULK_RUN = "bulk:run"
    BULK_APPROVE = "bulk:approve"
    BULK_STOP = "bulk:stop"
    DOMAINS_READ = "domains:read"
    DOMAINS_CHECK = "domains:check"
    STATISTICS_READ = "statistics:read"
    STATISTICS_EXPORT = "statistics:export"
    AUDIT_READ = "audit:read"
    STAFF_MANAGE = "staff:manage"
    SOURCES_MANAGE = "sources:manage"
    BRAKES_MANAGE = "brakes:manage"
    POLICY_MANAGE = "policy:manage"
    REASONS_MANAGE = "reasons:manage"
    ALLOW_LIST_READ = "allowlist:read"
    ALLOW_LIST_MANAGE = "allowlist:manage"
    ACCOUNTS_READ = "accounts:read"
    ADDRESSES_REVEAL = "addresses:reveal"
    PROVIDERS_READ = "providers:read"


_READ = frozenset(
    {
        Permission.OVERVIEW_READ,
        Permission.ME_EDIT,
        Permission.CASES_READ,
        Permission.BULK_READ,
        Permission.DOMAINS_READ,
        Permission.ALLOW_LIST_READ,
        Permission.ACCOUNTS_READ,
        Permission.STATISTICS_READ,
        Permission.STATISTICS_EXPORT,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    # triages and decides; prepares, runs and stops bulk actions
    Role.REVIEWER: _READ
    | {Permission.CASES_DECIDE, Permission.DOMAINS_CHECK, Permission.ADDRESSES_REVEAL, Permission.TAKEOVERS_REPORT}
    | {Permission.BULK_RUN, Permission.BULK_STOP},
    # may do everything, and alone be the second person of a large action
    Role.ADMIN: frozenset(Permission),
    # reads and verifies, changes nothing
    Role.AUDITOR: _READ | {Permission.AUDIT_READ},
}

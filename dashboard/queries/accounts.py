"""One account for support: its addresses with all that was done to them, packages, security history, and cases.

Addresses come masked, and nothing here leads back to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CompoundSelect, func, select, union
from sqlalchemy.orm import Session, joinedload

from dashboard.lifecycle.hosts import mask
from dashboard.models import (
    Account,
    AccountPackage,
    Address,
    Case,
    Decision,
    Domain,
    Package,
    SecurityEvent,
    Source,
    Staff,
    Unverification,
)
from dashboard.models.case import decided_by
from dashboard.queries.affected import ShownEvent, ShownPackage

MOST_FOUND = 50
MOST_PACKAGES = 100
MOST_EVENTS = 200


@dataclass(frozen=True, slots=True)
class AddressEffect:
    """One thing done, or to be done, to an address: `kind` is `unverify` or `revert`."""

    kind: str
    effect: str
    state: str
    reason: str
    decided_at: datetime
    settled_at: datetime | None
    settled_why: str | None
    case_id: int


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """One address of the account; `effects` the newest first. `domain` is None where it is never checked."""

    id: int
    masked: str
    verified: bool
    verified_at: datetime | None
    primary: bool
    unchecked: str | None
    domain: str | None
    phase: str | None
    case_id: int | None
    case_state: str | None
    effects: Sequence[AddressEffect]
    kept: AccountDecision | None


@dataclass(frozen=True, slots=True)
class AccountDecision:
    """A decision on a case of one of the account's domains."""

    id: int
    case_id: int
    domain: str
    kind: str
    reason_code: str
    decided_at: datetime
    by: str
    reverted_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything the page of one account shows; `package_count` and `event_count` count also what is left out."""

    id: int
    external_id: str
    username: str
    source: str
    two_factor: bool | None
    last_active_at: datetime | None
    created_at: datetime | None
    addresses: Sequence[AccountAddress]
    packages: Sequence[ShownPackage]
    package_count: int
    events: Sequence[ShownEvent]
    event_count: int
    decisions: Sequence[AccountDecision]

    @property
    def has_verified(self) -> bool:
        """Whether any address of the account is verified."""
        return any(address.verified for address in self.addresses)


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account as a search shows it."""

    id: int
    external_id: str
    username: str
    source: str
    addresses: int
    verified: int


def account_page(session: Session, account_id: int) -> AccountPage | None:
    """Collect the page of an account in a handful of statements, None when there is no such account."""
    account = session.get(Account, account_id, options=[joinedload(Account.source)])
    if account is None:
        return None
    decisions = _decisions(session, account_id)
    count = select(func.count()).select_from
    return AccountPage(
        id=account.id,
        external_id=account.external_id,
        username=account.username,
        source=account.source.name,
        two_factor=account.two_factor,
        last_active_at=account.last_active_at,
        created_at=account.account_created_at,
        addresses=_addresses(session, account_id, decisions),
        packages=_packages(session, account_id),
        package_count=session.scalar(count(AccountPackage).where(AccountPackage.account_id == account_id)) or 0,
        events=_events(session, account_id),
        event_count=session.scalar(count(SecurityEvent).where(SecurityEvent.account_id == account_id)) or 0,
        decisions=decisions,
    )


def found_accounts(session: Session, ids: Collection[int]) -> list[FoundAccount]:
    """Return the accounts of `ids` as a search shows them."""
    addresses = select(func.count()).where(Address.account_id == Account.id)
    query = (
        select(
            Account.id,
            Account.external_id,
            Account.username,
            Source.name,
            addresses.scalar_subquery(),
            addresses.where(Address.verified).scalar_subquery(),
        )
        .join(Source, Source.id == Account.source_id)
        .where(Account.id.in_(ids))
        .order_by(Account.username, Source.name, Account.id)
    )
    return [FoundAccount(*row) for row in session.execute(query)]


def accounts_called(session: Session, name: str) -> Sequence[int]:
    """Return the ids of accounts with this name, or this id at their source; at most `MOST_FOUND`."""
    return session.scalars(called(name)).all()


def called(name: str) -> CompoundSelect[int]:
    """Select these ids: those of the id by an index, which OR would not use; those of the name have none.

    One would cost every import a tenth of its speed; to read a million names takes a fraction of a second.
    """
    at_a_source = Account.source_id.in_(select(Source.id))
    theirs = select(Account.id).where(at_a_source, Account.external_id == name)
    named = select(Account.id).where(func.lower(Account.username) == func.lower(name))
    return union(theirs, named).order_by("id").limit(MOST_FOUND)


def _addresses(session: Session, account_id: int, decisions: Sequence[AccountDecision]) -> list[AccountAddress]:
    effects = _effects(session, account_id)
    latest: dict[str, AccountDecision] = {}
    for decision in decisions:
        latest.setdefault(decision.domain, decision)
    query = (
        select(Address, Domain.name, Domain.phase, Case.id.label("case_id"), Case.state)
        .outerjoin(Domain, Domain.id == Address.domain_id)
        .outerjoin(Case, Case.domain_id == Domain.id)
        .where(Address.account_id == account_id)
        .order_by(Address.is_primary.desc(), Address.id)
    )
    return [
        AccountAddress(
            id=row.Address.id,
            masked=mask(row.Address.local_part, row.Address.host),
            verified=row.Address.verified,
            verified_at=row.Address.verified_at,
            primary=row.Address.is_primary,
            unchecked=row.Address.unchecked,
            domain=row.name,
            phase=row.phase,
            case_id=row.case_id,
            case_state=row.state,
            effects=effects[row.Address.id],
            kept=_kept(latest.get(row.name)),
        )
        for row in session.execute(query)
    ]


def _kept(decision: AccountDecision | None) -> AccountDecision | None:
    """Return the last decision on a domain where it was to keep its addresses verified."""
    holds = decision is not None and decision.kind == "override" and decision.reverted_at is None
    return decision if holds else None


def _effects(session: Session, account_id: int) -> dict[int, list[AddressEffect]]:
    item = Unverification
    query = (
        select(
            item.address_id,
            item.kind,
            item.effect,
            item.state,
            item.reason,
            item.decided_at,
            item.settled_at,
            item.settled_why,
            Decision.case_id,
        )
        .join(Decision, Decision.id == item.decision_id)
        .where(item.address_id.in_(select(Address.id).where(Address.account_id == account_id)))
        .order_by(item.id.desc())
    )
    found: dict[int, list[AddressEffect]] = defaultdict(list)
    for row in session.execute(query):
        values = row._asdict()
        found[values.pop("address_id")].append(AddressEffect(**values))
    return found


def _decisions(session: Session, account_id: int) -> list[AccountDecision]:
    """Return the decisions on the cases of the account's domains, the newest first."""
    domains = select(Address.domain_id).where(Address.account_id == account_id)
    query = (
        select(
            Decision.id,
            Decision.case_id,
            Domain.name,
            Decision.kind,
            Decision.reason_code,
            Decision.decided_at,
            Staff.email,
            Decision.policy_version,
            Decision.reverted_at,
        )
        .select_from(Decision)
        .join(Case, Case.id == Decision.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .where(Case.domain_id.in_(domains))
        .order_by(Decision.id.desc())
    )
    return [
        AccountDecision(
            id=row.id,
            case_id=row.case_id,
            domain=row.name,
            kind=row.kind,
            reason_code=row.reason_code,
            decided_at=row.decided_at,
            by=decided_by(row.email, row.policy_version),
            reverted_at=row.reverted_at,
        )
        for row in session.execute(query)
    ]


def _packages(session: Session, account_id: int) -> list[ShownPackage]:
    query = (
        select(
            Package.name,
            Package.purl,
            Package.critical,
            Package.downloads_30d,
            Package.last_release_at,
            AccountPackage.role,
            AccountPackage.other_owners,
        )
        .join(Package, Package.id == AccountPackage.package_id)
        .where(AccountPackage.account_id == account_id)
        .order_by(func.coalesce(Package.downloads_30d, 0).desc(), Package.id)
        .limit(MOST_PACKAGES)
    )
    return [ShownPackage(*row) for row in session.execute(query)]


def _events(session: Session, account_id: int) -> list[ShownEvent]:
    query = (
        select(SecurityEvent.kind, SecurityEvent.at)
        .where(SecurityEvent.account_id == account_id)
        .order_by(SecurityEvent.at.desc(), SecurityEvent.id.desc())
        .limit(MOST_EVENTS)
    )
    return [ShownEvent(*row) for row in session.execute(query)]

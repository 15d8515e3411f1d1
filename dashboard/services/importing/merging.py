"""The second pass: staged rows become domains, accounts, addresses, packages and events, only where they differ.

Staged tables are joined outwards only, also where a partner is certain: without statistics SQLite would else walk all
accounts of the source and look each up among the staged rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    FromClause,
    Table,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from dashboard.database import Base
from dashboard.models import Account, AccountPackage, Address, Domain, Package, SecurityEvent, Source
from dashboard.services.importing import staging
from dashboard.services.importing.chunk import Chunk

Values = Mapping[str, Any]
"""SQL expressions by column name."""


@dataclass(frozen=True, slots=True)
class Merged:
    """How many rows a merge added or altered, and how many domains it added, now due."""

    changed: int = 0
    domains_new: int = 0


def merge(session: Session, source_id: int, chunk: Chunk, now: datetime) -> Merged:
    """Merge one chunk within the caller's transaction; `now` (domain clock) is when its new domains are due."""
    # One writer a source: two imports that take the same rows in another order would deadlock.
    session.execute(select(Source.id).where(Source.id == source_id).with_for_update(key_share=True))
    staging.stage(session, chunk)
    domains = _domains(session, now) if chunk.addresses else 0
    changed = _accounts(session, source_id) if chunk.accounts else 0
    changed += _addresses(session, source_id) if chunk.addresses else 0
    changed += _packages(session, source_id) + _owners(session, source_id) if chunk.owners else 0
    changed += _events(session, source_id) if chunk.events else 0
    staging.unstage(session)
    return Merged(changed, domains)


def _domains(session: Session, now: datetime) -> int:
    staged = staging.addresses.c
    known = select(Domain.id).where(Domain.name == staged.domain).exists()
    fresh = (
        select(staged.domain, literal(now, Domain.created_at.type), literal(now, Domain.next_check_at.type))
        .distinct()
        .where(staged.domain.is_not(None), ~known)
        .order_by(staged.domain)
    )
    insert = _insert(session, Domain).from_select(["name", "created_at", "next_check_at"], fresh)
    return _rowcount(session, insert.on_conflict_do_nothing(index_elements=["name"]))


def _accounts(session: Session, source_id: int) -> int:
    staged, old = staging.accounts.c, aliased(Account)
    key: Values = {"source_id": literal(source_id), "external_id": staged.external_id}
    values: Values = {
        "username": staged.username,
        # What a source no longer tells stays known.
        "two_factor": func.coalesce(staged.two_factor, old.two_factor),
        "last_active_at": func.coalesce(staged.last_active_at, old.last_active_at),
        "account_created_at": func.coalesce(staged.account_created_at, old.account_created_at),
    }
    return _upsert(session, Account, old, staging.accounts, key, values)


def _addresses(session: Session, source_id: int) -> int:
    staged, old = staging.addresses.c, aliased(Address)
    joined = staging.addresses.outerjoin(Account, _account_is(source_id, staged.account)).outerjoin(
        Domain, Domain.name == staged.domain
    )
    # Another host is another mailbox: what is known of the former one does not carry over.
    same_host = func.coalesce(old.host == staged.host, false())
    values: Values = {
        "local_part": staged.local_part,
        "host": staged.host,
        "domain_id": Domain.id,
        "unchecked": staged.unchecked,
        "verified": staged.verified,
        "verified_at": case(
            (and_(same_host, staged.verified), func.coalesce(staged.verified_at, old.verified_at)),
            else_=staged.verified_at,
        ),
        "first_verified_at": case(
            (~same_host, staged.verified_at),
            (old.first_verified_at.is_(None), staged.verified_at),
            (staged.verified_at < old.first_verified_at, staged.verified_at),
            else_=old.first_verified_at,
        ),
        "is_primary": staged.is_primary,
        "state_token": staged.state_token,
    }
    key: Values = {"source_id": literal(source_id), "external_id": staged.external_id}
    return _upsert(session, Address, old, joined, key, values, {"account_id": Account.id})


def _packages(session: Session, source_id: int) -> int:
    staged, old = staging.packages.c, aliased(Package)
    key: Values = {"source_id": literal(source_id), "purl": staged.purl}
    values: Values = {
        "name": staged.name,
        "critical": func.coalesce(staged.critical, old.critical, false()),
        "downloads_30d": func.coalesce(staged.downloads_30d, old.downloads_30d),
        "last_release_at": func.coalesce(staged.last_release_at, old.last_release_at),
    }
    return _upsert(session, Package, old, staging.packages, key, values)


def _owners(session: Session, source_id: int) -> int:
    staged, old = staging.owners.c, aliased(AccountPackage)
    joined = staging.owners.outerjoin(Account, _account_is(source_id, staged.account)).outerjoin(
        Package, and_(Package.source_id == source_id, Package.purl == staged.purl)
    )
    values: Values = {
        "role": func.coalesce(staged.role, old.role),
        "other_owners": func.coalesce(staged.other_owners, old.other_owners),
    }
    key: Values = {"account_id": Account.__table__.c.id, "package_id": Package.__table__.c.id}
    return _upsert(session, AccountPackage, old, joined, key, values)


def _events(session: Session, source_id: int) -> int:
    staged = staging.events.c
    fresh = (
        select(Account.id, staged.kind, staged.at)
        .select_from(staging.events.outerjoin(Account, _account_is(source_id, staged.account)))
        .distinct()
        .where(true())  # SQLite needs a condition here, or takes ON CONFLICT for a join
    )
    insert = _insert(session, SecurityEvent).from_select(["account_id", "kind", "at"], fresh)
    return _rowcount(session, insert.on_conflict_do_nothing(index_elements=["account_id", "kind", "at"]))


def _account_is(source_id: int, external_id: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(Account.source_id == source_id, Account.external_id == external_id)


def _upsert(
    session: Session,
    model: type[Base],
    old: Any,
    staged: FromClause,
    key: Values,
    values: Values,
    added: Values | None = None,
) -> int:
    """Add the staged rows whose `key` is new, alter those whose `values` differ from `old`; return how many.

    `added` are columns set once, for new rows. Unchanged rows are left out of the SELECT already, so that they cost
    no lock and no write.
    """
    found = and_(*(getattr(old, name) == value for name, value in key.items()))
    differs = or_(*(getattr(old, name).is_distinct_from(value) for name, value in values.items()))
    columns = {**key, **values, **(added or {})}
    rows = (
        select(*columns.values())
        .select_from(staged.outerjoin(old, found))
        .where(or_(getattr(old, next(iter(key))).is_(None), differs))
    )
    insert = _insert(session, model).from_select(list(columns), rows)
    return _rowcount(
        session,
        insert.on_conflict_do_update(index_elements=list(key), set_={name: insert.excluded[name] for name in values}),
    )


def _insert(session: Session, model: type[Base]) -> Any:
    """Return the dialect's own INSERT: standard SQL has no ON CONFLICT."""
    table = cast("Table", model.__table__)
    return (postgresql if session.connection().dialect.name == "postgresql" else sqlite).insert(table)


def _rowcount(session: Session, statement: Any) -> int:
    result = session.execute(statement, execution_options={"preserve_rowcount": True})
    return cast("CursorResult[Any]", result).rowcount

"""What belongs to accounts: their part in packages, and their security events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Table, func, or_
from sqlalchemy.orm import Session

from dashboard.database import Base, dialect_insert
from dashboard.models import AccountPackage, SecurityEvent
from dashboard.services.importing.chunk import Row

Ids = Mapping[str, int]


def merge_owners(session: Session, owners: Sequence[Row], accounts: Ids, packages: Ids) -> int:
    """Note who may publish what; returns how many rows that changed. What a source does not tell stays known."""
    rows = {
        (accounts[account], packages[purl]): {"role": role, "other_owners": others}
        for _line, account, purl, role, others in owners
        if account in accounts and purl in packages
    }
    insert = _insert(session, AccountPackage)
    kept, new = AccountPackage.__table__.c, insert.excluded
    values = {name: func.coalesce(new[name], kept[name]) for name in ("role", "other_owners")}
    statement = insert.on_conflict_do_update(
        index_elements=["account_id", "package_id"],
        set_=values,
        where=or_(*(value.is_distinct_from(kept[name]) for name, value in values.items())),
    )
    return _execute(
        session, statement, [{"account_id": key[0], "package_id": key[1], **values} for key, values in rows.items()]
    )


def merge_events(session: Session, events: Sequence[Row], accounts: Ids) -> int:
    """Note what happened to accounts; returns how many events were new."""
    rows = [
        {"account_id": accounts[account], "kind": kind, "at": datetime.fromisoformat(f"{at}+00:00")}
        for account, kind, at in events
    ]
    statement = _insert(session, SecurityEvent).on_conflict_do_nothing(index_elements=["account_id", "kind", "at"])
    return _execute(session, statement, rows)


def _insert(session: Session, model: type[Base]) -> Any:
    """Return the dialect's own INSERT: standard SQL has no ON CONFLICT."""
    return dialect_insert(session)(cast("Table", model.__table__))


def _execute(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> int:
    """Run `statement` for all rows at once and return how many it changed."""
    if not rows:
        return 0
    result = session.connection().execute(statement, rows, execution_options={"preserve_rowcount": True})
    return cast("CursorResult[Any]", result).rowcount

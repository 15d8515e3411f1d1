"""The baseline of imports: ORM objects, one commit a row."""

from __future__ import annotations

import csv
import time
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.database import db
from dashboard.models import Account, Address, Domain, Source


def rows_per_second(file: Path, rows: int, now: datetime) -> float:
    """Import the first `rows` of a CSV file of accounts, look each object up, commit each row."""
    session = db.session()
    source = session.scalars(select(Source)).one()
    with file.open(newline="") as lines:
        started, done = time.perf_counter(), 0
        for row in csv.DictReader(lines):
            _store(session, source.id, row, now)
            session.commit()
            done += 1
            if done >= rows:
                break
    return done / (time.perf_counter() - started)


def _store(session: Session, source_id: int, row: dict[str, str], now: datetime) -> None:
    name = row["email"].rpartition("@")[2]
    domain = session.scalar(select(Domain).where(Domain.name == name)) or Domain(
        name=name, created_at=now, next_check_at=now
    )
    account = session.scalar(
        select(Account).where(Account.source_id == source_id, Account.external_id == row["account_id"])
    ) or Account(source_id=source_id, external_id=row["account_id"], username=row["username"])
    account.two_factor, account.last_active_at = (
        row["two_factor"] == "true",
        datetime.fromisoformat(row["last_active_at"]),
    )
    verified_at = datetime.fromisoformat(row["verified_at"])
    session.add(
        Address(
            source_id=source_id,
            account=account,
            domain=domain,
            external_id=row["address_id"],
            local_part=row["email"].rpartition("@")[0],
            host=name,
            verified=True,
            verified_at=verified_at,
            first_verified_at=verified_at,
            is_primary=row["primary"] == "true",
        )
    )

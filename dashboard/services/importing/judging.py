"""What the database speaks against: read only, before anything is written."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import Address
from dashboard.services.importing.bulk import ACCOUNTS, ADDRESSES, bulk_of
from dashboard.services.importing.chunk import Chunk
from dashboard.services.importing.kinds import Kind
from dashboard.services.importing.rejects import Rejects

Judge = Callable[[Session, int, Chunk, Rejects], None]
"""Takes out of a chunk of a source (by id) what cannot be merged, and rejects it."""


def judge_of(session: Session, kind: Kind, source_id: int) -> Judge | None:
    """Return what must be asked of the database for such a file; None where it knows nothing to the contrary."""
    if kind is Kind.PACKAGES:
        return reject_unknown_accounts
    known = session.scalar(select(Address.id).where(Address.source_id == source_id).limit(1))
    return None if known is None else reject_moved


def reject_moved(session: Session, source_id: int, chunk: Chunk, rejects: Rejects) -> None:
    """Take out addresses that the database knows under another account: whose they are a person must find out."""
    rows = bulk_of(session)
    accounts = rows.find(ACCOUNTS, source_id, list(chunk.accounts))
    addresses = rows.find(ADDRESSES, source_id, [address[1] for address in chunk.addresses])
    kept = []
    for address in chunk.addresses:
        known, account = addresses.get(address[1]), accounts.get(address[2])
        if known is not None and (account is None or account[0] != known[1]):
            rejects.add(address[0], "address_id belongs to another account", address[3], address[4])
        else:
            kept.append(address)
    chunk.addresses = kept


def reject_unknown_accounts(session: Session, source_id: int, chunk: Chunk, rejects: Rejects) -> None:
    """Take out packages of accounts that were never imported."""
    accounts = bulk_of(session).find(ACCOUNTS, source_id, list({owner[1] for owner in chunk.owners}))
    kept = []
    for owner in chunk.owners:
        if owner[1] in accounts:
            kept.append(owner)
        else:
            rejects.add(owner[0], "account_id is not known: import accounts first")
    chunk.owners = kept
    purls = {owner[2] for owner in kept}
    chunk.packages = {purl: package for purl, package in chunk.packages.items() if purl in purls}

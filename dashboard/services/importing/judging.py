"""What the database speaks against: read only, before anything is written."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from dashboard.models import Account, Address
from dashboard.services.importing import staging
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
    staging.stage(session, Chunk(addresses=chunk.addresses))
    staged = staging.addresses.c
    owner = (
        select(Account.external_id)
        .join(Address, Address.account_id == Account.id)
        .where(Address.source_id == source_id, Address.external_id == staged.external_id)
        .scalar_subquery()
    )
    moved = set(session.scalars(select(staged.external_id).where(staged.account != owner)))
    staging.unstage(session)
    for address in chunk.addresses if moved else ():
        if address[1] in moved:
            rejects.add(address[0], "address_id belongs to another account", address[3], address[4])
    if moved:
        chunk.addresses = [address for address in chunk.addresses if address[1] not in moved]


def reject_unknown_accounts(session: Session, source_id: int, chunk: Chunk, rejects: Rejects) -> None:
    """Take out packages of accounts that were never imported."""
    staging.stage(session, Chunk(owners=chunk.owners))
    staged = staging.owners.c
    unknown = set(
        session.scalars(
            select(staged.account)
            .outerjoin(Account, and_(Account.source_id == source_id, Account.external_id == staged.account))
            .where(Account.id.is_(None))
        )
    )
    staging.unstage(session)
    for owner in chunk.owners if unknown else ():
        if owner[1] in unknown:
            rejects.add(owner[0], "account_id is not known: import accounts first")
    if unknown:
        chunk.owners = [owner for owner in chunk.owners if owner[1] not in unknown]
        kept = {owner[2] for owner in chunk.owners}
        chunk.packages = {purl: package for purl, package in chunk.packages.items() if purl in kept}

"""The second pass: rows become domains, accounts, addresses, packages and events, only where they differ."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.models import Account, Source
from dashboard.services.checking.request import make_due
from dashboard.services.importing.belongings import merge_events, merge_owners
from dashboard.services.importing.bulk import ACCOUNTS, ADDRESSES, PACKAGES, Bulk, Shape, Values, bulk_of
from dashboard.services.importing.chunk import Chunk, Row

DOMAINS_REMEMBERED = 20_000
UNIQUE_VIOLATIONS = (psycopg.errors.UniqueViolation, sqlite3.IntegrityError)

Update = Callable[[Values, Row], Row]
"""Makes a row's columns of those stored and those reported."""

Create = Callable[[Row], Row]
"""Makes a new row's columns of those reported."""


@dataclass(frozen=True, slots=True)
class Merged:
    """How many rows were added or altered, and how many domains were added, now due."""

    changed: int = 0
    domains_new: int = 0

    def __add__(self, other: Merged) -> Merged:
        return Merged(self.changed + other.changed, self.domains_new + other.domains_new)


@dataclass(slots=True)
class Merger:
    """Merges the chunks of one import; `now` (domain clock) is when its new domains are due.

    Domains met before are remembered, so that they are not looked up for every address. One that was `_known` before
    is due at once where an address on it was verified anew: whether that address is at risk is for a check to tell.
    A source that had no accounts
    when the import began (`_fresh`) is not asked for what the file names once, its addresses, nor for accounts other
    than those of the chunk before. Should one be there all the same (the file is not in order, another import ran
    meanwhile), the chunk is merged again with every look-up, and so are those after it.
    """

    source_id: int
    now: datetime
    _domains: dict[str, int] = field(default_factory=dict)
    _known: set[int] = field(default_factory=set)
    _verified_anew: set[int] = field(default_factory=set)
    _fresh: bool | None = None
    _latest_accounts: Collection[str] = ()

    def merge(self, session: Session, chunk: Chunk) -> Merged:
        """Merge one chunk within the caller's write transaction."""
        # One writer a source: what is looked up here must not be added by another import meanwhile.
        session.execute(select(Source.id).where(Source.id == self.source_id).with_for_update(key_share=True))
        if self._fresh is None:
            any_account = select(Account.id).where(Account.source_id == self.source_id).limit(1)
            self._fresh = session.scalar(any_account) is None
        if self._fresh:
            try:
                with session.begin_nested():
                    return self._merge(session, chunk)
            except UNIQUE_VIOLATIONS:
                self._fresh = False
                self._forget_domains()
        return self._merge(session, chunk)

    def _merge(self, session: Session, chunk: Chunk) -> Merged:
        rows = bulk_of(session)
        domains_new = self._add_domains(rows, chunk.addresses)
        changed, accounts = self._sync(rows, ACCOUNTS, chunk.accounts, _account, _new_account)
        changed += self._sync_addresses(rows, chunk.addresses, accounts)
        if self._verified_anew:
            make_due(session, self._verified_anew, self.now)
            self._verified_anew.clear()
        if chunk.owners:
            added, packages = self._sync(rows, PACKAGES, chunk.packages, _package, _new_package)
            owners = accounts or _ids(rows.find(ACCOUNTS, self.source_id, [owner[1] for owner in chunk.owners]))
            changed += added + merge_owners(session, chunk.owners, owners, packages)
        if chunk.events:
            changed += merge_events(session, chunk.events, accounts)
        return Merged(changed, domains_new)

    def _add_domains(self, rows: Bulk, addresses: Sequence[Row]) -> int:
        """Add the domains that are new, and learn the ids of all."""
        names = list({address[5] for address in addresses} - self._domains.keys() - {None})
        if not names:
            return 0
        if len(self._domains) > DOMAINS_REMEMBERED:
            self._forget_domains()
            names = list({address[5] for address in addresses} - {None})
        found = rows.find_domains(names)
        self._domains |= found
        self._known.update(found.values())
        missing = [name for name in names if name not in found]
        if not missing:
            return 0
        added = rows.add_domains(missing, utc_text(self.now))
        self._domains |= added
        if len(added) < len(missing):  # another source's import added them a moment ago
            self._domains |= rows.find_domains(missing)
        return len(added)

    def _forget_domains(self) -> None:
        self._domains.clear()
        self._known.clear()

    def _sync_addresses(self, rows: Bulk, addresses: Sequence[Row], accounts: Mapping[str, int]) -> int:
        columns = _columns_of(accounts, self._domains)

        def update(old: Values, reported: Row) -> Row:
            return self._noted(_address(old, columns(reported)), old[2], old[5], old[6])

        def create(reported: Row) -> Row:
            return self._noted(columns(reported))

        wanted = {address[1]: address for address in addresses}
        # Where no domain was known before there is nothing to note.
        return self._sync(rows, ADDRESSES, wanted, update, create if self._known else columns)[0]

    def _noted(self, row: Row, *before: Any) -> Row:
        """Note the domain of an address whose verification was not known `before` (its host, whether, when)."""
        _, _, host, domain_id, _, verified, verified_at, *_ = row
        if verified and domain_id in self._known and (host, verified, verified_at) != before:
            self._verified_anew.add(domain_id)
        return row

    def _perhaps_stored(self, shape: Shape, wanted: Mapping[str, Row]) -> list[str]:
        """Return the keys that must be looked up."""
        if not self._fresh or shape is PACKAGES:
            return list(wanted)
        if shape is ADDRESSES:
            return []
        latest, self._latest_accounts = self._latest_accounts, wanted.keys()
        return [key for key in wanted if key in latest]

    def _sync(
        self, rows: Bulk, shape: Shape, wanted: Mapping[str, Row], update: Update, create: Create
    ) -> tuple[int, dict[str, int]]:
        """Add what is new of `wanted`, alter what differs; return how many that were, and the ids of all."""
        if not wanted:
            return 0, {}
        kept = rows.find(shape, self.source_id, asked) if (asked := self._perhaps_stored(shape, wanted)) else {}
        ids, altered = _ids(kept), []
        for key, (ident, *columns) in kept.items():
            old = tuple(columns)
            new = tuple(update(old, wanted[key]))
            if new != old:
                altered.append((*new, ident))
        if altered:
            rows.update(shape, altered)
        added = {key: row for key, row in wanted.items() if key not in kept} if kept else wanted
        if added:
            ids.update(self._insert(rows, shape, added, create))
        return len(altered) + len(added), ids

    def _insert(self, rows: Bulk, shape: Shape, added: Mapping[str, Row], create: Create) -> dict[str, int]:
        """Add rows; return the ids of those that get theirs from here.

        Each row is made as it is taken, while the database stores those before it.
        """
        source_id = self.source_id
        if not shape.numbered:
            rows.insert(shape, ((source_id, key, *create(row)) for key, row in added.items()))
            return {}
        numbers = dict(zip(added, rows.reserve(shape, len(added)), strict=False))
        rows.insert(shape, ((numbers[key], source_id, key, *create(row)) for key, row in added.items()))
        return numbers


def utc_text(time: datetime) -> str:
    """Return an aware time in the form in which both databases take it."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _ids(found: Mapping[str, Values]) -> dict[str, int]:
    return {key: row[0] for key, row in found.items()}


def _account(old: Values, new: Row) -> Row:
    """Return username, two_factor, last_active_at, account_created_at."""
    return new[0], *map(_known, new[1:], old[1:])


def _new_account(new: Row) -> Row:
    return new


def _package(old: Values, new: Row) -> Row:
    """Return name, critical, downloads_30d, last_release_at."""
    return new[0], *map(_known, new[1:], old[1:])


def _new_package(new: Row) -> Row:
    return _package(("", False, None, None), new)


def _known(new: Any, old: Any) -> Any:
    """What a source does not tell stays known."""
    return old if new is None else new


def _columns_of(accounts: Mapping[str, int], domains: Mapping[str, int]) -> Create:
    """Return what makes the columns of `ADDRESSES` of a chunk's address."""

    def columns(address: Row) -> Row:
        (
            _line,
            _external_id,
            account,
            local_part,
            host,
            domain,
            unchecked,
            verified,
            verified_at,
            is_primary,
            state_token,
        ) = address
        return (
            accounts[account],
            local_part,
            host,
            domain and domains[domain],
            unchecked,
            verified,
            verified_at,
            verified_at,
            is_primary,
            state_token,
        )

    return columns


def _address(old: Values, new: Row) -> Row:
    """Return the columns of `ADDRESSES`.

    Another host is another mailbox: its verification is its own. On the same host the earliest one ever reported is
    kept, and a verified address keeps the time of which a source no longer tells.
    """
    account_id, local_part, host, domain_id, unchecked, verified, verified_at, first, is_primary, token = new
    if host == old[2]:
        first = min(filter(None, (old[7], first)), default=None)
        if verified:
            verified_at = verified_at or old[6]
    return account_id, local_part, host, domain_id, unchecked, verified, verified_at, first, is_primary, token

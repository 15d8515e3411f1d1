"""Ask the allow-list about domains: is all of one kept, or some of its addresses, and by which entry?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import HolderChange
from dashboard.lifecycle.mailboxes import is_mailbox_provider
from dashboard.models import Address, AllowKind, AllowListEntry, Domain
from dashboard.services.allow_list.operators import mx_operators
from dashboard.services.sql import among

SAME_HOLDER = {HolderChange.NONE.value, HolderChange.UNKNOWN.value}


@dataclass(frozen=True, slots=True)
class Cover:
    """The entry that keeps something; `id` is None for a part of the preset that has no row yet."""

    id: int | None
    kind: AllowKind
    value: str

    @property
    def words(self) -> str:
        """The entry, in words for people."""
        return f"{self.value}, {_WORDS[self.kind]}"


_WORDS = {
    AllowKind.DOMAIN: "an allow-listed domain",
    AllowKind.HOST: "an allow-listed host",
    AllowKind.SUFFIX: "an allow-listed suffix",
    AllowKind.MX: "an allow-listed mail operator",
    AllowKind.PRESET: "a large mailbox provider",
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is kept of one domain: all of it (`whole`), or single addresses, by their row ids."""

    whole: Cover | None = None
    addresses: Mapping[int, Cover] = field(default_factory=dict)

    def over(self, address_id: int) -> Cover | None:
        """Return the entry that keeps one address, or None."""
        return self.whole or self.addresses.get(address_id)


NOTHING = Coverage()


def coverage(session: Session, domain_ids: Collection[int], now: datetime) -> dict[int, Coverage]:
    """Ask about domains, in a handful of statements however many; those of which nothing is kept are left out."""
    if not domain_ids:
        return {}
    rows = session.execute(select(Domain.id, Domain.name, Domain.holder_change).where(among(Domain.id, domain_ids)))
    asked = {row.id: (row.name, row.holder_change in SAME_HOLDER) for row in rows}
    names = {ident: name for ident, (name, _) in asked.items()}
    entries = _entries(session, set(names.values()), now)
    found = {ident: Coverage(whole=cover) for ident, cover in _preset(session, names).items()}
    by_name = _named(entries, set(names.values()))
    found |= {ident: Coverage(whole=by_name[name]) for ident, name in names.items() if name in by_name}
    stays = {ident for ident, (_, same_holder) in asked.items() if same_holder and ident not in found}
    found |= {ident: Coverage(whole=cover) for ident, cover in _operated(session, entries, stays).items()}
    left = {ident: name for ident, name in names.items() if ident not in found}
    found |= {ident: Coverage(addresses=kept) for ident, kept in _hosts(session, entries, left).items()}
    return found


def live(now: datetime) -> ColumnElement[bool]:
    """Condition of an entry that holds at `now`."""
    return and_(
        AllowListEntry.ended_at.is_(None), or_(AllowListEntry.expires_at.is_(None), AllowListEntry.expires_at > now)
    )


def preset_off(session: Session, names: Collection[str]) -> set[str]:
    """Return those of `names` that were switched off in the shipped preset."""
    query = select(AllowListEntry.value).where(
        AllowListEntry.kind == AllowKind.PRESET, AllowListEntry.value.in_(names), AllowListEntry.ended_at.is_not(None)
    )
    return set(session.scalars(query))


def _preset(session: Session, names: Mapping[int, str]) -> dict[int, Cover]:
    large = {ident: name for ident, name in names.items() if is_mailbox_provider(name)}
    if not large:
        return {}
    entry = AllowListEntry
    query = select(entry.value, entry.id, entry.ended_at).where(
        entry.kind == AllowKind.PRESET, entry.value.in_(large.values())
    )
    rows = {row.value: row for row in session.execute(query)}
    off = {name for name, row in rows.items() if row.ended_at is not None}
    ids = {name: row.id for name, row in rows.items()}
    return {ident: Cover(ids.get(name), AllowKind.PRESET, name) for ident, name in large.items() if name not in off}


def _entries(session: Session, names: Collection[str], now: datetime) -> list[Cover]:
    """Find the entries that may keep something of `names`: by name, above it, within it, and all mail operators."""
    entry = AllowListEntry
    above = {part for name in names for part in suffixes_of(name)}
    may_keep = or_(
        and_(entry.kind == AllowKind.DOMAIN, entry.value.in_(names)),
        and_(entry.kind == AllowKind.SUFFIX, entry.value.in_(above)),
        and_(entry.kind.in_([AllowKind.HOST, AllowKind.SUFFIX]), entry.domain.in_(names)),
        entry.kind == AllowKind.MX,
    )
    query = select(entry.id, entry.kind, entry.value).where(live(now), may_keep)
    return [Cover(row.id, AllowKind(row.kind), row.value) for row in session.execute(query)]


def _named(entries: Collection[Cover], names: Collection[str]) -> dict[str, Cover]:
    """Find what keeps whole domains by their names: entries of the domain itself, and suffixes above it."""
    covers = {(cover.kind, cover.value): cover for cover in entries}
    found = {}
    for name in names:
        keys = [(AllowKind.DOMAIN, name), *((AllowKind.SUFFIX, part) for part in suffixes_of(name))]
        if cover := next((covers[key] for key in keys if key in covers), None):
            found[name] = cover
    return found


def suffixes_of(name: str) -> Iterator[str]:
    """Yield a name and everything above it: `a.co.uk`, `co.uk`, `uk`."""
    labels = name.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


def _operated(session: Session, entries: Collection[Cover], domain_ids: Collection[int]) -> dict[int, Cover]:
    """Find what keeps domains by who takes their mail.

    Not where the holder may have changed: whoever has caught a domain chooses the operator.
    """
    operators = {cover.value: cover for cover in entries if cover.kind is AllowKind.MX}
    if not operators or not domain_ids:
        return {}
    used = mx_operators(session, domain_ids)
    found = {ident: sorted(names & operators.keys()) for ident, names in used.items()}
    return {ident: operators[names[0]] for ident, names in found.items() if names}


def _hosts(session: Session, entries: Collection[Cover], names: Mapping[int, str]) -> dict[int, dict[int, Cover]]:
    """Find what keeps single addresses: entries of hosts, and of suffixes within a domain."""
    covers = [cover for cover in entries if cover.kind in {AllowKind.HOST, AllowKind.SUFFIX}]
    if not covers:
        return {}
    touched = {cover_domain(cover.value, names.values()) for cover in covers}
    ids = [ident for ident, name in names.items() if name in touched]
    query = select(Address.id, Address.domain_id, Address.host).where(Address.domain_id.in_(ids), Address.verified)
    exact = {cover.value: cover for cover in covers if cover.kind is AllowKind.HOST}
    below = {cover.value: cover for cover in covers if cover.kind is AllowKind.SUFFIX}
    found: dict[int, dict[int, Cover]] = defaultdict(dict)
    for row in session.execute(query):
        parts = suffixes_of(row.host)
        cover = exact.get(row.host) or next((below[part] for part in parts if part in below), None)
        if cover is not None and row.domain_id is not None:
            found[row.domain_id][row.id] = cover
    return found


def cover_domain(value: str, names: Collection[str]) -> str | None:
    """Return which of the domains `names` a host or suffix lies in."""
    known = set(names)
    return next((part for part in suffixes_of(value) if part in known), None)

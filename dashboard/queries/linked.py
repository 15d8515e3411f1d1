"""Other flagged domains that hang together with one: the same accounts, mail or names in the same hands.

Who catches a domain often catches several; and an account with two lapsed domains loses more than either case shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.evidence import Provider
from dashboard.models import PENDING, Address, Case, Dependency, Domain, EvidenceRecord

MAX_SHOWN = 12
MAX_LOOKED_AT = 60
_DIRECTORIES = (Provider.RDAP.value, Provider.WHOIS.value)
_WORDS = {"mx": "mail at", "ns": "names at"}


@dataclass(frozen=True, slots=True)
class Link:
    """What two domains have in common; `domain`: the one that both rely on, for a link to it."""

    words: str
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """Another domain with a case that waits, and what it has in common."""

    case_id: int
    name: str
    phase: str
    holder_change: str
    state: str
    risk: int
    links: Sequence[Link]


def linked_domains(session: Session, domain_id: int) -> Sequence[Linked]:
    """Return cases that wait and hang together with the domain: the most in common first, then by risk."""
    links: dict[int, list[Link]] = defaultdict(list)
    rows: dict[int, Row[Any]] = {}
    for row in session.execute(_by_accounts(domain_id)):
        rows[row.domain_id] = row
        links[row.domain_id].append(Link(f"{row.accounts} account{'' if row.accounts == 1 else 's'} in common"))
    shared = session.execute(_by_dependencies(domain_id)).all()
    registrars = _registrars(session, {row.domain_id for row in shared} | {domain_id}) if shared else {}
    for row in shared:
        rows[row.domain_id] = row
        words = _WORDS[row.kind]
        same = registrars.get(row.domain_id, {}).keys() & registrars.get(domain_id, {}).keys()
        if row.kind == "ns" and same:
            words = f"registrar {registrars[domain_id][min(same)]}, names at"
        links[row.domain_id].append(Link(words, row.relied_on))
    found = [_linked(row, links[ident]) for ident, row in rows.items()]
    return sorted(found, key=lambda each: (-len(each.links), -each.risk, each.name))[:MAX_SHOWN]


def _linked(row: Row[Any], links: Sequence[Link]) -> Linked:
    return Linked(row.case_id, row.name, row.phase, row.holder_change, row.state, row.risk, links)


_CASE = (
    Case.id.label("case_id"),
    Case.domain_id,
    Case.state,
    Case.risk,
    Case.phase,
    Case.holder_change,
    Domain.name,
)


def _by_accounts(domain_id: int) -> Any:
    here, there = aliased(Address), aliased(Address)
    accounts = func.count(there.account_id.distinct()).label("accounts")
    return (
        select(*_CASE, accounts)
        .join(Domain, Domain.id == Case.domain_id)
        .join(there, there.domain_id == Case.domain_id)
        .join(here, and_(here.account_id == there.account_id, here.domain_id == domain_id))
        .where(Case.domain_id != domain_id, Case.state.in_(PENDING))
        .group_by(Case.id, Domain.id)
        .order_by(accounts.desc(), Case.risk.desc())
        .limit(MAX_LOOKED_AT)
    )


def _by_dependencies(domain_id: int) -> Any:
    current = Dependency.last_seen_at.is_(None)
    mine = select(Dependency.depends_on_id).where(Dependency.domain_id == domain_id, current)
    relied_on = aliased(Domain)
    return (
        select(*_CASE, Dependency.kind, relied_on.name.label("relied_on"))
        .join(Domain, Domain.id == Case.domain_id)
        .join(Dependency, Dependency.domain_id == Case.domain_id)
        .join(relied_on, relied_on.id == Dependency.depends_on_id)
        .where(
            Case.domain_id != domain_id,
            Case.state.in_(PENDING),
            Dependency.depends_on_id.in_(mine),
            Dependency.last_seen_at.is_(None),
        )
        .order_by(Case.risk.desc(), Case.id, Dependency.kind)
        .limit(MAX_LOOKED_AT)
    )


def _registrars(session: Session, domain_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return the registrars that registry directories name for each domain, by their names in lower case."""
    registrar = EvidenceRecord.normalised["registrar"].as_string()
    query = select(EvidenceRecord.domain_id, registrar).where(
        EvidenceRecord.domain_id.in_(domain_ids), EvidenceRecord.provider.in_(_DIRECTORIES)
    )
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for ident, name in session.execute(query):
        if name:
            found[ident][name.casefold()] = name
    return found

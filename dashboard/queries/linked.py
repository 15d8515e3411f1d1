"""Other flagged domains that hang together with one: the same accounts, mail or names in the same hands.

Who catches a domain often catches several; and an account with two lapsed domains loses more than either case shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, String, and_, cast, func, literal, null, select, union_all
from sqlalchemy.orm import Session, aliased

from dashboard.lifecycle.evidence import Provider
from dashboard.models import PENDING, Address, Case, Dependency, Domain, EvidenceRecord

MAX_SHOWN = 12
MAX_LOOKED_AT = 60
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
    for row in session.execute(_linked_cases(domain_id)):
        rows[row.case_id] = row
        links[row.case_id].append(_link(row))
    found = [
        Linked(row.case_id, row.name, row.phase, row.holder_change, row.state, row.risk, links[ident])
        for ident, row in rows.items()
    ]
    return sorted(found, key=lambda each: (-len(each.links), -each.risk, each.name))[:MAX_SHOWN]


def _link(row: Row[Any]) -> Link:
    if row.accounts:
        return Link(f"{row.accounts} account{'' if row.accounts == 1 else 's'} in common")
    mine = {name.casefold(): name for name in (row.rdap, row.whois) if name}
    same = mine.keys() & {name.casefold() for name in (row.their_rdap, row.their_whois) if name}
    if row.kind == "ns" and same:
        return Link(f"registrar {mine[min(same)]}, names at", row.relied_on)
    return Link(_WORDS[row.kind], row.relied_on)


_CASE = (
    Case.id.label("case_id"),
    Case.domain_id,
    Case.state,
    Case.risk,
    Case.phase,
    Case.holder_change,
    Domain.name,
)


def _linked_cases(domain_id: int) -> Any:
    """Select a row for each thing in common, with the registrars that the directories name now."""
    halves = (select(half.subquery()) for half in (_by_accounts(domain_id), _by_dependencies(domain_id)))
    found = union_all(*halves).subquery()
    return select(
        found,
        _registrar(literal(domain_id), Provider.RDAP).label("rdap"),
        _registrar(literal(domain_id), Provider.WHOIS).label("whois"),
        _registrar(found.c.domain_id, Provider.RDAP).label("their_rdap"),
        _registrar(found.c.domain_id, Provider.WHOIS).label("their_whois"),
    ).order_by(found.c.accounts.desc(), found.c.kind, found.c.relied_on)


def _by_accounts(domain_id: int) -> Any:
    here, there = aliased(Address), aliased(Address)
    accounts = func.count(there.account_id.distinct()).label("accounts")
    nothing = cast(null(), String)
    return (
        select(*_CASE, accounts, nothing.label("kind"), nothing.label("relied_on"))
        .join(Domain, Domain.id == Case.domain_id)
        .join(there, there.domain_id == Case.domain_id)
        .join(here, and_(here.account_id == there.account_id, here.domain_id == domain_id))
        .where(Case.domain_id != domain_id, Case.state.in_(PENDING))
        .group_by(Case.id, Domain.id)
        .order_by(accounts.desc(), Case.risk.desc(), Case.id)
        .limit(MAX_LOOKED_AT)
    )


def _by_dependencies(domain_id: int) -> Any:
    current = Dependency.last_seen_at.is_(None)
    mine = select(Dependency.depends_on_id).where(Dependency.domain_id == domain_id, current)
    relied_on = aliased(Domain)
    return (
        select(*_CASE, literal(0).label("accounts"), Dependency.kind, relied_on.name.label("relied_on"))
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


def _registrar(domain_id: ColumnElement[int], directory: Provider) -> ScalarSelect[str]:
    """Select the registrar that a registry directory named last."""
    named = EvidenceRecord.normalised["registrar"].as_string()
    return (
        select(named)
        .where(EvidenceRecord.domain_id == domain_id, EvidenceRecord.provider == directory.value, named.is_not(None))
        .order_by(EvidenceRecord.last_seen_at.desc())
        .limit(1)
        .correlate_except(EvidenceRecord)
        .scalar_subquery()
    )

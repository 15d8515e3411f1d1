"""What an entry would match, before it is saved: bounded counts over the monitored domains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from dashboard.models import PENDING, Address, AllowKind, Case, Domain
from dashboard.services.allow_list.ask import SAME_HOLDER
from dashboard.services.allow_list.matching import domains_of
from dashboard.services.allow_list.values import Named

MOST_DOMAINS = 10_000
MOST_ADDRESSES = 100_000
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Match:
    """Verified addresses and monitored domains, each counted up to a cap, and open cases that would be closed.

    `changed_hands` are domains that a mail operator's entry leaves out; `everything`: a suffix above all names.
    """

    domains: int
    addresses: int
    cases: int
    examples: Sequence[str]
    changed_hands: int
    everything: bool

    @property
    def domains_shown(self) -> str:
        """The number of domains, `10,000+` beyond the cap."""
        return _capped(self.domains, MOST_DOMAINS)

    @property
    def addresses_shown(self) -> str:
        """The number of addresses; where the domains are capped, those of the first ones, and more."""
        more = self.domains > MOST_DOMAINS and self.addresses <= MOST_ADDRESSES
        return f"{self.addresses:,}+" if more else _capped(self.addresses, MOST_ADDRESSES)


def preview(session: Session, named: Named) -> Match:
    """Count what `named` would keep. Only reads."""
    matching = _covered(named)
    # By name: the index on it answers without reading the domains' wide rows.
    first = select(Domain.name).where(matching).order_by(Domain.name)
    ids = select(Domain.id).where(Domain.name.in_(select(first.limit(MOST_DOMAINS).subquery().c.name)))
    addresses = select(Address.id).where(Address.domain_id.in_(ids), Address.verified, *_hosts(named))
    state = Case.state.in_(PENDING)
    cases = select(func.count(Case.id)).join(Domain, Domain.id == Case.domain_id).where(state, matching)
    return Match(
        domains=_count(session, first.limit(MOST_DOMAINS + 1)),
        addresses=_count(session, addresses.limit(MOST_ADDRESSES + 1)),
        cases=session.scalar(cases) or 0,
        examples=session.scalars(first.limit(EXAMPLES)).all(),
        changed_hands=_changed_hands(session, named),
        everything=named.kind is AllowKind.SUFFIX and named.domain is None,
    )


def _covered(named: Named) -> ColumnElement[bool]:
    matching = domains_of(named)
    return matching & Domain.holder_change.in_(SAME_HOLDER) if named.kind is AllowKind.MX else matching


def _hosts(named: Named) -> list[ColumnElement[bool]]:
    """Conditions of the addresses within a domain that a host, or a suffix inside it, keeps."""
    if named.kind is AllowKind.HOST:
        return [Address.host == named.value]
    if named.kind is AllowKind.SUFFIX and named.domain is not None:
        return [or_(Address.host == named.value, Address.host.endswith(f".{named.value}", autoescape=True))]
    return []


def _changed_hands(session: Session, named: Named) -> int:
    if named.kind is not AllowKind.MX:
        return 0
    left_out = select(Domain.id).where(domains_of(named), Domain.holder_change.not_in(SAME_HOLDER))
    return _count(session, left_out.limit(MOST_DOMAINS))


def _count(session: Session, rows: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def _capped(value: int, cap: int) -> str:
    return f"{cap:,}+" if value > cap else f"{value:,}"

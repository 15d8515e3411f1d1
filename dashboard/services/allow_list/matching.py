"""Which monitored domains an entry may cover: conditions that the database answers by its indexes where it can."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, String, cast, or_, select

from dashboard.lifecycle.evidence import Provider
from dashboard.models import AllowKind, Domain, EvidenceRecord
from dashboard.services.allow_list.values import Named


def domains_of(named: Named) -> ColumnElement[bool]:
    """Condition of the domains that `named` covers, whole or in part.

    For a mail operator it lets through a few too many, which `coverage()` sorts out.
    """
    if named.kind is AllowKind.MX:
        return Domain.id.in_(_mentioning(named.value))
    if named.domain is not None:
        return Domain.name == named.domain
    return Domain.name.endswith(f".{named.value}", autoescape=True)


def _mentioning(operator: str) -> Select[int]:
    """Ids of domains in whose answers from DNS a host of the operator is named."""
    text = cast(EvidenceRecord.normalised, String)
    named = or_(text.contains(f'"{operator}"', autoescape=True), text.contains(f'.{operator}"', autoescape=True))
    return select(EvidenceRecord.domain_id).where(EvidenceRecord.provider == Provider.DNS.value, named)

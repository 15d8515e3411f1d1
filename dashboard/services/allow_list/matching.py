"""Which monitored domains an entry may cover: conditions that the database answers by its indexes where it can."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import aliased

from dashboard.lifecycle.assessment import Reliance
from dashboard.models import AllowKind, Dependency, Domain
from dashboard.services.allow_list.values import Named


def domains_of(named: Named) -> ColumnElement[bool]:
    """Condition of the domains that `named` covers, whole or in part; `coverage()` has the last word.

    A suffix above all names is the only kind for which every name must be read.
    """
    if named.kind is AllowKind.MX:
        return Domain.id.in_(_served_by(named.value))
    if named.domain is not None:
        return Domain.name == named.domain
    return Domain.name.endswith(f".{named.value}", autoescape=True)


def _served_by(operator: str) -> Select[int]:
    """Ids of the domains whose mail the operator takes, by their newest answers from DNS."""
    target = aliased(Domain)
    return (
        select(Dependency.domain_id)
        .join(target, target.id == Dependency.depends_on_id)
        .where(target.name == operator, Dependency.kind == Reliance.MX.value, Dependency.last_seen_at.is_(None))
    )

"""How cases in the same situation were decided: the same phase and holder, best at the same registrar and suffix.

What was said then (the reason), by whom, and whether it was taken back later is what a reviewer learns from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, ScalarSelect, Select, and_, literal, select
from sqlalchemy.orm import Session, aliased

from dashboard.models import Case, CaseOpening, Decision, Domain, RegistrationPeriod, Staff
from dashboard.models.case import DECIDED, decided_by

LOOKED_AT = 500
"""So many of the latest decisions in the situation are looked at, whatever there are: older ones are older habits."""
MAX_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often it was decided in one way, for one reason; `reverted`: how many of these were taken back."""

    kind: str
    reason_code: str
    count: int
    reverted: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier decision; `alike`: in what else its case was like this one (`registrar`, `tld`).

    `by` and `reverted_by` are sign-in names, for the screen only.
    """

    case_id: int
    domain: str
    kind: str
    reason_code: str
    decided_at: datetime
    by: str
    reverted_at: datetime | None
    reverted_by: str | None
    alike: Sequence[str]


@dataclass(frozen=True, slots=True)
class Similar:
    """Outcomes, the most frequent first; the decisions that are most alike; the registrar, empty where not known."""

    registrar: str
    outcomes: Sequence[Outcome]
    decisions: Sequence[Earlier]

    @property
    def total(self) -> int:
        """How many decisions were looked at."""
        return sum(outcome.count for outcome in self.outcomes)


def similar_decisions(session: Session, case: Case) -> Similar:
    """Return what was decided on other cases in the situation of this one, in one statement."""
    rows = session.execute(similar_latest(case)).all()
    registrar = rows[0].mine or "" if rows else ""
    alike = {row.id: _alike(row, case, registrar) for row in rows}
    ranked = sorted(rows, key=lambda row: (-_weight(alike[row.id]), row.reverted_at is not None, -row.id))
    return Similar(registrar, _outcomes(rows), [_earlier(row, alike[row.id]) for row in ranked[:MAX_SHOWN]])


def _alike(row: Row[Any], case: Case, registrar: str) -> list[str]:
    same = {
        "registrar": bool(registrar) and (row.registrar or "").casefold() == registrar.casefold(),
        "tld": row.tld == case.tld,
    }
    return [name for name, is_same in same.items() if is_same]


def _weight(alike: Sequence[str]) -> int:
    """Who sold the name tells more than under what it stands."""
    return 2 * ("registrar" in alike) + ("tld" in alike)


def _outcomes(rows: Sequence[Row[Any]]) -> list[Outcome]:
    counts = Counter((row.kind, row.reason_code) for row in rows)
    reverted = Counter((row.kind, row.reason_code) for row in rows if row.reverted_at is not None)
    return [Outcome(*key, count, reverted[key]) for key, count in counts.most_common()]


def _earlier(row: Row[Any], alike: Sequence[str]) -> Earlier:
    return Earlier(
        case_id=row.case_id,
        domain=row.name,
        kind=row.kind,
        reason_code=row.reason_code,
        decided_at=row.decided_at,
        by=decided_by(row.by, row.policy_version),
        reverted_at=row.reverted_at,
        reverted_by=row.reverter,
        alike=alike,
    )


def similar_latest(case: Case) -> Select[*tuple[Any, ...]]:
    """Select the latest decisions in the situation: an index knows the openings that were decided, by situation."""
    reverter, other = aliased(Staff), aliased(Case)
    return (
        select(
            Decision.id,
            Decision.case_id,
            Decision.kind,
            Decision.reason_code,
            Decision.decided_at,
            Decision.policy_version,
            Decision.reverted_at,
            Staff.email.label("by"),
            reverter.email.label("reverter"),
            other.tld,
            Domain.name,
            _registrar(other.domain_id).label("registrar"),
            _registrar(literal(case.domain_id)).label("mine"),
        )
        .select_from(CaseOpening)
        .join(Decision, Decision.opening_id == CaseOpening.id)
        .join(other, other.id == Decision.case_id)
        .join(Domain, Domain.id == other.domain_id)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .outerjoin(reverter, reverter.id == Decision.reverted_by)
        .where(_same_situation(case), DECIDED, CaseOpening.case_id != case.id)
        .order_by(CaseOpening.id.desc(), Decision.id.desc())
        .limit(LOOKED_AT)
    )


def _same_situation(case: Case) -> Any:
    return and_(CaseOpening.phase == case.phase, CaseOpening.holder_change == case.holder_change)


def _registrar(domain_id: Any) -> ScalarSelect[str | None]:
    """Select the registrar of a domain's latest registration."""
    period = RegistrationPeriod
    query = select(period.registrar).where(period.domain_id == domain_id).order_by(period.started_at.desc()).limit(1)
    return query.correlate_except(period).scalar_subquery()

"""How cases like this one were decided: the same phase, ending and registrar among the latest decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from dashboard.models import Case, CaseOpening, Decision, DecisionKind, Domain, RegistrationPeriod

LOOKED_AT = 1000
"""So many of the latest decisions are looked at, whatever there are: older ones are older habits."""
MAX_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Habit:
    """How often cases that are alike in one way were un-verified, and how often kept; `trait` is that way."""

    trait: str
    approved: int
    overridden: int

    @property
    def total(self) -> int:
        """How many there were."""
        return self.approved + self.overridden


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier decision, and in what its case was like this one."""

    case_id: int
    domain: str
    kind: str
    reason_code: str
    decided_at: datetime
    alike: Sequence[str]


@dataclass(frozen=True, slots=True)
class Similar:
    """Habits, the decisions that are most alike, and the domain's registrar, empty where it is not known."""

    registrar: str
    habits: Sequence[Habit]
    decisions: Sequence[Earlier]


def similar_decisions(session: Session, case: Case) -> Similar:
    """Compare a case with the latest decisions on others that stand."""
    registrar = session.scalar(_registrar(case.domain_id)) or ""
    rows = session.execute(_latest(case.id)).all()
    traits = _traits(case, registrar)
    habits = [_habit(words, [row for row in rows if like(row)]) for words, like in traits]
    alike = [(row, [words for words, like in traits if like(row)]) for row in rows]
    ranked = sorted((pair for pair in alike if pair[1]), key=lambda pair: (-len(pair[1]), -pair[0].id))
    shown = [_earlier(*pair) for pair in ranked[:MAX_SHOWN]]
    return Similar(registrar, [habit for habit in habits if habit.total], shown)


def _traits(case: Case, registrar: str) -> list[tuple[str, Callable[[Row[Any]], bool]]]:
    known = registrar.casefold()
    traits: list[tuple[str, Callable[[Row[Any]], bool]]] = [
        ("phase", lambda row: (row.phase, row.holder_change) == (case.phase, case.holder_change)),
        ("tld", lambda row: row.tld == case.tld and row.phase == case.phase),
    ]
    if known:
        traits.append(("registrar", lambda row: (row.registrar or "").casefold() == known))
    return traits


def _habit(trait: str, rows: Sequence[Row[Any]]) -> Habit:
    approved = sum(row.kind == DecisionKind.APPROVE for row in rows)
    return Habit(trait, approved, len(rows) - approved)


def _earlier(row: Row[Any], alike: Sequence[str]) -> Earlier:
    return Earlier(row.case_id, row.name, row.kind, row.reason_code, row.decided_at, alike)


def _latest(case_id: int) -> Any:
    return (
        select(
            Decision.id,
            Decision.case_id,
            Decision.kind,
            Decision.reason_code,
            Decision.decided_at,
            CaseOpening.phase,
            CaseOpening.holder_change,
            Case.tld,
            Domain.name,
            _registrar(Case.domain_id).correlate(Case).scalar_subquery().label("registrar"),
        )
        .join(CaseOpening, CaseOpening.id == Decision.opening_id)
        .join(Case, Case.id == Decision.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .where(Decision.case_id != case_id, Decision.reverted_at.is_(None))
        .order_by(Decision.id.desc())
        .limit(LOOKED_AT)
    )


def _registrar(domain_id: Any) -> Any:
    """Select the registrar of a domain's latest registration."""
    period = RegistrationPeriod
    return select(period.registrar).where(period.domain_id == domain_id).order_by(period.started_at.desc()).limit(1)

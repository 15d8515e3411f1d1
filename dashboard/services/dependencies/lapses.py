"""Note that a domain on which others rely lapses, changed hands, or is its holder's again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Assessment, Confidence
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.reliance import endangers
from dashboard.models import Dependency, DependencyLapse
from dashboard.services.allow_list.ask import NOTHING, coverage
from dashboard.services.brakes.hold import brake_over, open_brakes
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.renewal import confirmed

SHARED = 100
"""With more dependents than this, one provider's single word is not enough: its mistake would flag all of them."""


def note_lapses(session: Session, assessed: Sequence[Assessed], now: datetime) -> int:
    """Note what changed with those of `assessed` that are relied on; returns how many changes there are to spread.

    What the allow-list keeps never lapses for others, large mailbox providers above all, and nor does what a brake
    covers.
    """
    relied_on = [item for item in assessed if item.facts.is_relied_on]
    if not relied_on:
        return 0
    known = _known(session, [item.facts.id for item in relied_on])
    believed = _believed(session, [item for item in relied_on if endangers(item.assessment)], now)
    changed = 0
    for item in relied_on:
        if item.facts.id in believed:
            changed += _lapsed(session, item, known.get(item.facts.id), now)
        elif item.facts.id in known and _is_well(item):
            changed += _cleared(item.assessment, known[item.facts.id], now)
    return changed


def _believed(session: Session, endangering: Sequence[Assessed], now: datetime) -> set[int]:
    """Return those whose lapse is to concern others."""
    if not endangering:
        return set()
    covers, brakes = coverage(session, [item.facts.id for item in endangering], now), open_brakes(session)
    return {
        item.facts.id
        for item in endangering
        if covers.get(item.facts.id, NOTHING).whole is None
        and brake_over(brakes, item.facts) is None
        and _is_credible(session, item)
    }


def _is_well(item: Assessed) -> bool:
    """Whether it is certain that its holder has it: only the directory can say so, and nobody may contradict it."""
    assessment = item.assessment
    settled = assessment.phase is not Phase.UNKNOWN and assessment.confidence is not Confidence.CONFLICTING
    return settled and not endangers(assessment) and confirmed(item.facts)


def _known(session: Session, ids: Collection[int]) -> dict[int, DependencyLapse]:
    if not ids:
        return {}
    query = select(DependencyLapse).where(DependencyLapse.domain_id.in_(ids)).order_by(DependencyLapse.domain_id)
    return {row.domain_id: row for row in session.scalars(query.with_for_update())}


def _is_credible(session: Session, item: Assessed) -> bool:
    if item.assessment.confidence is Confidence.CORROBORATED or item.assessment.phase not in LEAVING | LOST:
        return True
    users = (
        select(Dependency.domain_id)
        .where(Dependency.depends_on_id == item.facts.id, Dependency.last_seen_at.is_(None))
        .limit(SHARED + 1)
    )
    return (session.scalar(select(func.count()).select_from(users.subquery())) or 0) <= SHARED


def _lapsed(session: Session, item: Assessed, row: DependencyLapse | None, now: datetime) -> bool:
    """Note a lapse, or what became of it; False when that is known."""
    phase, change = item.assessment.phase.value, item.assessment.holder_change.value
    if row is None:
        since = _since(item.assessment, now)
        row = DependencyLapse(domain_id=item.facts.id, phase=phase, holder_change=change, since=since, revision=0)
        session.add(row)
    elif row.cleared_at is None and (row.phase, row.holder_change) == (phase, change):
        return False
    row.phase, row.holder_change, row.since, row.cleared_at = phase, change, _since(item.assessment, now), None
    _spread_anew(row)
    return True


def _since(assessment: Assessment, now: datetime) -> datetime:
    """When it changed hands, as far as a date says so; else now."""
    began = assessment.registered_at if assessment.holder_changed else None
    return began if began is not None and assessment.phase not in LEAVING | LOST else now


def _cleared(assessment: Assessment, row: DependencyLapse, now: datetime) -> bool:
    """Note that all is well again."""
    if row.cleared_at is not None:
        return False
    row.phase, row.holder_change, row.cleared_at = assessment.phase.value, assessment.holder_change.value, now
    _spread_anew(row)
    return True


def _spread_anew(row: DependencyLapse) -> None:
    row.spread_after = 0
    row.revision += 1

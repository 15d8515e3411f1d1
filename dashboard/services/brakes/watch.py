"""Watch what checks bring in, and put a brake on where more lapses than can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.audit.events import Event
from dashboard.audit.record import NewEntry
from dashboard.database import dialect_insert
from dashboard.lifecycle.brakes import BrakeLimits, Counts, Mode, Scope, limit_of, measures, trips
from dashboard.models import PENDING, Brake, Case, Domain
from dashboard.services.brakes.counts import count_lapses, counted, lapsed_lately, mode_now, window_start
from dashboard.services.brakes.hold import OnBrake, brake_over, discarded, open_brakes
from dashboard.services.cases.assessed import Assessed
from dashboard.services.checking.facts import load_facts
from dashboard.services.policy import current
from dashboard.services.sql import among

ACTOR = system("brakes")
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Measure:
    """How brakes measure now, and what they still believe."""

    mode: Mode
    limits: BrakeLimits

    def per_mille(self, counts: Counts) -> int:
        """Return the limit in thousandths of a lapse, so that no fraction is rounded away."""
        return int(limit_of(counts, self.mode, self.limits) * 1000)


def watch(session: Session, assessed: Sequence[Assessed], now: datetime) -> list[NewEntry]:
    """Count what was just assessed and put on the brakes that this calls for; called before the cases are flagged.

    Cases opened within the window, by the same fault, are held with those to come. Returns the audit entries, to be
    recorded last: the chain's head is locked after the cases, here as everywhere.
    """
    scopes = count_lapses(session, assessed, discarded(session, now), now)
    if not scopes:
        return []
    lapsed, limits = lapsed_lately(session, now), current(session).brakes
    suspect = {scope for scope in scopes if lapsed[scope] >= limits.minimum}
    suspect -= {brake.scope for brake in open_brakes(session)} if suspect else set()
    if not suspect:
        return []
    measure = Measure(mode_now(session, now), limits)
    suspect = {scope for scope in suspect if measures(measure.mode, scope)}
    counts = {scope: counted(session, scope, lapsed[scope], now) for scope in sorted(suspect, key=_order)}
    tried = [_try(session, scope, found, measure, now) for scope, found in counts.items()]
    return [entry for entry in tried if entry is not None]


def _order(scope: Scope) -> tuple[str, str]:
    return scope.provider, scope.tld


def _try(session: Session, scope: Scope, counts: Counts, measure: Measure, now: datetime) -> NewEntry | None:
    """Put the brake of one scope on if its counts say so, and hold the cases that its fault has opened already."""
    if not trips(counts, measure.mode, scope, measure.limits):
        return None
    brake = _put_on(session, scope, counts, measure, now)
    return None if brake is None else _entry(brake, counts, measure, _hold_recent(session, brake, now))


def _put_on(session: Session, scope: Scope, counts: Counts, measure: Measure, now: datetime) -> OnBrake | None:
    """Insert the brake; None when another worker was faster."""
    insert = dialect_insert(session)
    statement = insert(Brake).values(
        scope=scope.kind,
        provider=scope.provider,
        tld=scope.tld,
        mode=measure.mode.value,
        lapsed=counts.lapsed,
        checked=counts.checked,
        limit_per_mille=measure.per_mille(counts),
        opened_at=now,
    )
    added = session.scalar(
        statement.on_conflict_do_nothing(
            index_elements=["provider", "tld"], index_where=Brake.released_at.is_(None)
        ).returning(Brake.id)
    )
    return None if added is None else OnBrake(added, scope)


def _hold_recent(session: Session, brake: OnBrake, now: datetime) -> int:
    """Hold the cases of the window, set aside or not, that rest on what is no longer believed; return how many."""
    query = (
        select(Case.id, Case.domain_id)
        .join(Domain, Domain.id == Case.domain_id)
        .where(Case.state.in_(PENDING), Case.brake_id.is_(None), Case.opened_at > window_start(now))
        .order_by(Case.id)
        .with_for_update(of=Case)
    )
    if brake.scope.tld:
        query = query.where(Domain.name.endswith(f".{brake.scope.tld}", autoescape=True))
    rows = session.execute(query).all()
    held = 0
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        facts = load_facts(session, [row.domain_id for row in part])
        ids = [row.id for row in part if brake_over([brake], facts[row.domain_id])]
        session.execute(update(Case).where(among(Case.id, ids)).values(brake_id=brake.id, version=Case.version + 1))
        held += len(ids)
    return held


def _entry(brake: OnBrake, counts: Counts, measure: Measure, held: int) -> NewEntry:
    data = {
        "scope": brake.scope.kind,
        "provider": brake.scope.provider,
        "tld": brake.scope.tld,
        "mode": measure.mode.value,
        "lapsed": counts.lapsed,
        "checked": counts.checked,
        "limit_per_mille": measure.per_mille(counts),
        "held": held,
    }
    return NewEntry(Event.BRAKE_TRIPPED, ACTOR, "brake", str(brake.id), data)

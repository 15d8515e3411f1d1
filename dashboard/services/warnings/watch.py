"""Early warnings begin and end with the checks that show why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.lifecycle.brakes import Mode
from dashboard.lifecycle.evidence import Phase, Reading
from dashboard.lifecycle.warning import Ending, Warned, early_warning, warning_ended
from dashboard.models import EarlyWarning
from dashboard.services.allow_list.ask import coverage
from dashboard.services.brakes.counts import mode_now
from dashboard.services.brakes.hold import brake_over, open_brakes
from dashboard.services.cases.assessed import Assessed
from dashboard.services.sql import among

_AHEAD = {Phase.ACTIVE, Phase.AUTO_RENEW_GRACE, Phase.REDEMPTION}


def watch_warnings(session: Session, assessed: Sequence[Assessed], now: datetime) -> None:
    """End the warnings that what was just assessed ends, and begin those that it calls for.

    None begins in baseline mode: a first sweep finds an eighth of all names within 45 days of their expiry. Nor where
    a brake stops what is done, or the allow-list keeps the domain.
    """
    running = _running(session, [item.facts.id for item in assessed])
    _end(session, [item for item in assessed if item.facts.id in running], running, now)
    called = {item.facts.id: found for item in assessed if (found := _called_for(item, now))}
    _press(session, {ident: found for ident, found in called.items() if ident in running}, running)
    new = {ident: found for ident, found in called.items() if ident not in running}
    if not new or mode_now(session, now) is not Mode.BASELINE:
        return
    brakes = open_brakes(session)
    held = {item.facts.id for item in assessed if brakes and brake_over(brakes, item.facts) is not None}
    kept = {ident for ident, cover in coverage(session, new.keys() - held, now).items() if cover.whole}
    _begin(session, {ident: why for ident, why in new.items() if ident not in held | kept}, now)


def _running(session: Session, domain_ids: Collection[int]) -> dict[int, EarlyWarning]:
    rows = session.scalars(
        select(EarlyWarning)
        .where(among(EarlyWarning.domain_id, domain_ids), EarlyWarning.ended_at.is_(None))
        .order_by(EarlyWarning.id)
    )
    return {row.domain_id: row for row in rows}


def _readings(item: Assessed) -> list[Reading]:
    return [kept.reading for kept in item.facts.readings]


def _called_for(item: Assessed, now: datetime) -> Warned | None:
    """Weigh only what may be warned of: most of a batch is healthy, or tells nobody's address."""
    if not item.facts.addresses or item.assessment.phase not in _AHEAD:
        return None
    return early_warning(item.assessment, _readings(item), now)


def _end(session: Session, assessed: Sequence[Assessed], running: Mapping[int, EarlyWarning], now: datetime) -> None:
    ended: dict[Ending, list[int]] = {}
    for item in assessed:
        warning = running[item.facts.id]
        how = warning_ended(warning.expires_at, item.assessment, _readings(item), now)
        if how is not None:
            ended.setdefault(how, []).append(warning.id)
    for how, ids in sorted(ended.items()):
        chosen = EarlyWarning.id.in_(ids)
        session.execute(update(EarlyWarning).where(chosen).values(ended_at=now, ended_how=how.value))


def _press(session: Session, called: Mapping[int, Warned], running: Mapping[int, EarlyWarning]) -> None:
    """Say why anew where a running warning has become more pressing: who still waits to be told then goes first."""
    changed = [
        {"id": running[ident].id, "why": found.kind.value}
        for ident, found in called.items()
        if running[ident].why != found.kind.value
    ]
    if changed:
        session.execute(update(EarlyWarning), changed)


def _begin(session: Session, called: Mapping[int, Warned], now: datetime) -> None:
    """Insert them; one that is running already stays."""
    rows = [
        {"domain_id": ident, "why": found.kind.value, "expires_at": found.expires_at, "began_at": now}
        for ident, found in sorted(called.items())
    ]
    if not rows:
        return
    insert = dialect_insert(session)
    statement = insert(EarlyWarning).on_conflict_do_nothing(
        index_elements=["domain_id"], index_where=EarlyWarning.ended_at.is_(None)
    )
    session.execute(statement, rows)

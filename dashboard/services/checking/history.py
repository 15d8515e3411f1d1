"""What changed in a domain's life: periods of registration and life-cycle events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import RegistrationPeriod as Period
from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from dashboard.models import LifecycleEvent, RegistrationPeriod
from dashboard.services.cases.flag import Assessed
from dashboard.services.checking.facts import KeptReading

SLACK = timedelta(days=1)
"""Registries round creation dates: less than a day apart is the same registration."""


def record_history(session: Session, assessed: Sequence[Assessed], now: datetime) -> None:
    """Write the periods and events that `assessed` brought, in a few statements for all of them."""
    events = [event for item in assessed for event in _events(item, now)]
    if events:
        session.execute(insert(LifecycleEvent), events)
    for item in assessed:
        _record_period(session, item, now)


def _record_period(session: Session, item: Assessed, now: datetime) -> None:
    """Open the period of a new registration; close the one of a name that is available."""
    assessment, known = item.assessment, item.facts.periods
    last = known[-1] if known else None
    if assessment.phase is Phase.AVAILABLE and last and last.ended_at is None:
        _close(session, item.facts.id, last, now)
    started = assessment.registered_at
    if assessment.phase is Phase.AVAILABLE or started is None:
        return
    if last and abs(started - last.started_at) < SLACK:
        return
    if any(abs(started - period.started_at) < SLACK for period in known):
        return
    if last and last.ended_at is None and started > last.started_at:
        _close(session, item.facts.id, last, started)
    new = Period(started, None, assessment.registrar, assessment.handle)
    session.execute(
        insert(RegistrationPeriod).values(
            domain_id=item.facts.id, started_at=started, registrar=new.registrar, handle=new.handle
        )
    )


def _close(session: Session, domain_id: int, period: Period, at: datetime) -> None:
    session.execute(
        update(RegistrationPeriod)
        .where(RegistrationPeriod.domain_id == domain_id, RegistrationPeriod.started_at == period.started_at)
        .values(ended_at=at)
    )


def _events(item: Assessed, now: datetime) -> Iterable[dict[str, Any]]:
    """Yield one event a change between what was known before and what is known now."""
    before, after = item.facts.phase, item.assessment.phase
    if after is not before and after is not Phase.UNKNOWN:
        yield _event(item, "phase", now, f"{_words(before)} became {_words(after)}", before.value, after.value)
    for kind, providers, pick in _WATCHED:
        old, new = _value(item.before, providers, pick), _value(item.facts.readings, providers, pick)
        if old and new and old != new:
            yield _event(item, kind, now, f"{_LABELS[kind]} changed from {_text(old)} to {_text(new)}", old, new)


def _event(item: Assessed, kind: str, now: datetime, summary: str, old: Any, new: Any) -> dict[str, Any]:
    return {
        "domain_id": item.facts.id,
        "key": f"{kind}@{now.isoformat()}",
        "kind": kind,
        "at": now,
        "summary": summary[:1000],
        "detail": {"old": old, "new": new},
    }


def _value(readings: Sequence[KeptReading], providers: set[Provider], pick: str) -> Any:
    """The newest good value of one field from the named providers, JSON-ready."""
    good = [kept.reading for kept in readings if _tells(kept.reading.evidence, providers)]
    good.sort(key=lambda reading: (reading.last_seen_at, reading.evidence.provider.value))
    for reading in reversed(good):
        value = _pick(reading.evidence, pick)
        if value:
            return value
    return None


def _tells(evidence: Evidence, providers: set[Provider]) -> bool:
    return evidence.outcome is Outcome.FOUND and evidence.provider in providers


def _pick(evidence: Evidence, field: str) -> Any:
    if field == "mx":
        return [host for _, host in evidence.delegation.mx] if evidence.delegation else None
    value = getattr(evidence, field)
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _words(phase: Phase) -> str:
    return phase.value.replace("_", " ")


def _text(value: Any) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)


_DIRECTORY = {Provider.RDAP, Provider.WHOIS}
_WATCHED: tuple[tuple[str, set[Provider], str], ...] = (
    ("registrar", _DIRECTORY, "registrar"),
    ("registered", _DIRECTORY, "registered_at"),
    ("handle", _DIRECTORY, "handle"),
    ("nameservers", {Provider.DNS}, "nameservers"),
    ("mx", {Provider.DNS}, "mx"),
)
_LABELS = {
    "registrar": "Registrar",
    "registered": "Registration date",
    "handle": "Registry handle",
    "nameservers": "Name servers",
    "mx": "Mail hosts",
}

"""What changed in a domain's life: periods of registration and life-cycle events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Confidence
from dashboard.lifecycle.assessment import RegistrationPeriod as Period
from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from dashboard.lifecycle.sweep import GONE, picture
from dashboard.models import LifecycleEvent, RegistrationPeriod
from dashboard.services.cases.assessed import Assessed
from dashboard.services.checking.facts import KeptReading

SLACK = timedelta(days=1)
"""Registries round creation dates: less than a day apart is the same registration."""


_PERIODS: Table = RegistrationPeriod.metadata.tables[RegistrationPeriod.__tablename__]
_EVENTS: Table = LifecycleEvent.metadata.tables[LifecycleEvent.__tablename__]
_CLOSE = (
    update(_PERIODS)
    .where(_PERIODS.c.domain_id == bindparam("of_domain"), _PERIODS.c.started_at == bindparam("since"))
    .values(ended_at=bindparam("until"))
)


def record_history(session: Session, assessed: Sequence[Assessed], now: datetime) -> None:
    """Write the periods and events that `assessed` brought, in three statements for all of them."""
    known = _last_known(session, assessed)
    events = [event for item in assessed for event in _events(item, known.get(item.facts.id, item.facts.phase), now)]
    if events:
        session.execute(insert(_EVENTS), events)
    changes = [change for item in assessed if (change := _period_change(item, now))]
    if closed := [change.closed for change in changes if change.closed]:
        session.execute(_CLOSE, closed)
    if opened := [change.opened for change in changes if change.opened]:
        session.execute(insert(_PERIODS), opened)


@dataclass(frozen=True, slots=True)
class _PeriodChange:
    """The parameters that end a domain's last period, and the row of its new one."""

    closed: dict[str, Any] | None
    opened: dict[str, Any] | None


def _period_change(item: Assessed, now: datetime) -> _PeriodChange | None:
    """Open the period of a new registration; end the one of a name that is available, until it is seen again."""
    assessment, known = item.assessment, item.facts.periods
    last = known[-1] if known else None
    running = last if last and last.ended_at is None else None
    if assessment.phase is Phase.AVAILABLE:
        ends = running is not None and assessment.confidence is not Confidence.CONFLICTING
        return _PeriodChange(_until(item.facts.id, running, now), None) if running and ends else None
    started = assessment.registered_at
    if started is None:
        return None
    if last and abs(started - last.started_at) < SLACK:
        return None if running else _PeriodChange(_until(item.facts.id, last, None), None)
    if any(abs(started - period.started_at) < SLACK for period in known):
        return None
    follows = running if running and started > running.started_at else None
    ends_at = min((period.started_at for period in known if period.started_at > started), default=None)
    return _PeriodChange(
        _until(item.facts.id, follows, started) if follows else None, _opened(item, started, ends_at)
    )


def _opened(item: Assessed, started: datetime, ends_at: datetime | None) -> dict[str, Any]:
    return {
        "domain_id": item.facts.id,
        "started_at": started,
        "ended_at": ends_at,
        "registrar": item.assessment.registrar,
        "handle": item.assessment.handle,
    }


def _until(domain_id: int, period: Period, at: datetime | None) -> dict[str, Any]:
    return {"of_domain": domain_id, "since": period.started_at, "until": at}


def _last_known(session: Session, assessed: Sequence[Assessed]) -> dict[int, Phase]:
    """Return the phase before nobody knew, of the domains that are known again."""
    silent = [item.facts.id for item in assessed if item.before and item.facts.phase is Phase.UNKNOWN]
    if not silent:
        return {}
    rows = session.execute(
        select(_EVENTS.c.domain_id, _EVENTS.c.detail)
        .where(_EVENTS.c.domain_id.in_(silent), _EVENTS.c.kind == "phase")
        .order_by(_EVENTS.c.at)
    )
    return {row.domain_id: Phase(row.detail["new"]) for row in rows}


def _events(item: Assessed, before: Phase, now: datetime) -> Iterable[dict[str, Any]]:
    """Yield one event a change between what was known before and what is known now."""
    after = item.assessment.phase
    if after is not before and after is not Phase.UNKNOWN:
        yield _event(item, "phase", now, f"{_words(before)} became {_words(after)}", before.value, after.value)
    for kind, providers, pick in _WATCHED:
        old, new = _compared(item, providers, pick)
        if old and new and old != new:
            yield _event(item, kind, now, f"{_LABELS[kind]} changed from {_text(old)} to {_text(new)}", old, new)
    stood, stands = _delegated(item.before), _delegated(item.facts.readings)
    if stood is not None and stands is not None and stood != stands:
        summary = "DNS has the domain again" if stands else "DNS lost the domain: it is delegated no more"
        yield _event(item, "delegation", now, summary, stood, stands)
    old, new = _mail(item.before), _mail(item.facts.readings)
    if old is not None and new is not None and old != new:
        yield _event(item, "mx", now, _mail_summary(item, old, new), old, new)


def _mail(readings: Sequence[KeptReading]) -> list[str] | None:
    """The mail hosts of the newest DNS answer, which may be none; None where DNS told nothing of them."""
    told = [kept.reading for kept in readings if _tells(kept.reading.evidence, {Provider.DNS})]
    told = [r for r in told if r.evidence.delegation is None or r.evidence.delegation.knows_mail]
    newest = max(told, key=lambda r: (r.last_seen_at, r.first_seen_at, r.evidence.digest), default=None)
    delegation = newest.evidence.delegation if newest else None
    return [host for _, host in delegation.mx] if delegation else None


def _mail_summary(item: Assessed, old: list[str], new: list[str]) -> str:
    if not new:
        return f"Mail hosts removed: {_text(old)}"
    if old:
        return f"Mail hosts changed from {_text(old)} to {_text(new)}"
    had_any = any(kept.reading.evidence.delegation and kept.reading.evidence.delegation.mx for kept in item.before)
    return f"Mail hosts {'came back' if had_any else 'added'}: {_text(new)}"


def _event(item: Assessed, kind: str, now: datetime, summary: str, old: Any, new: Any) -> dict[str, Any]:
    return {
        "domain_id": item.facts.id,
        "key": f"{kind}@{now.isoformat()}",
        "kind": kind,
        "at": now,
        "summary": summary[:1000],
        "detail": {"old": old, "new": new},
    }


def _compared(item: Assessed, providers: set[Provider], pick: str) -> tuple[Any, Any]:
    """Return a field's value before and now, both told in the same way: a resolver's NS set is the zone's own."""
    before, now = item.before, item.facts.readings
    if providers == {Provider.DNS}:
        before, now = ([k for k in kept if not k.reading.evidence.by_resolver] for kept in (before, now))
    old, new = _value(before, providers, pick), _value(now, providers, pick)
    if not before and not now:
        old, new = _value(item.before, providers, pick), _value(item.facts.readings, providers, pick)
    return old, new


def _value(readings: Sequence[KeptReading], providers: set[Provider], pick: str) -> Any:
    """The newest good value of one field from the named providers, JSON-ready."""
    good = [kept.reading for kept in readings if _tells(kept.reading.evidence, providers)]
    good.sort(key=lambda reading: (reading.last_seen_at, reading.evidence.provider.value))
    for reading in reversed(good):
        value = _pick(reading.evidence, pick)
        if value:
            return value
    return None


def _delegated(readings: Sequence[KeptReading]) -> bool | None:
    """Whether the last answer of DNS held a delegation; None where it never answered."""
    said = [
        kept.reading
        for kept in readings
        if kept.reading.evidence.provider is Provider.DNS and kept.reading.evidence.outcome is not Outcome.ERROR
    ]
    last = max(said, key=lambda reading: reading.last_seen_at, default=None)
    return None if last is None else picture(last.evidence) != GONE


def _tells(evidence: Evidence, providers: set[Provider]) -> bool:
    return evidence.outcome is Outcome.FOUND and evidence.provider in providers


def _pick(evidence: Evidence, field: str) -> Any:
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
)
_LABELS = {
    "registrar": "Registrar",
    "registered": "Registration date",
    "handle": "Registry handle",
    "nameservers": "Name servers",
}

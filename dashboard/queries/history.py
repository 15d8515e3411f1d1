"""What a timeline is drawn from: registration periods, phases, and everything that happened, as plain values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Predicted, Prediction, RegistrationPeriod
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.timeline import Mark, Span
from dashboard.models import (
    AccountPackage,
    Address,
    Case,
    Check,
    Decision,
    Domain,
    EarlyWarning,
    LifecycleEvent,
    Package,
    SecurityEvent,
    Staff,
    TakeoverReport,
)
from dashboard.models import RegistrationPeriod as PeriodRow
from dashboard.models.case import decided_by

MAX_EVENTS = 300
MAX_CHECKS = 400
MAX_VERIFICATIONS = 500
MAX_RELEASES = 12
MAX_OF_A_KIND = 12
HAPPENED = {
    "password_reset_requested": ("reset", "password reset requested"),
    "password_reset": ("reset", "password reset"),
    "email_changed": ("credentials", "e-mail address changed"),
    "two_factor_changed": ("credentials", "second factor changed"),
    "token_created": ("token", "token created"),
    "login": ("sign_in", "signed in"),
}
"""What a source reports of accounts: how it is marked, and in which words."""
WARNED = {
    "expires_soon": "early warning: expires soon",
    "in_grace": "early warning: in grace",
    "dark_in_redemption": "early warning: in redemption, its mail cut off",
}
DECIDED = {"approve": "un-verification decided", "override": "kept verified"}


@dataclass(frozen=True, slots=True)
class History:
    """The life of one domain as far as it is known; `checks` are the newest, oldest first."""

    periods: Sequence[RegistrationPeriod]
    spans: Sequence[Span]
    marks: Sequence[Mark]
    checks: Sequence[datetime]
    predicted: Predicted


def domain_history(session: Session, domain: Domain, since: datetime) -> History:
    """Collect a domain's history; what happened to accounts is shown after `since`, the lapse or the catch."""
    events = _events(session, domain.id)
    marks = [Mark(event.at, event.kind, event.summary) for event in events if event.kind != "phase"]
    marks += _verifications(session, domain.id)
    marks += _releases(session, domain.id)
    marks += _happened(session, domain.id, since)
    marks += _decisions(session, domain.id)
    marks += _told(session, domain.id)
    if domain.expires_at is not None:
        marks.append(Mark(domain.expires_at, "expiry", "registration expires"))
    return History(
        periods=_periods(session, domain.id),
        spans=_spans([(event.at, event.detail) for event in events if event.kind == "phase"], domain.created_at),
        marks=marks,
        checks=_checks(session, domain.id),
        predicted=predicted_of(domain.assessment),
    )


def phase_spans(session: Session, domain_ids: Sequence[int]) -> dict[int, list[Span]]:
    """Return the phases of many domains in one statement, for the strips of a list.

    Before the first change that was seen, a name counts as registered from its registration to its expiry.
    """
    rows = session.execute(
        select(
            LifecycleEvent.domain_id,
            LifecycleEvent.at,
            LifecycleEvent.detail,
            Domain.registered_at,
            Domain.expires_at,
        )
        .join(Domain, Domain.id == LifecycleEvent.domain_id)
        .where(LifecycleEvent.domain_id.in_(domain_ids), LifecycleEvent.kind == "phase")
        .order_by(LifecycleEvent.domain_id, LifecycleEvent.at)
    )
    found: dict[int, list[tuple[datetime, dict[str, Any]]]] = defaultdict(list)
    unseen: dict[int, list[Span]] = {}
    for row in rows:
        if row.domain_id not in found:
            unseen[row.domain_id] = _before_seen(row.at, row.registered_at, row.expires_at)
        found[row.domain_id].append((row.at, row.detail))
    return {domain_id: unseen[domain_id] + _spans(events) for domain_id, events in found.items()}


def _before_seen(first_change: datetime, registered_at: datetime | None, expires_at: datetime | None) -> list[Span]:
    """The time in which a name was registered before anybody looked; after its expiry nothing is known."""
    end = min(first_change, expires_at) if expires_at else first_change
    return [Span(registered_at, end, Phase.ACTIVE)] if registered_at and registered_at < end else []


def predicted_of(assessment: dict[str, Any] | None) -> Predicted:
    """Rebuild the predictions from a stored assessment."""
    steps = (assessment or {}).get("predicted") or {}
    found = {
        name: Prediction(datetime.fromisoformat(step["date"]), step["basis"]) for name, step in steps.items() if step
    }
    return Predicted(**found)


def _spans(events: Sequence[tuple[datetime, dict[str, Any]]], watched_since: datetime | None = None) -> list[Span]:
    """Turn changes of phase into stretches: each lasts until the next one, the last one still does."""
    changes = [(at, str(detail.get("new"))) for at, detail in events]
    if not changes:
        return []
    if watched_since is not None and watched_since < changes[0][0]:
        changes.insert(0, (watched_since, str(events[0][1].get("old"))))
    ends = [*(at for at, _ in changes[1:]), None]
    spans = zip(changes, ends, strict=True)
    return [Span(at, end, Phase(new)) for (at, new), end in spans if new in _PHASES and new != Phase.UNKNOWN]


_PHASES = frozenset(phase.value for phase in Phase)


def _events(session: Session, domain_id: int) -> Sequence[LifecycleEvent]:
    newest = session.scalars(
        select(LifecycleEvent)
        .where(LifecycleEvent.domain_id == domain_id)
        .order_by(LifecycleEvent.at.desc(), LifecycleEvent.id.desc())
        .limit(MAX_EVENTS)
    ).all()
    return newest[::-1]


def _periods(session: Session, domain_id: int) -> list[RegistrationPeriod]:
    rows = session.execute(
        select(PeriodRow.started_at, PeriodRow.ended_at, PeriodRow.registrar, PeriodRow.handle)
        .where(PeriodRow.domain_id == domain_id)
        .order_by(PeriodRow.started_at)
    )
    return [RegistrationPeriod(*row) for row in rows]


def _checks(session: Session, domain_id: int) -> list[datetime]:
    query = select(Check.checked_at).where(Check.domain_id == domain_id).order_by(Check.due_at.desc())
    return sorted(session.scalars(query.limit(MAX_CHECKS)))


def _verifications(session: Session, domain_id: int) -> list[Mark]:
    """Mark the days on which addresses were verified, with how many."""
    query = (
        select(Address.verified_at)
        .where(Address.domain_id == domain_id, Address.verified_at.is_not(None))
        .order_by(Address.verified_at.desc())
        .limit(MAX_VERIFICATIONS)
    )
    moments = [at for at in session.scalars(query) if at is not None]
    first = {at.date(): at for at in moments}
    return [
        Mark(first[day], "verified", "an address was verified" if count == 1 else f"{count} addresses were verified")
        for day, count in Counter(at.date() for at in moments).items()
    ]


def _releases(session: Session, domain_id: int) -> list[Mark]:
    query = (
        select(Package.name, Package.last_release_at)
        .join(AccountPackage, AccountPackage.package_id == Package.id)
        .where(AccountPackage.account_id.in_(_accounts(domain_id)), Package.last_release_at.is_not(None))
        .distinct()
        .order_by(Package.last_release_at.desc())
        .limit(MAX_RELEASES)
    )
    return [Mark(row.last_release_at, "release", f"{row.name} released") for row in session.execute(query)]


def _happened(session: Session, domain_id: int, since: datetime) -> list[Mark]:
    """Mark the first events of each kind: the first reset after a catch tells more than the hundredth sign-in."""
    place = func.row_number().over(partition_by=SecurityEvent.kind, order_by=(SecurityEvent.at, SecurityEvent.id))
    ranked = (
        select(SecurityEvent.at, SecurityEvent.kind, place.label("place"))
        .where(
            SecurityEvent.account_id.in_(_accounts(domain_id)),
            SecurityEvent.kind.in_(HAPPENED),
            SecurityEvent.at > since,
        )
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.place <= MAX_OF_A_KIND).order_by(ranked.c.at))
    return [Mark(row.at, *HAPPENED[row.kind]) for row in rows]


def _told(session: Session, domain_id: int) -> list[Mark]:
    """Mark early warnings and reports of takeovers."""
    warnings = select(EarlyWarning.began_at, EarlyWarning.why).where(EarlyWarning.domain_id == domain_id)
    reports = (
        select(TakeoverReport.reported_at, Staff.email)
        .join(Staff, Staff.id == TakeoverReport.staff_id)
        .join(Case, Case.id == TakeoverReport.case_id)
        .where(Case.domain_id == domain_id)
    )
    marks = [Mark(at, "warning", WARNED.get(why, "early warning")) for at, why in session.execute(warnings)]
    return marks + [Mark(at, "report", f"takeover reported by {by}") for at, by in session.execute(reports)]


def _decisions(session: Session, domain_id: int) -> list[Mark]:
    query = (
        select(Decision.decided_at, Decision.kind, Decision.policy_version, Staff.email)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .join(Case, Case.id == Decision.case_id)
        .where(Case.domain_id == domain_id)
        .order_by(Decision.id)
    )
    return [
        Mark(
            row.decided_at,
            "decision",
            f"{DECIDED.get(row.kind, row.kind)} by {decided_by(row.email, row.policy_version)}",
        )
        for row in session.execute(query)
    ]


def _accounts(domain_id: int) -> Select[int]:
    return select(Address.account_id).where(Address.domain_id == domain_id)

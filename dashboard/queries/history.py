"""What a timeline is drawn from: registration periods, phases, and everything that happened, as plain values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, Select, String, func, select
from sqlalchemy.orm import Session

from dashboard.database import UtcDateTime
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
from dashboard.queries.parts import Part, part, read_parts

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
    """Collect a domain's history in one statement; what happened to accounts is shown after `since`, the lapse."""
    parts = _read(session, domain.id, since)
    changes = sorted(parts["change"], key=lambda row: (row.at, row.number))
    marks = [Mark(row.at, row.kind, row.words) for row in changes if row.kind != "phase"]
    marks += _verifications(sorted(row.at for row in parts["verified"]))
    marks += [Mark(row.at, "release", f"{row.words} released") for row in parts["release"]]
    marks += [Mark(row.at, *HAPPENED[row.kind]) for row in parts["happened"]]
    marks += [_decision(row) for row in parts["decision"]]
    marks += [Mark(row.at, "warning", WARNED.get(row.kind, "early warning")) for row in parts["warning"]]
    marks += [Mark(row.at, "report", f"takeover reported by {row.words}") for row in parts["report"]]
    if domain.expires_at is not None:
        marks.append(Mark(domain.expires_at, "expiry", "registration expires"))
    phases = [(row.at, {"old": row.old, "new": row.new}) for row in changes if row.kind == "phase"]
    periods = sorted(parts["period"], key=lambda row: row.at)
    return History(
        periods=[RegistrationPeriod(row.at, row.until, row.old, row.new) for row in periods],
        spans=_spans(phases, domain.created_at),
        marks=marks,
        checks=sorted(row.at for row in parts["check"]),
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


def _read(session: Session, domain_id: int, since: datetime) -> Mapping[str, Sequence[Row[Any]]]:
    """Read every part of the history at once: each has few columns, and few rows."""
    return read_parts(
        session,
        _changes(domain_id),
        _periods(domain_id),
        _checks(domain_id),
        _verified(domain_id),
        _releases(domain_id),
        _happened(domain_id, since),
        _decisions(domain_id),
        _warnings(domain_id),
        _reports(domain_id),
    )


_COLUMNS = {
    "number": BigInteger,
    "at": UtcDateTime,
    "until": UtcDateTime,
    "kind": String,
    "words": String,
    "old": String,
    "new": String,
}


def _part(name: str, at: Any, **given: Any) -> Part:
    return part(_COLUMNS, name, at=at, **given)


def _changes(domain_id: int) -> Part:
    """The newest changes; of a phase its names before and after, too."""
    event = LifecycleEvent
    names = {name: event.detail[name].as_string() for name in ("old", "new")}
    newest = event.at.desc(), event.id.desc()
    found = _part("change", event.at, number=event.id, kind=event.kind, words=event.summary, **names)
    return found.where(event.domain_id == domain_id).order_by(*newest).limit(MAX_EVENTS)


def _periods(domain_id: int) -> Part:
    row = PeriodRow
    found = _part("period", row.started_at, until=row.ended_at, old=row.registrar, new=row.handle)
    return found.where(row.domain_id == domain_id)


def _checks(domain_id: int) -> Part:
    found = _part("check", Check.checked_at).where(Check.domain_id == domain_id)
    return found.order_by(Check.due_at.desc()).limit(MAX_CHECKS)


def _verified(domain_id: int) -> Part:
    found = _part("verified", Address.verified_at)
    found = found.where(Address.domain_id == domain_id, Address.verified_at.is_not(None))
    return found.order_by(Address.verified_at.desc()).limit(MAX_VERIFICATIONS)


def _verifications(moments: Sequence[datetime]) -> list[Mark]:
    """Mark the days on which addresses were verified, with how many; `moments` are in their order."""
    first = {at.date(): at for at in reversed(moments)}
    return [
        Mark(first[day], "verified", "an address was verified" if count == 1 else f"{count} addresses were verified")
        for day, count in Counter(at.date() for at in moments).items()
    ]


def _releases(domain_id: int) -> Part:
    return (
        _part("release", Package.last_release_at, words=Package.name)
        .join(AccountPackage, AccountPackage.package_id == Package.id)
        .where(AccountPackage.account_id.in_(_accounts(domain_id)), Package.last_release_at.is_not(None))
        .distinct()
        .order_by(Package.last_release_at.desc())
        .limit(MAX_RELEASES)
    )


def _happened(domain_id: int, since: datetime) -> Part:
    """The first events of each kind: the first reset after a catch tells more than the hundredth sign-in."""
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
    return _part("happened", ranked.c.at, kind=ranked.c.kind).where(ranked.c.place <= MAX_OF_A_KIND)


def _decisions(domain_id: int) -> Part:
    return (
        _part("decision", Decision.decided_at, number=Decision.policy_version, kind=Decision.kind, words=Staff.email)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .join(Case, Case.id == Decision.case_id)
        .where(Case.domain_id == domain_id)
    )


def _decision(row: Row[Any]) -> Mark:
    """Mark a decision; its number is the version of the policy that made it."""
    return Mark(row.at, "decision", f"{DECIDED.get(row.kind, row.kind)} by {decided_by(row.words, row.number)}")


def _warnings(domain_id: int) -> Part:
    warning = EarlyWarning
    return _part("warning", warning.began_at, kind=warning.why).where(warning.domain_id == domain_id)


def _reports(domain_id: int) -> Part:
    return (
        _part("report", TakeoverReport.reported_at, words=Staff.email)
        .join(Staff, Staff.id == TakeoverReport.staff_id)
        .join(Case, Case.id == TakeoverReport.case_id)
        .where(Case.domain_id == domain_id)
    )


def _accounts(domain_id: int) -> Select[int]:
    return select(Address.account_id).where(Address.domain_id == domain_id)

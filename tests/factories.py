"""Rows for the tests of the screens: plain functions with sensible defaults, written through the given session."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Delegation, Evidence, Outcome, Phase, Provider, Rcode
from dashboard.models import (
    Account,
    AccountPackage,
    Address,
    Case,
    CaseOpening,
    Check,
    Decision,
    Domain,
    EvidenceRecord,
    LifecycleEvent,
    Notice,
    Package,
    RegistrationPeriod,
    SecurityEvent,
    Source,
    Unverification,
)
from tests.conftest import START

Row = TypeVar("Row")
LONG_AGO = START - timedelta(days=900)
_numbers = count(1)


def _add(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row


def make_source(session: Session, slug: str | None = None, name: str | None = None) -> Source:
    slug = slug or f"index{next(_numbers)}"
    return _add(session, Source(slug=slug, name=name or slug.title(), created_at=LONG_AGO))


def make_account(session: Session, source: Source, username: str | None = None, **values: Any) -> Account:
    number = next(_numbers)
    defaults = {"two_factor": True, "last_active_at": START - timedelta(days=40), "account_created_at": LONG_AGO}
    row = Account(source_id=source.id, external_id=f"u{number}", username=username or f"user{number}")
    for name, value in (defaults | values).items():
        setattr(row, name, value)
    return _add(session, row)


def make_address(
    session: Session, account: Account, domain: Domain | None, local_part: str = "confidential", **values: Any
) -> Address:
    defaults: dict[str, Any] = {
        "source_id": account.source_id,
        "account_id": account.id,
        "external_id": f"e{next(_numbers)}",
        "local_part": local_part,
        "host": domain.name if domain else "elsewhere.net",
        "domain_id": domain.id if domain else None,
        "verified": True,
        "verified_at": LONG_AGO,
        "first_verified_at": LONG_AGO,
        "is_primary": True,
        "state_token": "t1",
    }
    return _add(session, Address(**(defaults | values)))


def make_package(session: Session, account: Account, name: str | None = None, **values: Any) -> Package:
    number = next(_numbers)
    defaults: dict[str, Any] = {"downloads_30d": 1200, "last_release_at": LONG_AGO, "critical": False}
    package = _add(
        session,
        Package(
            source_id=account.source_id,
            name=name or f"package{number}",
            purl=f"pkg:test/package{number}",
            **(defaults | values),
        ),
    )
    _add(session, AccountPackage(account_id=account.id, package_id=package.id, role="owner", other_owners=1))
    return package


def make_event(session: Session, account: Account, kind: str, at: datetime) -> SecurityEvent:
    return _add(session, SecurityEvent(account_id=account.id, kind=kind, at=at))


def make_domain(session: Session, name: str | None = None, **values: Any) -> Domain:
    defaults: dict[str, Any] = {
        "name": name or f"domain{next(_numbers):05}.net",
        "created_at": START - timedelta(days=300),
        "next_check_at": START + timedelta(days=3),
        "last_checked_at": START - timedelta(days=2),
        "completed_at": START - timedelta(days=2),
        "phase": "redemption",
        "confidence": "corroborated",
        "recommendation": "review",
        "holder_change": "none",
    }
    return _add(session, Domain(**(defaults | values)))


def make_case(session: Session, domain: Domain | None = None, **values: Any) -> Case:
    """Make a case and its opening; counters are what `values` say, whatever rows there are."""
    domain = domain or make_domain(session)
    defaults: dict[str, Any] = {
        "domain_id": domain.id,
        "tld": domain.name.rpartition(".")[2],
        "state": "open",
        "version": 1,
        "phase": domain.phase,
        "confidence": domain.confidence,
        "recommendation": domain.recommendation,
        "holder_change": domain.holder_change,
        "risk": 50,
        "risk_parts": [{"name": "phase_and_downloads", "points": 50, "why": "redemption weighs 10"}],
        "opened_at": START - timedelta(days=1),
        "opened_why": "RDAP says redemption",
        "updated_at": START - timedelta(days=1),
    }
    case = _add(session, Case(**(defaults | values)))
    _add(session, CaseOpening(case_id=case.id, opened_at=case.opened_at, why=case.opened_why))
    return case


def make_evidence(
    session: Session,
    domain: Domain,
    provider: Provider = Provider.RDAP,
    *,
    raw: bytes | None = b'{"status": ["redemption period"]}',
    at: datetime = START - timedelta(days=2),
    since: datetime | None = None,
    **values: Any,
) -> EvidenceRecord:
    defaults: dict[str, Any] = {
        "outcome": Outcome.FOUND,
        "phase": Phase.REDEMPTION,
        "statuses": ("redemption period",),
        "registrar": "Honest Names",
    }
    if provider is Provider.DNS:
        defaults = {"outcome": Outcome.FOUND, "delegation": Delegation(Rcode.NOERROR, mx=((10, "mail.net"),))}
    evidence = Evidence(provider, domain.name, at, **(defaults | values))
    return _add(
        session,
        EvidenceRecord(
            domain_id=domain.id,
            provider=provider.value,
            digest=evidence.digest,
            normalised=evidence.normalised(),
            raw=raw,
            raw_digest=None if raw is None else "0" * 64,
            first_seen_at=since or at,
            last_seen_at=at,
        ),
    )


def make_change(
    session: Session, domain: Domain, kind: str, at: datetime, old: Any, new: Any, summary: str = ""
) -> LifecycleEvent:
    return _add(
        session,
        LifecycleEvent(
            domain_id=domain.id,
            key=f"{kind}@{at.isoformat()}",
            kind=kind,
            at=at,
            summary=summary or f"{kind} changed from {old} to {new}",
            detail={"old": old, "new": new},
        ),
    )


def make_period(session: Session, domain: Domain, started_at: datetime, **values: Any) -> RegistrationPeriod:
    return _add(session, RegistrationPeriod(domain_id=domain.id, started_at=started_at, **values))


def make_check(session: Session, domain: Domain, at: datetime, phase: str = "active") -> Check:
    return _add(session, Check(domain_id=domain.id, due_at=at, checked_at=at, phase=phase, failed=False))


def make_decision(session: Session, case: Case, staff_id: int, kind: str = "approve", **values: Any) -> Decision:
    opening = session.scalars(
        select(CaseOpening).where(CaseOpening.case_id == case.id).order_by(CaseOpening.id.desc()).limit(1)
    ).one()
    defaults: dict[str, Any] = {
        "reason_code": "lapsed",
        "note": "",
        "decided_at": START,
        "case_version": case.version,
        "frozen": {},
    }
    row = Decision(case_id=case.id, opening_id=opening.id, kind=kind, staff_id=staff_id, **(defaults | values))
    return _add(session, row)


def make_notice(session: Session, address: Address, state: str = "queued", **values: Any) -> Notice:
    defaults: dict[str, Any] = {
        "kind": "takeover_suspected",
        "domain_id": address.domain_id,
        "judged": {},
        "reason": "reported",
        "raised_at": START,
    }
    row = Notice(
        public_id=f"n{next(_numbers)}",
        address_id=address.id,
        source_id=address.source_id,
        state=state,
        **(defaults | values),
    )
    return _add(session, row)


def make_unverification(
    session: Session, decision: Decision, address: Address, state: str = "queued", decided_at: datetime = START
) -> Unverification:
    return _add(
        session,
        Unverification(
            public_id=f"p{next(_numbers)}",
            decision_id=decision.id,
            address_id=address.id,
            source_id=address.source_id,
            kind="unverify",
            effect="unverify",
            state=state,
            judged={},
            reason=decision.reason_code,
            decided_at=decided_at,
        ),
    )

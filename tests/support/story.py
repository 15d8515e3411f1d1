"""Tell a domain's story in a test: rows that a source would have brought, answers that providers would have given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from dashboard.database import writing
from dashboard.lifecycle.evidence import Delegation, ErrorKind, Evidence, Outcome, Phase, Provider, Rcode
from dashboard.models import Account, AccountPackage, Address, Domain, Package, Source, Staff
from dashboard.services.checking.claim import claim_batch, open_batch
from dashboard.services.checking.record import Answer, CheckedDomain, Recorded, record_checks
from tests.conftest import START

LEASE = timedelta(seconds=120)
REGISTERED = START - timedelta(days=2000)
VERIFIED = START - timedelta(days=1000)


def add_source(session: Session, slug: str = "index") -> Source:
    source = Source(slug=slug, name=slug.title(), created_at=START)
    session.add(source)
    session.flush()
    return source


def add_staff(session: Session, email: str = "rita@desk.test") -> Staff:
    staff = Staff(email=email, role="reviewer", password_hash="-", created_at=START)
    session.add(staff)
    session.flush()
    return staff


def add_domain(session: Session, name: str, due_at: datetime = START) -> Domain:
    domain = Domain(name=name, created_at=START, next_check_at=due_at)
    session.add(domain)
    session.flush()
    return domain


def add_accounts(
    session: Session, source: Source, domain: Domain, count: int = 1, **address: object
) -> list[Address]:
    """Add `count` accounts with one verified address at the domain each, and a package that all of them publish."""
    package = Package(source_id=source.id, name="parcel", purl=f"pkg:test/{domain.name}", downloads_30d=1000)
    session.add(package)
    session.flush()
    found = []
    for number in range(count):
        account = Account(
            source_id=source.id,
            external_id=f"{domain.name}/{number}",
            username=f"user{number}",
            two_factor=number % 2 == 1,
            account_created_at=VERIFIED,
        )
        session.add(account)
        session.flush()
        session.add(AccountPackage(account_id=account.id, package_id=package.id, role="owner"))
        values = {"verified": True, "verified_at": VERIFIED, "first_verified_at": VERIFIED, "is_primary": True}
        found.append(
            Address(
                source_id=source.id,
                account_id=account.id,
                external_id=f"a-{domain.name}/{number}",
                local_part=f"secret{number}",
                host=domain.name,
                domain_id=domain.id,
                state_token="t1",
                **(values | address),
            )
        )
    session.add_all(found)
    session.flush()
    return found


def rdap(domain: str, at: datetime, phase: Phase = Phase.ACTIVE, **values: object) -> Evidence:
    defaults: dict[str, object] = {
        "registered_at": REGISTERED,
        "expires_at": at + timedelta(days=200),
        "registrar": "Honest Names",
        "handle": "H1",
        "nameservers": ("ns1.host.net",),
    }
    if phase is Phase.AVAILABLE:
        return Evidence(Provider.RDAP, domain, at, Outcome.NOT_FOUND, phase)
    return Evidence(Provider.RDAP, domain, at, Outcome.FOUND, phase, **(defaults | values))  # type: ignore[arg-type]


def fastly(domain: str, at: datetime, phase: Phase = Phase.ACTIVE, *statuses: str) -> Evidence:
    outcome = Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND
    return Evidence(Provider.FASTLY, domain, at, outcome, phase, statuses=statuses)


def dns(domain: str, at: datetime, rcode: Rcode = Rcode.NOERROR) -> Evidence:
    if rcode is Rcode.NXDOMAIN:
        return Evidence(Provider.DNS, domain, at, Outcome.NOT_FOUND, Phase.AVAILABLE, delegation=Delegation(rcode))
    delegation = Delegation(rcode, mx=((10, f"mail.{domain}"),))
    return Evidence(
        Provider.DNS, domain, at, Outcome.FOUND, Phase.ACTIVE, nameservers=("ns1.host.net",), delegation=delegation
    )


def failure(domain: str, at: datetime, provider: Provider, kind: ErrorKind = ErrorKind.TIMEOUT) -> Evidence:
    return Evidence(provider, domain, at, Outcome.ERROR, error=kind)


def check(domain_id: int, evidence: Sequence[Evidence], now: datetime) -> Recorded:
    """Claim whatever is due at `now` and record `evidence` for the domain, as a batch job would."""
    with writing() as session:
        domain = session.get_one(Domain, domain_id)
        domain.next_check_at = min(domain.next_check_at, now)
    with writing() as session:
        batch = claim_batch(session, now=now, wall_now=now, size=100, lease=LEASE)
        assert batch is not None
        due = open_batch(session, batch, wall_now=now, lease=LEASE)
    answers = [Answer(item, b"{}", "0" * 64) for item in evidence]
    checked = [CheckedDomain(item.id, item.due_at, answers) for item in due if item.id == domain_id]
    with writing() as session:
        return record_checks(session, batch, checked, now, recheck_days=30)

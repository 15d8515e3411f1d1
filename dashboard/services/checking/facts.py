"""All that is known of some domains, read in a handful of statements however many they are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.assess import assess
from dashboard.lifecycle.assessment import AddressFacts, Assessment, History
from dashboard.lifecycle.assessment import RegistrationPeriod as Period
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Evidence, Phase, Reading
from dashboard.lifecycle.facts import unregistered_seen_at
from dashboard.lifecycle.mailboxes import is_mailbox_provider
from dashboard.lifecycle.reliance import rely
from dashboard.models import Account, AccountPackage, Address, Domain, EvidenceRecord, Package, RegistrationPeriod
from dashboard.services.allow_list.ask import preset_off
from dashboard.services.dependencies.load import Relation, lapsed, load_relations, relied_on
from dashboard.services.sql import among


@dataclass(frozen=True, slots=True)
class KeptReading:
    """A reading with the row it came from; None where it is about to be written."""

    id: int | None
    digest: str
    reading: Reading


@dataclass(frozen=True, slots=True)
class VerifiedAddress:
    """A verified address of a domain, with the row and account it belongs to; `facts.address_id` is its row id."""

    id: int
    account_id: int
    facts: AddressFacts


@dataclass(slots=True)
class DomainFacts:
    """What is known of one domain before a new check is weighed."""

    id: int
    name: str
    phase: Phase
    readings: list[KeptReading] = field(default_factory=list)
    addresses: list[VerifiedAddress] = field(default_factory=list)
    periods: list[Period] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    is_relied_on: bool = False

    def assess(self, readings: Collection[Reading], now: datetime) -> Assessment:
        """Weigh `readings` against the history, the verified addresses, and what of its dependencies has lapsed."""
        history = History(
            periods=tuple(self.periods),
            unregistered_seen_at=unregistered_seen_at([kept.reading for kept in self.readings], History()),
            previous_phase=self.phase,
        )
        addresses = [address.facts for address in self.addresses]
        return rely(assess(self.name, list(readings), addresses, history, now), lapsed(self.relations))

    def current(self, now: datetime) -> Assessment:
        """Weigh what is stored, as of `now`."""
        return self.assess([kept.reading for kept in self.readings], now)


def load_facts(session: Session, domain_ids: Collection[int]) -> dict[int, DomainFacts]:
    """Return what is known of each of `domain_ids`, in five statements; those of the preset without addresses."""
    query = select(Domain.id, Domain.name, Domain.phase, relied_on().label("is_relied_on"))
    facts = {
        row.id: DomainFacts(row.id, row.name, Phase(row.phase), is_relied_on=row.is_relied_on)
        for row in session.execute(query.where(among(Domain.id, domain_ids)))
    }
    fill_facts(session, facts)
    return facts


def fill_facts(session: Session, facts: dict[int, DomainFacts]) -> None:
    """Add to `facts`, by domain, all that hangs on the domains' own rows."""
    _add_readings(session, facts)
    # Half of a source's addresses may be at one mailbox provider, and none of them is ever anyone's case.
    large = {known.name for known in facts.values() if is_mailbox_provider(known.name)}
    large -= preset_off(session, large) if large else set()
    _add_addresses(session, {ident: known for ident, known in facts.items() if known.name not in large})
    _add_periods(session, facts)
    _add_relations(session, facts)


def _add_readings(session: Session, facts: dict[int, DomainFacts]) -> None:
    record = EvidenceRecord
    rows = session.execute(
        select(
            record.id, record.domain_id, record.digest, record.normalised, record.first_seen_at, record.last_seen_at
        ).where(among(record.domain_id, facts))
    )
    for row in rows:
        evidence = Evidence.from_normalised(row.normalised, row.last_seen_at)
        reading = Reading(evidence, row.first_seen_at, row.last_seen_at)
        facts[row.domain_id].readings.append(KeptReading(row.id, row.digest, reading))


def _add_addresses(session: Session, facts: dict[int, DomainFacts]) -> None:
    rows = session.execute(
        select(
            Address.id,
            Address.domain_id,
            Address.account_id,
            Address.verified_at,
            Address.first_verified_at,
            Account.account_created_at,
            _last_release().label("last_release_at"),
        )
        .join(Account, Account.id == Address.account_id)
        .where(among(Address.domain_id, facts), Address.verified)
        .order_by(Address.id)
    )
    for row in rows:
        known = AddressFacts(
            str(row.id), row.verified_at, row.account_created_at, row.first_verified_at, row.last_release_at
        )
        facts[row.domain_id or 0].addresses.append(VerifiedAddress(row.id, row.account_id, known))


def _last_release() -> ScalarSelect[datetime | None]:
    """The newest release of a package that the address's account may publish."""
    query = (
        select(func.max(Package.last_release_at))
        .join(AccountPackage, AccountPackage.package_id == Package.id)
        .where(AccountPackage.account_id == Address.account_id)
    )
    return query.correlate(Address).scalar_subquery()


def _add_periods(session: Session, facts: dict[int, DomainFacts]) -> None:
    rows = session.execute(
        select(
            RegistrationPeriod.domain_id,
            RegistrationPeriod.started_at,
            RegistrationPeriod.ended_at,
            RegistrationPeriod.registrar,
            RegistrationPeriod.handle,
        )
        .where(among(RegistrationPeriod.domain_id, facts))
        .order_by(RegistrationPeriod.started_at)
    )
    for row in rows:
        facts[row.domain_id].periods.append(Period(row.started_at, row.ended_at, row.registrar, row.handle))


def _add_relations(session: Session, facts: dict[int, DomainFacts]) -> None:
    for ident, relations in load_relations(session, facts).items():
        facts[ident].relations = relations


@dataclass(frozen=True, slots=True)
class AtRisk:
    """The addresses a decision would reach: those not proven to belong to the present holder."""

    addresses: tuple[VerifiedAddress, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """Row ids of the addresses."""
        return tuple(address.id for address in self.addresses)


def at_risk(facts: DomainFacts, assessment: Assessment) -> AtRisk:
    """Leave out addresses that the assessment proves safe (verified by the present holder); a lapse reaches all."""
    if assessment.phase in LEAVING | LOST:
        return AtRisk(tuple(facts.addresses))
    safe = {risk.address_id for risk in assessment.addresses if risk.at_risk is False}
    return AtRisk(tuple(address for address in facts.addresses if address.facts.address_id not in safe))

"""From answers to evidence, history, cases: what stays single, what opens, what closes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import ErrorKind, Phase, Provider, Rcode
from dashboard.models import (
    AuditEntry,
    Case,
    CaseState,
    Check,
    Domain,
    EvidenceRecord,
    LifecycleEvent,
    RegistrationPeriod,
)
from dashboard.services.checking.claim import batches_in_flight, claim_batch, finish_batch, open_batch
from dashboard.services.checking.record import Answer, CheckedDomain, record_checks
from tests.conftest import START
from tests.support import story

NAME = "lapsing-parcels.com"
DAY = timedelta(days=1)


@pytest.fixture
def domain_id(context: Flask) -> int:
    with writing() as session:
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain, count=3)
        return domain.id


def events() -> list[str]:
    return list(db.session.scalars(select(AuditEntry.event).order_by(AuditEntry.seq)))


def the_case() -> Case:
    db.session.expire_all()
    return db.session.scalars(select(Case)).one()


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_healthy_domain_opens_no_case_and_is_due_again_in_thirty_days(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START), story.fastly(NAME, START), story.dns(NAME, START)], START)
    domain = db.session.get_one(Domain, domain_id)
    assert (domain.phase, domain.next_check_at, domain.batch_id) == ("active", START + 30 * DAY, None)
    assert (count(Case), count(Check), count(EvidenceRecord), count(RegistrationPeriod)) == (0, 1, 3, 1)


def test_redemption_opens_one_case_with_what_would_be_lost(domain_id: int) -> None:
    recorded = story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION)], START)
    case = the_case()
    assert recorded.opened == 1
    assert (case.state, case.phase, case.version) == ("open", "redemption", 1)
    assert (case.addresses, case.accounts, case.only_address_accounts, case.no_second_factor_accounts) == (3, 3, 3, 2)
    assert (case.packages, case.downloads_30d) == (1, 1000)
    assert case.risk == sum(part["points"] for part in case.risk_parts)
    assert events() == ["case.opened"]


def test_an_unchanged_answer_only_moves_its_last_sighting(domain_id: int) -> None:
    for days in range(3):
        now = START + days * DAY
        story.check(domain_id, [story.rdap(NAME, now, Phase.REDEMPTION, expires_at=START - 40 * DAY)], now)
    record = db.session.scalars(select(EvidenceRecord)).one()
    assert (record.first_seen_at, record.last_seen_at, record.readings) == (START, START + 2 * DAY, 3)
    assert (count(Case), count(Check), events()) == (1, 3, ["case.opened"])
    assert db.session.scalars(select(LifecycleEvent.kind)).all() == ["phase"]


def test_an_error_between_two_equal_answers_does_not_part_them(domain_id: int) -> None:
    expires = START + 100 * DAY
    story.check(domain_id, [story.rdap(NAME, START, expires_at=expires)], START)
    story.check(domain_id, [story.failure(NAME, START + DAY, Provider.RDAP)], START + DAY)
    story.check(domain_id, [story.rdap(NAME, START + 2 * DAY, expires_at=expires)], START + 2 * DAY)
    rows = db.session.execute(select(EvidenceRecord.readings).order_by(EvidenceRecord.id)).scalars().all()
    assert rows == [2, 1]


def test_a_failed_check_is_tried_again_soon_and_changes_no_phase(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION)], START)
    later = START + DAY
    story.check(domain_id, [story.failure(NAME, later, Provider.RDAP, ErrorKind.THROTTLED)], later)
    domain = db.session.get_one(Domain, domain_id)
    assert (domain.phase, domain.failures) == ("redemption", 1)
    assert later + timedelta(minutes=15) <= domain.next_check_at <= later + timedelta(hours=1)
    assert the_case().state == CaseState.OPEN


def test_nothing_but_failures_says_nothing(domain_id: int) -> None:
    story.check(domain_id, [story.failure(NAME, START, provider) for provider in Provider], START)
    assert (db.session.get_one(Domain, domain_id).phase, count(Case)) == ("unknown", 0)


def test_dns_alone_never_flags(domain_id: int) -> None:
    story.check(domain_id, [story.dns(NAME, START, Rcode.NXDOMAIN)], START)
    assert count(Case) == 0


def test_a_due_time_is_served_once_however_often_the_job_runs(domain_id: int) -> None:
    with writing() as session:
        batch = claim_batch(session, now=START, wall_now=START, size=10, lease=story.LEASE)
        assert batch
        due = open_batch(session, batch, wall_now=START, lease=story.LEASE)
    checked = [CheckedDomain(due[0].id, due[0].due_at, [Answer(story.rdap(NAME, START), None, None)])]
    results = []
    for _ in range(2):
        with writing() as session:
            results.append(record_checks(session, batch, checked, START, recheck_days=30))
    assert [(result.checks, result.skipped) for result in results] == [(1, 0), (0, 1)]
    assert (count(Check), count(EvidenceRecord)) == (1, 1)


def test_a_dead_workers_batch_is_claimed_again_and_its_late_answers_are_left_out(domain_id: int) -> None:
    with writing() as session:
        first = claim_batch(session, now=START, wall_now=START, size=10, lease=story.LEASE)
        assert first
        due = open_batch(session, first, wall_now=START, lease=story.LEASE)
    with writing() as session:
        assert claim_batch(session, now=START, wall_now=START, size=10, lease=story.LEASE) is None
        assert batches_in_flight(session, START) == 1
    later = START + timedelta(minutes=5)
    with writing() as session:
        second = claim_batch(session, now=later, wall_now=later, size=10, lease=story.LEASE)
    assert second not in {None, first}
    with writing() as session:
        late = [CheckedDomain(due[0].id, due[0].due_at, [Answer(story.rdap(NAME, START), None, None)])]
        assert record_checks(session, first, late, START, recheck_days=30).skipped == 1
    with writing() as session:
        assert second
        assert [item.id for item in open_batch(session, second, wall_now=later, lease=story.LEASE)] == [domain_id]


def test_what_a_job_does_not_come_to_is_let_go(domain_id: int) -> None:
    with writing() as session:
        batch = claim_batch(session, now=START, wall_now=START, size=10, lease=story.LEASE)
        assert batch
        finish_batch(session, batch, wall_now=START)
    assert db.session.get_one(Domain, domain_id).batch_id is None


def test_the_owner_renews_and_the_case_closes(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION)], START)
    renewed = story.rdap(NAME, START + DAY, expires_at=START + 300 * DAY)
    story.check(domain_id, [renewed], START + DAY)
    assert the_case().state == CaseState.CLOSED_RENEWED
    assert events() == ["case.opened", "case.closed"]


def test_a_name_registered_anew_is_a_change_of_holder_with_a_second_period(domain_id: int) -> None:
    story.check(domain_id, [story.rdap(NAME, START)], START)
    caught = START + 5 * DAY
    now = START + 6 * DAY
    story.check(domain_id, [story.rdap(NAME, now, registered_at=caught, handle="H2", registrar="Quick")], now)
    case = the_case()
    assert (case.phase, case.holder_change, case.recommendation) == ("active", "dropped_and_caught", "review")
    periods = db.session.execute(
        select(RegistrationPeriod.started_at, RegistrationPeriod.ended_at).order_by(RegistrationPeriod.started_at)
    ).all()
    assert [tuple(row) for row in periods] == [(story.REGISTERED, caught), (caught, None)]
    assert {"registrar", "registered", "handle"} <= set(db.session.scalars(select(LifecycleEvent.kind)))


def test_addresses_verified_by_the_present_holder_are_not_at_risk(domain_id: int) -> None:
    caught = START - 10 * DAY
    with writing() as session:
        domain = session.get_one(Domain, domain_id)
        other = story.add_source(session, "other")
        story.add_accounts(session, other, domain, count=2, verified_at=START - DAY, first_verified_at=START - DAY)
    story.check(domain_id, [story.rdap(NAME, START, registered_at=caught, handle="H2")], START)
    assert the_case().addresses == 3


def test_a_domain_without_verified_addresses_is_nobodys_case(context: Flask) -> None:
    with writing() as session:
        domain = story.add_domain(session, NAME)
        story.add_accounts(session, story.add_source(session), domain, verified=False)
        domain_id = domain.id
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION)], START)
    assert count(Case) == 0


def test_a_large_mailbox_provider_is_never_anyones_case(context: Flask) -> None:
    with writing() as session:
        domain = story.add_domain(session, "gmail.com")
        story.add_accounts(session, story.add_source(session), domain)
        domain_id = domain.id
    story.check(domain_id, [story.rdap("gmail.com", START, Phase.PENDING_DELETE)], START)
    assert count(Case) == 0


def test_hostile_text_in_evidence_is_stored_as_text(domain_id: int) -> None:
    evil = "<script>alert(1)</script>\u202e"
    story.check(domain_id, [story.rdap(NAME, START, Phase.REDEMPTION, registrar=evil)], START)
    stored = db.session.scalars(select(EvidenceRecord.normalised)).one()
    assert stored["registrar"] == evil

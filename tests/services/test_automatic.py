"""Automatic approval: what it takes, what it leaves to people, and that its limit holds."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from itertools import count as counting
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import (
    Account,
    AccountPackage,
    Address,
    AllowKind,
    AllowListEntry,
    AuditEntry,
    Brake,
    Case,
    CaseState,
    Claim,
    Decision,
    DecisionKind,
    Domain,
    Package,
    Source,
    Unverification,
)
from dashboard.queries.case_log import case_log
from dashboard.services.automatic import Approval, Candidate, Skip, Stop, approve_next, candidates
from dashboard.services.decide import DecisionRequest, decide
from jobs.automatic import approve
from tests.conftest import START, ManualClock
from tests.support import story
from tests.support.policy import add_history, set_policy

DAY = timedelta(days=1)
_numbers = counting(1)


@dataclass(frozen=True)
class Desk:
    """A database with history, automatic approval switched on, and lapsed domains as a test wants them."""

    source_id: int
    staff_id: int

    def lapse(self, accounts: int = 1, phase: Phase = Phase.AVAILABLE) -> int:
        """Have a domain with so many accounts lapse, with two kinds of evidence; return its case's id."""
        name = f"lost-parcels{next(_numbers)}.com"
        with writing() as session:
            domain = story.add_domain(session, name)
            story.add_accounts(session, session.get_one(Source, self.source_id), domain, count=accounts)
            domain_id = domain.id
        story.check(domain_id, [story.rdap(name, START, phase), story.fastly(name, START, phase)], START)
        return db.session.scalars(select(Case.id).where(Case.domain_id == domain_id)).one()


@pytest.fixture
def desk(context: Flask) -> Desk:
    with writing() as session:
        desk = Desk(story.add_source(session).id, story.add_staff(session).id)
        add_history(session)
        set_policy(session, automatic=True)
    return desk


def found() -> list[int]:
    ids = [each.case_id for each in candidates(db.session(), START, START)]
    db.session.rollback()
    return ids


def attempt(case_id: int) -> Approval:
    """Put a case to the second look, as if it had passed the first."""
    candidate = Candidate(case_id, db.session.get_one(Case, case_id).version)
    with writing() as session:
        return approve_next(session, candidate, START, START)


def state(case_id: int) -> str:
    db.session.expire_all()
    return db.session.get_one(Case, case_id).state


def test_a_clear_recommendation_is_approved_by_the_policy(desk: Desk) -> None:
    case = desk.lapse(accounts=2)
    assert approve() == {"cases": 1, "addresses": 2, "accounts": 2}
    decision = db.session.scalars(select(Decision)).one()
    assert (decision.case_id, decision.kind, decision.staff_id, decision.policy_version) == (case, "approve", None, 2)
    assert {item["provider"] for item in decision.frozen["evidence"]} == {"rdap", "fastly"}
    assert db.session.scalar(select(func.count(Unverification.id))) == 2
    assert state(case) == CaseState.DECIDED
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.event == "case.approved")).one()
    assert entry.actor == "policy:2"
    assert case_log(db.session(), case).decisions[0].by == "automatic approval, policy version 2"


def test_it_is_off_until_an_admin_switches_it_on(context: Flask) -> None:
    with writing() as session:
        desk = Desk(story.add_source(session).id, story.add_staff(session).id)
        add_history(session)
    case = desk.lapse()
    assert approve() == {}
    assert attempt(case).stop is Stop.OFF
    assert state(case) == CaseState.OPEN


def test_switching_it_off_stops_it_at_once(desk: Desk) -> None:
    cases = [desk.lapse() for _ in range(3)]
    ready = list(candidates(db.session(), START, START))
    with writing() as session:
        assert approve_next(session, ready[0], START, START).addresses == 1
    with writing() as session:
        set_policy(session, automatic=False)
    with writing() as session:
        assert approve_next(session, ready[1], START, START).stop is Stop.OFF
    assert sorted(state(case) for case in cases) == ["decided", "open", "open"]


def test_any_brake_stops_everything(desk: Desk) -> None:
    case = desk.lapse()
    with writing() as session:
        session.add(
            Brake(
                scope="tld",
                provider="rdap",
                tld="org",
                mode="share",
                lapsed=50,
                checked=100,
                limit_per_mille=2000,
                opened_at=START,
            )
        )
    assert found() == []
    assert attempt(case).stop is Stop.BRAKE
    assert approve() == {}


def test_nothing_is_approved_during_the_first_sweep(context: Flask) -> None:
    with writing() as session:
        desk = Desk(story.add_source(session).id, story.add_staff(session).id)
        add_history(session, days=29)
        set_policy(session, automatic=True)
    case = desk.lapse()
    assert attempt(case).stop is Stop.FIRST_SWEEP
    assert approve() == {}


def hold(session: Session, case: Case) -> None:
    brake = Brake(
        scope="tld",
        provider="rdap",
        tld="com",
        mode="share",
        lapsed=50,
        checked=100,
        limit_per_mille=2000,
        opened_at=START,
        released_at=START,
        released_by=1,
        released_how="released",
    )
    session.add(brake)
    session.flush()
    case.brake_id = brake.id


def claim(session: Session, case: Case) -> None:
    session.add(Claim(case_id=case.id, staff_id=1, claimed_at=START, expires_at=START + timedelta(minutes=10)))


def set_aside(_session: Session, case: Case) -> None:
    case.state = "snoozed"


def decide_before(session: Session, case: Case) -> None:
    request = DecisionRequest(case.id, case.version, DecisionKind.OVERRIDE, "owner_confirmed", "")
    assert decide(session, request, Actor(ActorKind.STAFF, "1"), 1, START).decision_id
    case.state = CaseState.OPEN.value


def recommend_review(_session: Session, case: Case) -> None:
    case.recommendation = "review"


@pytest.mark.parametrize("step", [hold, claim, set_aside, decide_before, recommend_review])
def test_a_case_that_is_held_or_somebodys_is_left_to_people(
    desk: Desk, step: Callable[[Session, Case], None]
) -> None:
    case = desk.lapse()
    assert found() == [case]
    with writing() as session:
        step(session, session.get_one(Case, case))
    assert found() == []
    assert attempt(case).skip is Skip.CHANGED
    assert approve() == {}


def test_a_claim_that_has_run_out_is_none(desk: Desk) -> None:
    case = desk.lapse()
    with writing() as session:
        claim(session, session.get_one(Case, case))
    later = START + timedelta(minutes=10)
    assert [each.case_id for each in candidates(db.session(), START, later)] == [case]


def test_one_provider_alone_is_left_to_people_though_the_case_says_otherwise(desk: Desk) -> None:
    name = "one-voice.com"
    with writing() as session:
        domain = story.add_domain(session, name)
        story.add_accounts(session, session.get_one(Source, desk.source_id), domain)
        domain_id = domain.id
    story.check(domain_id, [story.rdap(name, START, Phase.AVAILABLE)], START)
    with writing() as session:
        case = session.scalars(select(Case)).one()
        case.recommendation = "unverify"
        case_id = case.id
    assert attempt(case_id).skip is Skip.NOT_RECOMMENDED


def test_old_evidence_is_left_alone_until_it_is_fresh(desk: Desk, clock: ManualClock) -> None:
    case = desk.lapse()
    clock.advance(hours=25)
    assert approve() == {}
    assert list(candidates(db.session(), clock.now(), clock.now())) == []
    db.session.rollback()
    with writing() as session:
        candidate = Candidate(case, session.get_one(Case, case).version)
        assert approve_next(session, candidate, clock.now(), clock.now()).skip is Skip.STALE


@pytest.mark.parametrize("values", [{"downloads_30d": 1_000_000}, {"critical": True}])
def test_a_package_of_high_profile_is_left_to_people(desk: Desk, values: dict[str, object]) -> None:
    case, other = desk.lapse(), desk.lapse()
    with writing() as session:
        address = session.scalars(
            select(Address).join(Case, Case.domain_id == Address.domain_id).where(Case.id == case)
        ).one()
        package = Package(source_id=desk.source_id, name="big", purl="pkg:test/big", **values)
        session.add(package)
        session.flush()
        session.get_one(Account, address.account_id)
        session.add(AccountPackage(account_id=address.account_id, package_id=package.id))
    assert found() == [other]
    assert attempt(case).skip is Skip.HIGH_PROFILE


def test_more_addresses_than_one_person_may_are_left_to_two(desk: Desk) -> None:
    with writing() as session:
        set_policy(session, automatic_accounts=1000, type_above=2, second_above=3)
    many, some = desk.lapse(accounts=4), desk.lapse(accounts=3)
    assert found() == [some]
    assert attempt(many).skip is Skip.TOO_MANY
    assert attempt(some).addresses == 3


def test_the_limit_counts_accounts_in_any_24_hours(desk: Desk, clock: ManualClock) -> None:
    with writing() as session:
        set_policy(session, automatic_accounts=5)
    big, *small = desk.lapse(accounts=6), desk.lapse(accounts=3), desk.lapse(accounts=2), desk.lapse(accounts=1)
    assert approve()["accounts"] == 5
    assert state(big) == CaseState.OPEN
    assert sorted(state(case) for case in small) == ["decided", "decided", "open"]
    clock.advance(hours=23, minutes=59)
    assert approve() == {}
    clock.advance(minutes=1)
    with writing() as session:
        set_policy(session, evidence_max_age=timedelta(hours=48))
    assert approve()["accounts"] in {1, 2, 3}


def test_a_job_that_was_killed_between_two_decisions_goes_on_where_it_was(desk: Desk) -> None:
    with writing() as session:
        set_policy(session, automatic_accounts=3)
    for _ in range(5):
        desk.lapse()
    ready = list(candidates(db.session(), START, START))
    for candidate in ready[:2]:  # then it was killed
        with writing() as session:
            approve_next(session, candidate, START, START)
    assert approve()["accounts"] == 1
    assert approve() == {}
    assert db.session.scalar(select(func.count(Decision.id))) == 3


def test_workers_that_are_killed_anywhere_lose_and_double_nothing(desk: Desk) -> None:
    limit = 9
    with writing() as session:
        set_policy(session, automatic_accounts=limit)
    for _ in range(12):
        desk.lapse()
    db.session.remove()
    for number in range(8):
        approve_until_killed(seconds=0.004 * (number + 1))
    approve()
    decisions = db.session.scalars(select(Decision)).all()
    assert len(decisions) == limit
    assert len({decision.case_id for decision in decisions}) == limit
    effects = db.session.scalars(select(Unverification.decision_id)).all()
    assert sorted(effects) == sorted(decision.id for decision in decisions)
    told = db.session.scalars(select(AuditEntry.object_id).where(AuditEntry.event == "case.approved")).all()
    assert sorted(map(int, told)) == sorted(decision.case_id for decision in decisions)
    assert verify(db.session()).ok


def approve_until_killed(seconds: float) -> None:
    """Run the job in a process of its own that the kernel ends after so many seconds, wherever it is."""
    child = os.fork()
    if child == 0:
        db.engine.dispose(close=False)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            approve()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_two_workers_at_once_never_exceed_the_limit(desk: Desk, app: Flask) -> None:
    limit = 7
    with writing() as session:
        set_policy(session, automatic_accounts=limit)
    for _ in range(12):
        desk.lapse()
    ready, start = list(candidates(db.session(), START, START)), Barrier(2)
    db.session.remove()

    def work() -> int:
        with app.app_context():
            done = 0
            start.wait(60)
            for candidate in ready:
                with writing() as session:
                    done += approve_next(session, candidate, START, START).accounts
            return done

    with ThreadPoolExecutor(2) as pool:
        totals = [each.result() for each in [pool.submit(work), pool.submit(work)]]
    assert sum(totals) == limit
    assert db.session.scalar(select(func.count(Unverification.id))) == limit


def test_a_change_of_policy_comes_before_or_after_a_decision_never_beside_it(desk: Desk, app: Flask) -> None:
    """While versions come and go, no decision is made under one that was not in force at its commit."""
    for _ in range(10):
        desk.lapse()
    ready, start = list(candidates(db.session(), START, START)), Barrier(2)
    db.session.remove()

    def approve_all() -> None:
        with app.app_context():
            start.wait(60)
            for candidate in ready:
                with writing() as session:
                    approve_next(session, candidate, START, START)

    def change_often() -> None:
        with app.app_context():
            start.wait(60)
            for number in range(6):
                with writing() as session:
                    set_policy(session, automatic=number % 2 == 1, automatic_accounts=20 + number)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(approve_all), pool.submit(change_often)]:
            each.result()
    entries = db.session.execute(
        select(AuditEntry.event, AuditEntry.actor, AuditEntry.object_id).order_by(AuditEntry.seq)
    )
    in_force = "1"
    for event, actor, ident in entries:
        if event == "policy.changed":
            in_force = ident
        elif event == "case.approved":
            assert actor == f"policy:{in_force}"
            assert int(in_force) % 2 == 0, "the odd versions switch it off"


def test_a_person_may_keep_what_the_policy_did_not_reach(desk: Desk) -> None:
    """What was approved can be looked at and decided otherwise when it comes back; the policy then keeps out."""
    case = desk.lapse()
    approve()
    with writing() as session:
        row = session.get_one(Case, case)
        row.state = CaseState.OPEN.value
        session.execute(delete(Unverification))
        request = DecisionRequest(row.id, row.version, DecisionKind.OVERRIDE, "owner_confirmed", "")
        assert decide(session, request, Actor(ActorKind.STAFF, "1"), desk.staff_id, START).decision_id
    assert [each.by for each in case_log(db.session(), case).decisions] == [
        "rita@desk.test",
        "automatic approval, policy version 2",
    ]
    assert found() == []


def test_what_the_allow_list_keeps_is_left_alone(desk: Desk) -> None:
    case = desk.lapse()
    with writing() as session:
        name = session.get_one(Domain, session.get_one(Case, case).domain_id).name
        session.add(
            AllowListEntry(
                kind=AllowKind.DOMAIN.value,
                value=name,
                domain=name,
                reason="the owner is known",
                created_by=desk.staff_id,
                created_at=START,
            )
        )
    assert attempt(case).skip is Skip.ALLOW_LISTED
    assert approve()["skipped"] == 1

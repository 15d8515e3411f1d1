"""What a dry run reads of the recorded history, counted by hand on a made one, through the services that record it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from dashboard.audit.actor import Actor, ActorKind, system
from dashboard.database import db, writing
from dashboard.lifecycle.assessment import Confidence
from dashboard.lifecycle.dry_run import DryRun, dry_run
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.policy import DEFAULTS
from dashboard.models import Brake, Case, DecisionKind, LapseCount, Package, Source
from dashboard.queries.dry_run import recorded_history
from dashboard.services.brakes.release import How, release_brake
from dashboard.services.decide import DecisionRequest, decide
from tests import factories as make
from tests.conftest import START
from tests.support import story
from tests.support.policy import add_history

DAY = timedelta(days=1)
NOW = START + 60 * DAY
ON = replace(DEFAULTS, automatic=True)
pytestmark = pytest.mark.usefixtures("context")


def lapse(name: str, at: datetime, phase: Phase = Phase.AVAILABLE, *, single: bool = False) -> int:
    """Let a domain with one account lapse and be checked; return its id."""
    with writing() as session:
        source = session.scalar(select(Source)) or story.add_source(session)
        domain = story.add_domain(session, name, at)
        story.add_accounts(session, source, domain)
        domain_id = domain.id
    again(domain_id, name, at, phase, single=single)
    return domain_id


def again(domain_id: int, name: str, at: datetime, phase: Phase, *, single: bool = False) -> None:
    answers = [story.rdap(name, at, phase)] + ([] if single else [story.fastly(name, at, phase)])
    story.check(domain_id, answers, at)


def ask(domain_id: int, kind: DecisionKind, at: datetime) -> None:
    reason = "lapsed" if kind is DecisionKind.APPROVE else "owner_confirmed"
    with writing() as session:
        case = session.scalars(select(Case).where(Case.domain_id == domain_id)).one()
        request = DecisionRequest(case.id, case.version, kind, reason, "")
        assert decide(session, request, Actor(ActorKind.STAFF, "1"), 1, at).refusal is None


def test_a_made_history_counted_by_hand() -> None:
    with writing() as session:
        story.add_staff(session)
        add_history(session, days=40)
    lapse("one.com", START)
    in_redemption = lapse("two.com", START + DAY, Phase.REDEMPTION)
    lapse("three.com", START + 2 * DAY, Phase.REDEMPTION, single=True)
    kept = lapse("four.com", START + 3 * DAY)
    lapse("five.com", START + 4 * DAY)
    with writing() as session:
        package = session.scalars(select(Package).where(Package.purl == "pkg:test/five.com")).one()
        package.downloads_30d = 2_000_000
    # kept by a person a day later, opened again when it is registered anew: decided before, so never by itself
    ask(kept, DecisionKind.OVERRIDE, START + 4 * DAY)
    # redemption turned into pending delete: only then was it recommended
    again(in_redemption, "two.com", START + 31 * DAY, Phase.PENDING_DELETE)
    history = recorded_history(db.session(), NOW)
    assert [each.phase for each in history.openings] == [
        Phase.AVAILABLE,
        Phase.AVAILABLE,
        Phase.REDEMPTION,
        Phase.REDEMPTION,
        Phase.AVAILABLE,
    ]
    assert [each.recommended_at for each in history.openings] == [
        START + 4 * DAY,
        START + 3 * DAY,
        None,
        START + 31 * DAY,
        START,
    ]
    assert dry_run(DEFAULTS, history) == DryRun(5, 5, 0, 0, 0, 0)
    # one, two (when it was recommended) and four (before it was kept); five has a package of high profile
    assert dry_run(ON, history) == DryRun(5, 5, 0, cases=3, accounts=3, addresses=3)
    lenient = replace(ON, high_profile_downloads=3_000_000)
    assert dry_run(lenient, history).cases == 4
    strict = replace(ON, flag_phase=Phase.PENDING_DELETE)
    assert dry_run(strict, history) == DryRun(5, 3, 0, cases=2, accounts=2, addresses=2)
    corroborated = replace(DEFAULTS, flag_confidence=Confidence.CORROBORATED)
    assert dry_run(corroborated, history).flagged == 4


def test_what_was_decided_before_is_never_recommended_to_the_policy() -> None:
    with writing() as session:
        story.add_staff(session)
        add_history(session, days=40)
    domain_id = lapse("again.com", START)
    ask(domain_id, DecisionKind.OVERRIDE, START + DAY)
    again(domain_id, "again.com", START + 2 * DAY, Phase.PENDING_DELETE)
    openings = recorded_history(db.session(), NOW).openings
    assert [(each.opened_at, each.recommended_at) for each in openings] == [
        (START + 2 * DAY, None),
        (START, START),
    ]


def test_only_the_last_ninety_days_are_looked_at() -> None:
    with writing() as session:
        for days in (-1, 0, 1, 90):
            make.make_case(session, opened_at=NOW - days * DAY)
    found = [each.opened_at for each in recorded_history(db.session(), NOW).openings]
    assert found == [NOW, NOW - DAY]


def test_openings_from_before_their_facts_were_kept_have_those_of_their_case() -> None:
    with writing() as session:
        domain = make.make_domain(session, phase="available", recommendation="unverify")
        make.make_case(session, domain, opened_at=NOW - DAY)
    opening = recorded_history(db.session(), NOW).openings[0]
    assert (opening.phase, opening.recommended_at) == (Phase.AVAILABLE, NOW - DAY)


def test_lapses_that_were_discarded_are_counted_but_not_believed() -> None:
    hour = NOW - DAY
    with writing() as session:
        staff = story.add_staff(session)
        session.add(LapseCount(hour=hour, provider="rdap", tld="com", checked=100, lapsed=30))
        session.add(LapseCount(hour=hour, provider="rdap", tld="org", checked=100, lapsed=3))
        brake = Brake(
            scope="tld",
            provider="rdap",
            tld="com",
            mode="share",
            lapsed=30,
            checked=100,
            limit_per_mille=2000,
            opened_at=hour,
        )
        session.add(brake)
        make.make_case(session, make.make_domain(session, "held.com"), opened_at=hour)
        make.make_case(session, make.make_domain(session, "free.org"), opened_at=hour)
        session.flush()
        release_brake(session, brake.id, How.DISCARDED, system("tests"), staff.id, hour)
    history = recorded_history(db.session(), NOW)
    assert {(each.tld, each.reported, each.believed) for each in history.lapses} == {("com", 30, 0), ("org", 3, 3)}
    assert dry_run(DEFAULTS, history).held == 1
    assert dry_run(replace(DEFAULTS, brake_minimum=31), history).held == 0


def test_the_newest_openings_are_looked_at_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.queries.dry_run.MOST", 2)
    with writing() as session:
        for days in (3, 2, 1):
            make.make_case(session, opened_at=NOW - days * DAY)
    history = recorded_history(db.session(), NOW)
    assert history.is_cut
    assert [each.opened_at for each in history.openings] == [NOW - DAY, NOW - 2 * DAY]

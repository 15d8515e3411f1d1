"""Outages and lies of providers, over real sockets: nothing is un-verified, and the brake is on within one batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard import runtime
from dashboard.app import create_app
from dashboard.audit.actor import system
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.models import Brake, Case, CheckBatch, DecisionKind, Domain, ProviderCount, Unverification
from dashboard.queries.overview import lookups
from dashboard.services.brakes.release import How, release_brake
from dashboard.services.decide import DecisionRequest, Refusal, decide
from jobs.checks import run_batch, sweep
from jobs.deliveries import publish
from tests.conftest import START, make_settings
from tests.support import story
from tests.support.simulator import Simulator, running_simulator

DOMAINS = 60
BATCH = 200
LAPSED = 2
"""Of the generated names, 7 and 47 lapsed before START."""
CANARIES = {"canary_registered": ("northgrid-dns.net",), "canary_unregistered": ("never-to-be-registered.net",)}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("simulator"), ("--speed", "0")) as running:
        yield running


@pytest.fixture
def canaries() -> dict[str, Any]:
    """No canaries, unless a test asks for them."""
    return {}


@pytest.fixture
def settings(database_url: str, tmp_path: Path, simulator: Simulator, canaries: dict[str, Any]) -> Settings:
    values = {"database_url": database_url, "check_batch": BATCH, "clock_file": simulator.clock_file}
    return make_settings(tmp_path / "state", **values, **canaries, **simulator.settings)


@pytest.fixture
def desk(settings: Settings, simulator: Simulator) -> Iterator[Flask]:
    """The application with so many due domains of .com and a few of .org, a verified address at each."""
    simulator.control("DELETE", "faults")
    simulator.control("POST", "clock", {"to": START.isoformat()})
    app = create_app(settings)
    with app.app_context():
        with writing() as session:
            source = story.add_source(session)
            story.add_staff(session)
            for number in range(DOMAINS):
                domain = story.add_domain(session, f"bench-{number:06d}.com", START)
                story.add_accounts(session, source, domain)
            for number in range(10, 20):
                domain = story.add_domain(session, f"bench-{number:06d}.org", START)
                story.add_accounts(session, source, domain)
        yield app
        db.session.remove()
        db.engine.dispose()


def one_batch() -> None:
    sweep()
    run_batch(db.session.scalars(select(func.max(CheckBatch.id))).one())


def advance(simulator: Simulator, **delta: float) -> None:
    """Move the clock on and have every domain checked again."""
    simulator.control("POST", "clock", {"advance_seconds": timedelta(**delta).total_seconds()})
    with writing() as session:
        session.query(Domain).update({"next_check_at": runtime.domain_now()})


def fail(simulator: Simulator, provider: str, mode: str, pattern: str = "*") -> None:
    simulator.control("POST", "faults", {"provider": provider, "mode": mode, "pattern": pattern})


def on() -> set[tuple[str, str]]:
    db.session.expire_all()
    rows = db.session.execute(select(Brake.provider, Brake.tld).where(Brake.released_at.is_(None)))
    return {(row.provider, row.tld) for row in rows}


def cases(**values: object) -> list[Case]:
    db.session.expire_all()
    return list(db.session.scalars(select(Case).filter_by(**values).order_by(Case.id)))


def approve_everything() -> set[Refusal | None]:
    """Approve every open case, as a careless reviewer would, and publish; return how that was answered."""
    found = set()
    for case in cases(state="open"):
        asked = DecisionRequest(case.id, case.version, DecisionKind.APPROVE, "lapsed", "")
        with writing() as session:
            found.add(decide(session, asked, system("careless"), 1, START).refusal)
    publish()
    return found


def published() -> int:
    return db.session.scalar(select(func.count(Unverification.id)).where(Unverification.seq.is_not(None))) or 0


def test_a_healthy_sweep_trips_nothing(desk: Flask) -> None:
    one_batch()
    assert (on(), len(cases(brake_id=None))) == (set(), LAPSED)


def test_a_tld_that_is_nxdomain_for_three_hours_unverifies_nobody(desk: Flask, simulator: Simulator) -> None:
    one_batch()
    fail(simulator, "dns", "nxdomain_all", ".com")
    for _ in range(3):
        advance(simulator, hours=1)
        one_batch()
        assert on() == {("dns", "com")}, "within the first batch"
    assert len(cases()) == LAPSED, "DNS alone flags nothing"
    assert published() == 0


@pytest.mark.parametrize("provider", ["fastly", "rdap"])
def test_a_provider_that_calls_everything_available_is_stopped_within_one_batch(
    desk: Flask, simulator: Simulator, provider: str
) -> None:
    fail(simulator, provider, "available")
    one_batch()
    assert on() == {(provider, "com")}
    held = [case for case in cases() if case.domain.name.endswith(".com")]
    assert len(held) >= LAPSED
    assert all(case.brake_id for case in held)
    free = cases(brake_id=None)
    assert all(case.domain.name.endswith(".org") and case.confidence == "conflicting" for case in free)


def test_what_is_held_cannot_be_approved_until_it_is_released(desk: Flask, simulator: Simulator) -> None:
    fail(simulator, "fastly", "available", ".com")
    one_batch()
    assert approve_everything() == {Refusal.HELD}
    assert published() == 0
    with writing() as session:
        assert release_brake(session, 1, How.RELEASED, system("admin"), 1, START).done
    advance(simulator, minutes=1)
    one_batch()
    assert on() == set(), "what an admin believed does not trip it again"
    assert approve_everything() == {None}


def test_what_is_discarded_closes_and_trips_again_while_the_fault_lasts(desk: Flask, simulator: Simulator) -> None:
    fail(simulator, "fastly", "available", ".com")
    one_batch()
    with writing() as session:
        release_brake(session, 1, How.DISCARDED, system("admin"), 1, START)
    assert {case.state for case in cases()} == {"closed_discarded"}
    advance(simulator, minutes=1)
    one_batch()
    assert on() == {("fastly", "com")}
    assert approve_everything() == {Refusal.HELD}
    with writing() as session:
        release_brake(session, 2, How.DISCARDED, system("admin"), 1, START)
    simulator.control("DELETE", "faults")
    advance(simulator, minutes=1)
    one_batch()
    assert on() == set()
    assert [case.domain.name for case in cases(state="open")] == ["bench-000007.com", "bench-000047.com"]


@pytest.mark.parametrize("mode", ["truncated", "429"])
def test_broken_json_and_a_storm_of_429_are_errors_and_nothing_else(
    desk: Flask, simulator: Simulator, mode: str
) -> None:
    one_batch()
    for provider in ("fastly", "rdap"):
        fail(simulator, provider, mode)
    advance(simulator, hours=1)
    one_batch()
    assert (on(), len(cases()), published()) == (set(), LAPSED, 0)


@pytest.mark.parametrize("canaries", [CANARIES])
def test_a_wrong_canary_voids_that_providers_readings_and_no_others(desk: Flask, simulator: Simulator) -> None:
    fail(simulator, "fastly", "available")
    one_batch()
    assert (on(), len(cases())) == (set(), LAPSED)
    voided = select(ProviderCount.provider, ProviderCount.count).where(ProviderCount.error == "untrusted")
    assert [tuple(row) for row in db.session.execute(voided)] == [("fastly", DOMAINS + 10)]
    shown = {item.provider: dict(item.errors) for item in lookups(db.session(), START)}
    assert shown["fastly"] == {"untrusted": DOMAINS + 10}
    assert shown["rdap"] == {}
    simulator.control("DELETE", "faults")
    advance(simulator, minutes=1)
    one_batch()
    assert db.session.scalar(select(func.sum(ProviderCount.count)).where(ProviderCount.error == "untrusted")) == 70

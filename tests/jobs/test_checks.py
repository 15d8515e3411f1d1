"""Checks over real sockets: the simulator answers, the job records, and no death of a worker loses or doubles one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import runtime
from dashboard.app import create_app
from dashboard.clock import FileClock
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.models import (
    AuditEntry,
    Case,
    CaseOpening,
    Check,
    CheckBatch,
    Domain,
    EvidenceRecord,
    LifecycleEvent,
    ProviderCount,
)
from dashboard.queue import JobName, enqueue
from jobs.checks import check_now, run_batch, sweep
from jobs.providers.pace.table import DAY, SERVERS, Pace, Window
from tests.conftest import START, make_settings
from tests.support import processes, story
from tests.support.processes import eventually
from tests.support.simulator import Simulator, running_simulator

BATCH = 20
LEASE_SECONDS = 5.0
"""Soon over when a worker is dead, and longer than a batch takes on a busy machine."""
WORKER = "from jobs.worker import run_worker; raise SystemExit(run_worker())"
DOMAINS = 120
DAY_LONG = timedelta(days=1)
LAPSED = {7, 47, 87}
"""Generated names whose number leaves 7 by 40 lapsed before START; 7 never comes back, the others will be caught."""


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("simulator"), ("--speed", "0", "--latency-ms", "5")) as running:
        yield running


@pytest.fixture
def settings(database_url: str, tmp_path: Path, simulator: Simulator) -> Settings:
    return make_settings(
        tmp_path / "state",
        database_url=database_url,
        check_batch=BATCH,
        clock_file=simulator.clock_file,
        **simulator.settings,
    )


@pytest.fixture
def desk(settings: Settings, simulator: Simulator) -> Iterator[Flask]:
    """The application with `DOMAINS` due domains of three addresses each, by the simulator's clock."""
    simulator.control("DELETE", "faults")
    simulator.control("DELETE", "requests")
    simulator.control("POST", "clock", {"to": START.isoformat()})
    app = create_app(settings)
    with app.app_context():
        with writing() as session:
            source = story.add_source(session)
            for number in range(DOMAINS):
                domain = story.add_domain(session, f"bench-{number:06d}.com", START)
                story.add_accounts(session, source, domain, count=3)
        yield app
        db.session.remove()
        db.engine.dispose()


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def batches() -> list[int]:
    return list(db.session.scalars(select(CheckBatch.id).order_by(CheckBatch.id)))


def numbers_with_case() -> dict[int, str]:
    rows = db.session.execute(select(Domain.name, Case.holder_change).join(Case, Case.domain_id == Domain.id))
    return {int(row.name[6:12]): row.holder_change for row in rows}


def test_a_sweep_finds_exactly_the_lapsed_and_caught_domains(desk: Flask, simulator: Simulator) -> None:
    assert sweep() == {"batches": DOMAINS // BATCH}
    assert sweep() == {"batches": 0}
    for batch_id in batches():
        assert run_batch(batch_id)["checks"] == BATCH
        assert run_batch(batch_id) == {}
    assert count(Check) == DOMAINS
    assert numbers_with_case() == dict.fromkeys(LAPSED, "none")
    found = db.session.execute(select(Domain.phase, Domain.confidence).where(Domain.name == "bench-000007.com"))
    assert found.one() == ("redemption", "corroborated")
    asked = db.session.execute(
        select(ProviderCount.provider, func.sum(ProviderCount.count)).group_by(ProviderCount.provider)
    )
    registrars = _total(simulator.control("GET", "requests"), "registrar")
    assert registrars == 0, "no term has ended lately"
    assert {row[0]: int(row[1]) for row in asked} == {"dns": DOMAINS, "fastly": DOMAINS, "rdap": DOMAINS}


@pytest.fixture
def frugal(settings: Settings, desk: Flask) -> Iterator[Flask]:
    """The same desk, with the paid provider in the second step."""
    app = create_app(replace(settings, providers=(("rdap", "whois", "dns"), ("fastly",))))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_the_paid_provider_corroborates_lapses_and_is_heard_again_when_they_end(
    frugal: Flask, simulator: Simulator
) -> None:
    def swept() -> set[int]:
        simulator.control("DELETE", "requests")
        known = set(batches())
        sweep()
        for batch_id in set(batches()) - known:
            run_batch(batch_id)
        asked = simulator.control("GET", "requests?domains=1")["fastly"]["domains"]
        return {int(name[6:12]) for name in asked}

    assert swept() == LAPSED
    found = db.session.execute(select(Domain.confidence).where(Domain.name == "bench-000047.com"))
    assert found.scalar() == "corroborated"
    simulator.control("POST", "clock", {"advance_seconds": 40 * 86400})
    with writing() as session:
        session.query(Domain).update({"next_check_at": runtime.domain_now()})
    assert swept() == LAPSED, "caught by now: nobody's old word may stand against the new one"
    registrars = _total(simulator.control("GET", "requests"), "registrar")
    assert 0 < registrars < DOMAINS / 2, "those whose term has ended meanwhile"
    db.session.expire_all()
    assert numbers_with_case()[47] == "dropped_and_caught"
    caught = db.session.execute(select(Domain.phase, Domain.confidence).where(Domain.name == "bench-000047.com"))
    assert caught.one() == ("active", "corroborated")


def test_forty_days_later_one_name_is_free_and_two_are_in_other_hands(desk: Flask, simulator: Simulator) -> None:
    sweep()
    first = batches()
    for batch_id in first:
        run_batch(batch_id)
    simulator.control("POST", "clock", {"advance_seconds": 40 * 86400})
    sweep()
    for batch_id in batches()[len(first) :]:
        run_batch(batch_id)
    assert numbers_with_case() == {7: "none", 47: "dropped_and_caught", 87: "dropped_and_caught"}
    found = db.session.execute(select(Domain.phase, Domain.confidence).where(Domain.name == "bench-000007.com"))
    assert found.one() == ("available", "corroborated")


FAULTS = ["429", "500", "html", "truncated", "wrong_domain", "drop"]


@pytest.mark.parametrize("mode", FAULTS)
def test_no_fault_of_the_providers_becomes_a_phase_or_a_case(desk: Flask, simulator: Simulator, mode: str) -> None:
    for provider in ("fastly", "rdap"):
        simulator.control("POST", "faults", {"provider": provider, "mode": mode})
    simulator.control("POST", "faults", {"provider": "dns", "mode": "servfail"})
    sweep()
    assert run_batch(batches()[0])["checks"] == BATCH
    checked = db.session.execute(select(Domain.phase, Domain.failures).where(Domain.last_checked_at.is_not(None)))
    assert {tuple(row) for row in checked} == {("unknown", 1)}
    assert (count(Case), count(LifecycleEvent)) == (0, 0)
    failed = db.session.scalars(select(ProviderCount.provider).where(ProviderCount.error != "-")).all()
    assert set(failed) == {"dns", "fastly", "rdap"}


def test_check_now_answers_without_storing(desk: Flask) -> None:
    found = check_now(["mail.Bench-000007.com", "never-heard-of-it.com"])
    assert [(item["domain"], item["phase"], item["monitored"]) for item in found] == [
        ("bench-000007.com", "redemption", True),
        ("never-heard-of-it.com", "available", False),
    ]
    assert all({"next_check_at", "addresses", "holder_changed", "predicted"} <= set(item) for item in found)
    assert all(set(address) == {"address_id", "at_risk", "why"} for address in found[0]["addresses"])
    assert count(Check) == 0


def test_what_is_left_of_a_servers_day_goes_to_the_urgent(
    desk: Flask, settings: Settings, simulator: Simulator, empty_valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twenty look-ups a day, four are kept: two ordinary batches spend the rest, and two urgent domains follow."""
    desk.extensions[runtime.SETTINGS] = replace(settings, redis_url=empty_valkey_url, fastly_key=None)
    pace = Pace(1000.0, in_flight=20, windows=(Window(20, DAY),))
    monkeypatch.setitem(cast("dict[str, Pace]", SERVERS), simulator.endpoints["http"], pace)
    with writing() as session:
        late = session.scalars(select(Domain).where(Domain.id > DOMAINS - 2)).all()
        for domain in late:
            domain.next_check_at, domain.urgent = START + DAY_LONG, True
        names = [domain.name for domain in late]
    sweep()
    for batch_id in batches()[:2]:
        run_batch(batch_id)
    said = EvidenceRecord.normalised["outcome"].as_string() != "error"
    heard = select(func.count()).where(EvidenceRecord.provider == "rdap", said)
    before = db.session.scalar(heard) or 0
    assert 12 <= before <= 16
    waiting = db.session.execute(select(Domain.next_check_at, Domain.completed_at).where(Domain.failures == 1)).all()
    assert len(waiting) == 2 * BATCH - before
    assert all(row.next_check_at <= START + timedelta(hours=1) and row.completed_at is None for row in waiting)
    with writing() as session:
        session.execute(update(Domain).values(batch_id=None, leased_until=None, next_check_at=START + 9 * DAY_LONG))
        session.execute(update(Domain).where(Domain.name.in_(names)).values(next_check_at=START))
    sweep()
    run_batch(batches()[-1])
    assert db.session.scalar(heard) == before + 2


def start_worker(environ: dict[str, str], log: Path) -> Any:
    return processes.start(
        [sys.executable, "-c", WORKER], env=os.environ | environ, stdout=log.open("ab"), stderr=log.open("ab")
    )


def test_a_worker_killed_mid_sweep_loses_nothing_and_doubles_nothing(
    desk: Flask, settings: Settings, simulator: Simulator, empty_valkey_url: str, tmp_path: Path
) -> None:
    lively = replace(settings, redis_url=empty_valkey_url, lease_seconds=LEASE_SECONDS, workers=1)
    desk.extensions[runtime.SETTINGS] = lively
    environ = simulator.environ | {
        "LAPSEWATCH_STATE_DIR": str(lively.state_dir),
        "LAPSEWATCH_DATABASE_URL": lively.database_url,
        "LAPSEWATCH_REDIS_URL": empty_valkey_url,
        "LAPSEWATCH_CHECK_BATCH": str(BATCH),
        "LAPSEWATCH_LEASE_SECONDS": str(LEASE_SECONDS),
        "LAPSEWATCH_WORKERS": "1",
    }
    log = tmp_path / "worker.log"
    for provider in ("fastly", "rdap"):
        simulator.control("POST", "faults", {"provider": provider, "mode": "slow", "seconds": 1.0})

    def checks() -> int:
        db.session.rollback()
        return count(Check)

    def sweep_on() -> bool:
        enqueue(JobName.SWEEP, unique="sweep")
        return checks() == DOMAINS

    worker = start_worker(environ, log)
    try:
        assert eventually(lambda: sweep_on() or checks() > 0), "the first worker committed nothing"
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        assert 0 < checks() < DOMAINS
        simulator.control("DELETE", "faults")
        worker = start_worker(environ, log)
        assert eventually(sweep_on, 300), f"not everything was checked: {log.read_text()[-2000:]}"
    finally:
        processes.stop(worker)
    per_due = db.session.execute(
        select(Check.domain_id, Check.due_at, func.count()).group_by(Check.domain_id, Check.due_at)
    )
    assert {row[2] for row in per_due} == {1}
    assert numbers_with_case().keys() == LAPSED
    assert count(CaseOpening) == len(LAPSED)
    opened = db.session.scalar(select(func.count()).where(AuditEntry.event == "case.opened"))
    assert opened == len(LAPSED)
    phases = db.session.execute(
        select(LifecycleEvent.domain_id, func.count())
        .where(LifecycleEvent.kind == "phase")
        .group_by(LifecycleEvent.domain_id)
    )
    assert {row[1] for row in phases} == {1}
    asked = simulator.control("GET", "requests")
    assert DOMAINS <= _total(asked, "fastly") <= DOMAINS + BATCH


def _total(asked: Any, provider: str) -> int:
    return int(asked[provider] if isinstance(asked[provider], int) else asked[provider]["total"])


def test_the_domain_clock_of_the_application_is_the_simulators(desk: Flask) -> None:
    assert isinstance(desk.extensions[runtime.CLOCK], FileClock)
    assert runtime.domain_now() == START

"""The daily DNS sweep over real sockets: what changed becomes due, once, whatever dies; a lying resolver does little."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard import runtime
from dashboard.app import create_app
from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.lifecycle.sweep import next_sweep_at
from dashboard.models import Domain, ProviderCount, Sweep, SweepBatch
from dashboard.queue import JobName, enqueue
from dashboard.services.sweeping.begin import begin_sweeping
from jobs.sweeps import IN_FLIGHT, dns_sweep, sweep_batch
from tests.conftest import START, make_settings
from tests.support import processes, story
from tests.support.processes import eventually
from tests.support.simulator import Simulator, running_simulator

DOMAINS = 120
BATCH = 40
DAY = timedelta(days=1)
LATER = START + 300 * DAY
"""No full check is due before the sweep says so."""
CHANGED = {"bench-000011.com", "bench-000012.com", "bench-000113.com"}
BROKEN = {"bench-000021.com", "bench-000022.com"}
LEASE_SECONDS = 5.0
"""Soon over when a worker is dead, and longer than a batch takes on a busy machine."""
WORKER = "from jobs.worker import run_worker; raise SystemExit(run_worker())"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("simulator"), ("--speed", "0")) as running:
        yield running


@pytest.fixture
def settings(database_url: str, tmp_path: Path, simulator: Simulator) -> Settings:
    values = {"database_url": database_url, "check_batch": BATCH, "clock_file": simulator.clock_file}
    return make_settings(tmp_path / "state", dns_sweep_rate=5000.0, **values, **simulator.settings)


@pytest.fixture
def desk(settings: Settings, simulator: Simulator) -> Iterator[Flask]:
    """`DOMAINS` domains whose first turn comes within a day of START."""
    simulator.control("DELETE", "faults")
    simulator.control("DELETE", "requests")
    simulator.control("POST", "clock", {"to": START.isoformat()})
    app = create_app(settings)
    with app.app_context():
        with writing() as session:
            domains = [story.add_domain(session, f"bench-{n:06d}.com", LATER) for n in range(DOMAINS)]
            begin_sweeping(session, [(one.id, one.name, ()) for one in domains], START)
        yield app
        db.session.remove()
        db.engine.dispose()


def sweep_all() -> dict[str, int]:
    """Sweep until it is nobody's turn; return the sums of all batches."""
    totals = dict.fromkeys(("answered", "failed", "changed", "triggered", "held"), 0)
    before = db.session.scalar(select(func.max(SweepBatch.id))) or 0
    while dns_sweep()["batches"]:
        for batch_id in db.session.scalars(select(SweepBatch.id).where(SweepBatch.id > before)).all():
            before = batch_id
            for name, value in sweep_batch(batch_id).items():
                totals[name] += value
    return totals


def to(simulator: Simulator, moment: datetime) -> None:
    simulator.control("POST", "clock", {"to": moment.isoformat()})


def fail(simulator: Simulator, mode: str, pattern: str = "*", **more: Any) -> None:
    simulator.control("POST", "faults", {"provider": "dns", "mode": mode, "pattern": pattern, **more})


def due() -> set[str]:
    db.session.expire_all()
    return set(db.session.scalars(select(Domain.name).where(Domain.next_check_at <= runtime.domain_now())))


def failing() -> dict[str, int]:
    query = select(Domain.name, Sweep.failures).join(Sweep, Sweep.domain_id == Domain.id).where(Sweep.failures > 0)
    return {row.name: row.failures for row in db.session.execute(query)}


def settled(simulator: Simulator) -> None:
    """Have the first day's sweep behind us: every answer is known, and those who lapsed before have been told of."""
    to(simulator, START + DAY)
    sweep_all()
    with writing() as session:
        session.execute(update(Domain).values(next_check_at=LATER))
    to(simulator, START + 2 * DAY)


def test_a_days_sweep_makes_exactly_the_changed_domains_due(desk: Flask, simulator: Simulator) -> None:
    settled(simulator)
    for name in CHANGED:
        fail(simulator, "nxdomain_all", name)
    for name in BROKEN:
        fail(simulator, "servfail", name)
    assert sweep_all() == {"answered": 118, "failed": 2, "changed": 3, "triggered": 3, "held": 0}
    assert due() == CHANGED
    assert failing() == dict.fromkeys(BROKEN, 1)
    assert set(db.session.scalars(select(Domain.name).where(Domain.urgent))) >= CHANGED
    soon = select(func.max(Sweep.next_at)).join(Domain, Domain.id == Sweep.domain_id).where(Domain.name.in_(BROKEN))
    assert (db.session.scalar(soon) or LATER) <= START + 2 * DAY + timedelta(hours=1)
    assert sweep_all()["answered"] == 0, "everybody's turn is over for the day"


def test_what_was_told_once_is_not_told_again_until_it_changes_back(desk: Flask, simulator: Simulator) -> None:
    settled(simulator)
    fail(simulator, "nxdomain_all", "bench-000011.com")
    assert sweep_all()["triggered"] == 1
    to(simulator, START + 3 * DAY)
    assert sweep_all()["changed"] == 0
    simulator.control("DELETE", "faults")
    to(simulator, START + 4 * DAY)
    assert sweep_all()["triggered"] == 1


def test_the_sweep_asks_for_name_servers_and_mail_hosts_once_a_day(desk: Flask, simulator: Simulator) -> None:
    settled(simulator)
    simulator.control("DELETE", "requests")
    sweep_all()
    assert simulator.control("GET", "requests")["dns"]["total"] == 2 * DOMAINS
    query = select(func.sum(ProviderCount.count)).where(ProviderCount.provider == "dns", ProviderCount.error == "-")
    assert db.session.scalar(query) == 2 * DOMAINS, "of two days"
    turns = {row.name: row.next_at for row in db.session.execute(select(Domain.name, Sweep.next_at).join(Sweep))}
    assert turns == {name: next_sweep_at(START + 2 * DAY, key=name) for name in turns}


@pytest.mark.parametrize("mode", ["nxdomain_all", "servfail", "refused"])
def test_a_resolver_that_says_the_same_of_everything_makes_nothing_due(
    desk: Flask, simulator: Simulator, mode: str
) -> None:
    settled(simulator)
    fail(simulator, mode)
    figures = sweep_all()
    assert (figures["triggered"], due()) == (0, set())
    assert (figures["held"] > 0) is (mode == "nxdomain_all")
    simulator.control("DELETE", "faults")
    fail(simulator, "nxdomain_all", "bench-000011.com")
    to(simulator, START + 2 * DAY + timedelta(hours=1))
    assert (sweep_all()["triggered"], due()) == (1, {"bench-000011.com"}), "and is believed again by itself"


def test_a_wrong_canary_voids_the_batch(desk: Flask, simulator: Simulator, settings: Settings) -> None:
    settled(simulator)
    desk.extensions[runtime.SETTINGS] = replace(settings, canary_registered=("northgrid-dns.net",))
    fail(simulator, "nxdomain_all", "northgrid-dns.net")
    fail(simulator, "nxdomain_all", "bench-000011.com")
    figures = sweep_all()
    assert (figures["answered"], figures["failed"], due()) == (0, DOMAINS, set())
    assert db.session.scalar(select(func.sum(ProviderCount.count)).where(ProviderCount.error == "untrusted")) == 120


def test_a_batch_that_runs_twice_tells_once(desk: Flask, simulator: Simulator) -> None:
    settled(simulator)
    assert dns_sweep() == {"batches": IN_FLIGHT}
    batch = db.session.scalars(select(func.min(SweepBatch.id)).where(SweepBatch.swept_at.is_(None))).one()
    assert sweep_batch(batch)["answered"] == BATCH
    assert sweep_batch(batch) == {}


def test_a_worker_killed_mid_sweep_loses_nothing_and_tells_nothing_twice(
    desk: Flask, settings: Settings, simulator: Simulator, empty_valkey_url: str, tmp_path: Path
) -> None:
    settled(simulator)
    for name in CHANGED:
        fail(simulator, "nxdomain_all", name)
    lively = replace(settings, redis_url=empty_valkey_url, lease_seconds=LEASE_SECONDS, workers=1)
    desk.extensions[runtime.SETTINGS] = lively
    environ = simulator.environ | {
        "LAPSEWATCH_STATE_DIR": str(lively.state_dir),
        "LAPSEWATCH_DATABASE_URL": lively.database_url,
        "LAPSEWATCH_REDIS_URL": empty_valkey_url,
        "LAPSEWATCH_CHECK_BATCH": str(BATCH),
        "LAPSEWATCH_LEASE_SECONDS": str(LEASE_SECONDS),
        "LAPSEWATCH_DNS_SWEEP_RATE": "40",
    }
    log = tmp_path / "worker.log"

    def swept() -> int:
        db.session.rollback()
        query = select(func.count()).where(Sweep.swept_at >= START + 2 * DAY)
        return db.session.scalar(query) or 0

    def sweep_on() -> bool:
        enqueue(JobName.SWEEP_DNS, unique="sweep_dns")
        return swept() == DOMAINS

    def start_worker() -> Any:
        command = [sys.executable, "-c", WORKER]
        return processes.start(command, env=os.environ | environ, stdout=log.open("ab"), stderr=log.open("ab"))

    worker = start_worker()
    try:
        assert eventually(lambda: sweep_on() or swept() > 0), "the first worker committed nothing"
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        assert 0 < swept() < DOMAINS
        worker = start_worker()
        assert eventually(sweep_on, 300), f"not everything was swept: {log.read_text()[-2000:]}"
    finally:
        processes.stop(worker)
    sums = select(func.sum(SweepBatch.answered), func.sum(SweepBatch.triggered), func.sum(SweepBatch.changed))
    found = db.session.execute(sums.where(SweepBatch.swept_at >= START + 2 * DAY)).one()
    assert tuple(map(int, found)) == (DOMAINS, 3, 3)
    assert failing() == {}
    assert set(db.session.scalars(select(Domain.name).where(Domain.urgent))) >= CHANGED

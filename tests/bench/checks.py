"""Checks: domains a second of one worker process, against serial requests of PyPI's shape, both at 50 ms a reply."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select, text, update

from dashboard.database import writing
from dashboard.models import Account, Address, Check, Domain, EvidenceRecord, Source
from tests.bench import serial, stage
from tests.bench.report import Figure, Section
from tests.bench.stage import Stage
from tests.support.simulator import Simulator

NAME = "checks"
LATENCY_MS = 50.0
ADDRESSES = 5
BATCH = 500
DOMAINS_PER_WORKER = 3000
BASELINE_SECONDS = 12.0
RELIED_ON = 10
"""At most so many further domains: the simulator's own mail and name servers."""
TARGETS: dict[int, tuple[int, int | None]] = {1: (10, 40), 2: (15, None)}
"""Domains/s and addresses/s as multiples of the baseline, by worker processes (two on two cores)."""
VERIFIED_AT = datetime(2024, 5, 1, tzinfo=UTC)
DUE_AT = datetime(2026, 10, 1, tzinfo=UTC)


def run(bench: Stage, kinds: list[str], scale: float, workers: int) -> Section:
    """Measure the baseline, then each database: the first check of every domain, and an unchanged one after it."""
    section = Section(NAME, f"Checks at {LATENCY_MS:g} ms a reply, {workers} worker process(es)")
    section.notes += [
        f"each domain: Fastly, RDAP and DNS asked, stored, assessed; {ADDRESSES} verified addresses a domain",
        "the baseline asks once an address; taking its requests/s for domains/s as well is the harder reading",
    ]
    count = max(BATCH, round(DOMAINS_PER_WORKER * workers * scale))
    with stage.simulator(bench, LATENCY_MS) as simulator, stage.queue_url() as queue:
        stage.tell("checks: baseline, serial requests")
        base = serial.requests_per_second(
            simulator.endpoints["fastly_url"], names(50), BASELINE_SECONDS * min(scale, 1)
        )
        section.figures.append(Figure("baseline: requests = addresses", base, "/s"))
        section.figures.append(Figure(f"baseline: domains, at {ADDRESSES} addresses each", base / ADDRESSES, "/s"))
        for kind in kinds:
            stage.tell(f"checks: {count} domains on {kind}")
            with bench.database(kind) as url:
                settings = _settings(bench, simulator, queue, url)
                section.figures += _measure(bench, url, settings, kind, count, workers, base)
    return section


def names(count: int) -> list[str]:
    """Return domains of the simulator's generated world, one in forty lapsed."""
    zones = ("com", "net", "org", "de", "nl", "fr", "ch", "co.uk")
    return [f"bench-{number:06}.{zones[number % len(zones)]}" for number in range(count)]


def _settings(bench: Stage, simulator: Simulator, queue: str, url: str) -> dict[str, str]:
    return {
        **simulator.environ,
        "LAPSEWATCH_STATE_DIR": str(bench.directory / "state"),
        "LAPSEWATCH_DATABASE_URL": url,
        "LAPSEWATCH_REDIS_URL": queue,
        "LAPSEWATCH_CHECK_BATCH": str(BATCH),
    }


def _measure(
    bench: Stage, url: str, settings: dict[str, str], kind: str, count: int, workers: int, base: float
) -> list[Figure]:
    with stage.application(url, bench.directory), contextlib.ExitStack() as stack:
        _seed(count)
        _number_on()
        running = [stack.enter_context(stage.python("check_worker.py", [], settings)) for _ in range(workers)]
        for worker in running:
            stage.answer(worker)
        first, cpu = _round(running, count)
        _require_complete(count)
        _make_due()
        again, _ = _round(running, count)
    wanted, wanted_addresses = TARGETS.get(workers, (None, None))
    return [
        Figure(f"{kind}: domains", first, "/s"),
        Figure(f"{kind}: addresses", first * ADDRESSES, "/s"),
        Figure(f"{kind}: domains/s against the baseline", first / base, "x", target=wanted),
        Figure(f"{kind}: addresses/s against the baseline", first * ADDRESSES / base, "x", target=wanted_addresses),
        Figure(f"{kind}: CPU of the workers a domain", cpu * 1000, "ms"),
        Figure(f"{kind}: domains, checked again unchanged", again, "/s"),
    ]


def _round(workers: list[stage.Worker], count: int) -> tuple[float, float]:
    """Let the workers check all that is due; returns domains a second and CPU seconds a domain.

    Those that the domains rely on for mail and names become due too: a handful, which are counted in.
    """
    started = time.perf_counter()
    for worker in workers:
        stage.go(worker)
    done = [stage.answer(worker) for worker in workers]
    elapsed = time.perf_counter() - started
    checked = sum(each["checks"] for each in done)
    if not count <= checked <= count + RELIED_ON:
        raise RuntimeError(f"{count} domains were due, but {done} were checked")
    return checked / elapsed, sum(each["cpu"] for each in done) / checked


def _seed(count: int) -> None:
    """Store `count` due domains with their accounts and addresses; of thirteen addresses ten accounts."""
    with writing() as session:
        session.execute(
            insert(Source), [{"id": 1, "slug": "bench", "name": "Bench", "created_at": VERIFIED_AT, "last_seq": 0}]
        )
        session.execute(
            insert(Domain),
            [
                {"id": number + 1, "name": name, "created_at": VERIFIED_AT, "next_check_at": DUE_AT}
                for number, name in enumerate(names(count))
            ],
        )
        accounts = count * ADDRESSES * 10 // 13 + 1
        session.execute(insert(Account), [_account(number) for number in range(accounts)])
        session.execute(insert(Address), [_address(number, accounts) for number in range(count * ADDRESSES)])


def _account(number: int) -> dict[str, object]:
    return {
        "id": number + 1,
        "source_id": 1,
        "external_id": f"acc-{number}",
        "username": f"user{number}",
        "two_factor": number % 3 == 0,
        "account_created_at": VERIFIED_AT - timedelta(days=number % 900),
    }


def _address(number: int, accounts: int) -> dict[str, object]:
    return {
        "source_id": 1,
        "account_id": number % accounts + 1,
        "external_id": f"addr-{number}",
        "local_part": f"user{number}",
        "host": "unused.example",
        "domain_id": number // ADDRESSES + 1,
        "verified": True,
        "verified_at": VERIFIED_AT,
        "first_verified_at": VERIFIED_AT,
        "is_primary": True,
    }


def _number_on() -> None:
    """Let PostgreSQL number further domains after those that were stored with numbers of their own."""
    with writing() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT setval(pg_get_serial_sequence('domains', 'id'), max(id)) FROM domains"))


def _require_complete(count: int) -> None:
    """A fast answer that was not stored, or was an error, would measure nothing."""
    with writing() as session:
        ours = select(Domain.id).where(Domain.name.startswith("bench-"))
        checks = session.scalar(
            select(func.count()).select_from(Check).where(~Check.failed, Check.domain_id.in_(ours))
        )
        readings = session.scalar(
            select(func.count())
            .select_from(EvidenceRecord)
            .where(EvidenceRecord.normalised["error"].as_string().is_(None), EvidenceRecord.domain_id.in_(ours))
        )
    if checks != count or readings != count * 3:
        raise RuntimeError(f"of {count} domains {checks} were checked well, with {readings} readings")


def _make_due() -> None:
    with writing() as session:
        session.execute(update(Domain).values(next_check_at=DUE_AT + timedelta(days=1)))

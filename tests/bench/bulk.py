"""Bulk actions on 100,000 addresses: weighing, un-verifying, taking back, and the queue page meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from dashboard.models import (
    Account,
    Address,
    BulkAction,
    BulkKind,
    Case,
    CaseOpening,
    Domain,
    EvidenceRecord,
    Role,
    Source,
    Unverification,
)
from dashboard.services.bulk.confirm import Confirmation, approve, confirm
from dashboard.services.bulk.prepare import Person, Scope, Wanted, decisions_of, prepare, prepare_revert
from tests.bench import stage
from tests.bench.report import Figure, Section, percentile
from tests.bench.stage import Stage
from tests.support.people import make_staff, sign_in

NAME = "bulk"
CASES = 10_000
ADDRESSES_A_CASE = 10
TARGETS = {"sqlite": 5_000, "postgresql": 10_000}
PAGE_TARGET = 300
LINES_A_STATEMENT = 5_000


def run(bench: Stage, kinds: list[str], scale: float) -> Section:
    """Store the cases, then un-verify all of them and take it back, each in a worker process of its own."""
    cases = max(10, round(CASES * scale))
    total = cases * ADDRESSES_A_CASE
    section = Section(NAME, f"Bulk action on {total:,} addresses of {cases:,} cases")
    section.notes += [
        "each address checked again at its turn, with outbox row; each case with decision, frozen evidence, audit entry",
        "the queue page is asked for 5 times a second meanwhile, on the same cores",
    ]
    for kind in kinds:
        stage.tell(f"bulk: {total:,} addresses on {kind}")
        with bench.database(kind) as url, stage.application(url, bench.directory) as app:
            store(cases)
            section.figures += _measure(bench, app, kind, url, total)
    return section


def _measure(bench: Stage, app: Flask, kind: str, url: str, total: int) -> list[Figure]:
    author, second = make_staff(Role.REVIEWER), make_staff(Role.ADMIN)
    client = app.test_client()
    sign_in(client, author.email)
    people = [Person(Actor(ActorKind.STAFF, str(each.id)), each.id) for each in (author, second)]
    settings = {"LAPSEWATCH_DATABASE_URL": url, "LAPSEWATCH_STATE_DIR": str(bench.directory / "state")}
    work = _Work(settings, client)
    now = datetime.now(UTC)
    with writing() as session:
        listed = [(row.id, row.version) for row in session.execute(select(Case.id, Case.version).order_by(Case.id))]
        bulk_id = prepare(session, Wanted(BulkKind.APPROVE, Scope.TICKED, listed), people[0], now, now)
    weighed, _ = work.do(bulk_id)
    say_yes(bulk_id, people)
    done, pages = work.do(bulk_id)
    acknowledge()
    with writing() as session:
        wanted = Wanted(BulkKind.REVERT, Scope.REVERT, reverts_id=bulk_id)
        revert_id = prepare_revert(session, decisions_of(session, bulk_id), wanted, people[0], now, now)
    work.do(revert_id)
    say_yes(revert_id, people)
    back, _ = work.do(revert_id)
    assert verify(db.session()).ok
    db.session.rollback()
    counted = {"weighed": weighed, "un-verified": done, "taken back": back}
    figures = [
        Figure(f"{kind}: weighed", total / weighed["seconds"], "addresses/s"),
        Figure(f"{kind}: weighed, own CPU time of 1,000", weighed["cpu"] / total * 1e6, "ms"),
    ]
    for name in ("un-verified", "taken back"):
        assert counted[name]["addresses"] == total, counted[name]
        figures.append(Figure(f"{kind}: {name}", total / counted[name]["seconds"], "addresses/s", TARGETS[kind]))
        figures.append(Figure(f"{kind}: {name}, own CPU time of 1,000", counted[name]["cpu"] / total * 1e6, "ms"))
    figures.append(Figure(f"{kind}: queue page meanwhile, p95", percentile(pages, 0.95), "ms", PAGE_TARGET, at_most=True))  # fmt: skip
    return figures


class _Work:
    """A worker's run, with pages asked for until it has ended."""

    def __init__(self, settings: dict[str, str], client: FlaskClient) -> None:
        self.settings, self.client = settings, client

    def do(self, bulk_id: int) -> tuple[dict[str, Any], list[float]]:
        """Return what the worker says, and how long each page took (ms)."""
        db.session.remove()
        pages: list[float] = []
        with stage.python("bulk_worker.py", [str(bulk_id)], self.settings) as process:
            while process.poll() is None:
                started = time.perf_counter()
                reply = self.client.get("/cases")
                assert reply.status_code == 200
                pages.append((time.perf_counter() - started) * 1000)
                time.sleep(0.2)
            return stage.answer(process), pages


def say_yes(bulk_id: int, people: list[Person]) -> None:
    now = datetime.now(UTC)
    db.session.rollback()
    seen = db.session.get_one(BulkAction, bulk_id, populate_existing=True)
    given = Confirmation(seen.version, seen.digest, "lapsed", "bench", typed_count=seen.addresses)
    with writing() as session:
        outcome = confirm(session, bulk_id, given, people[0], now, now)
    if outcome.state == "awaiting_second":
        seen = db.session.get_one(BulkAction, bulk_id, populate_existing=True)
        version, digest = seen.version, seen.digest
        with writing() as session:
            outcome = approve(session, bulk_id, version, digest, people[1], now, now)
    assert outcome.refusal is None, outcome


def acknowledge() -> None:
    """As if the source had applied everything."""
    with writing() as session:
        session.execute(update(Unverification).values(state="applied", seq=Unverification.id))
        session.execute(update(Address).values(verified=False))


def store(cases: int, each: int = ADDRESSES_A_CASE) -> None:
    """Store domains in redemption, each with its evidence, `each` accounts and addresses, and an open case."""
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=900)
    with writing() as session:
        session.add(Source(slug="bench", name="Bench", created_at=now))
        session.flush()
        for table, rows in _rows(cases, each, now, long_ago):
            for start in range(0, len(rows), LINES_A_STATEMENT):
                session.execute(insert(table), rows[start : start + LINES_A_STATEMENT])
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def _rows(cases: int, each: int, now: datetime, long_ago: datetime) -> list[tuple[type, list[dict[str, Any]]]]:
    shown = {"phase": "redemption", "confidence": "single", "recommendation": "review", "holder_change": "none"}
    domains = [
        {"id": n, "name": f"bench-{n:06}.net", "created_at": long_ago, "next_check_at": now} | shown
        for n in range(1, cases + 1)
    ]
    evidence = [row for n in range(1, cases + 1) for row in _evidence(n, now)]
    accounts = [
        {"id": n, "source_id": 1, "external_id": f"u{n}", "username": f"user{n}", "account_created_at": long_ago}
        for n in range(1, cases * each + 1)
    ]
    addresses = [
        {
            "source_id": 1,
            "account_id": n,
            "external_id": f"a{n}",
            "local_part": "user",
            "host": f"bench-{(n - 1) // each + 1:06}.net",
            "domain_id": (n - 1) // each + 1,
            "verified": True,
            "verified_at": long_ago,
            "first_verified_at": long_ago,
            "is_primary": True,
            "state_token": f"t{n}",
        }
        for n in range(1, cases * each + 1)
    ]
    opened = [
        {"id": n, "domain_id": n, "state": "open", "risk": n % 200, "risk_parts": [], "opened_at": now}
        | {"opened_why": "RDAP says redemption", "updated_at": now, "addresses": each}
        | shown
        for n in range(1, cases + 1)
    ]
    openings = [{"case_id": n, "opened_at": now, "why": "RDAP says redemption"} for n in range(1, cases + 1)]
    tables = (Domain, domains), (EvidenceRecord, evidence), (Account, accounts), (Address, addresses)
    return [*tables, (Case, opened), (CaseOpening, openings)]


def _evidence(number: int, now: datetime) -> list[dict[str, Any]]:
    name, since = f"bench-{number:06}.net", now - timedelta(days=3)
    said = (
        Evidence(Provider.RDAP, name, now, Outcome.FOUND, Phase.REDEMPTION, expires_at=now - timedelta(days=40)),
        Evidence(Provider.FASTLY, name, now, Outcome.FOUND, Phase.REDEMPTION, statuses=("inactive",)),
        Evidence(Provider.DNS, name, now, Outcome.NOT_FOUND, Phase.AVAILABLE),
    )
    return [
        {
            "domain_id": number,
            "provider": each.provider.value,
            "digest": each.digest,
            "normalised": each.normalised(),
            "raw_digest": "0" * 64,
            "first_seen_at": since,
            "last_seen_at": now,
        }
        for each in said
    ]

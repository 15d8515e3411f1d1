"""Part of `make drill`: SIGKILL at random points of bulk actions on 10,000 addresses: nothing lost, nothing twice.

A worker is a fork of this process, as work-horses are of theirs. Whoever was killed leaves its lease behind; the next
one begins when that has run out, found by the same query as the scheduler's. Leases are shortened, chunks are small.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import func, select

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.models import Address, AuditEntry, BulkAction, BulkKind, Case, Decision, Role, Unverification
from dashboard.services.bulk.prepare import Person, Scope, Wanted, decisions_of, prepare, prepare_revert
from dashboard.services.bulk.work import due
from jobs.bulk import Timing, work
from tests.bench import bulk as bench
from tests.bench import stage
from tests.support.people import make_staff

CASES = 1_000
KILLS = 50
TIMING = Timing(lease=timedelta(seconds=1), chunk=0.02, gap=0.002)
LONGEST_LIFE = 0.5
"""Seconds after which a worker is killed at the latest: several times in the course of an action."""
PATIENCE = 120.0
"""Seconds within which the work must have been taken up again."""


@dataclass
class Found:
    """What the drill saw; `lost` and `twice` count addresses and decisions that are missing or too many."""

    database: str
    kills: int = 0
    actions: int = 0
    lost: int = 0
    twice: int = 0
    longest_wait: float = 0.0
    chain_holds: bool = True

    @property
    def is_well(self) -> bool:
        """Whether nothing was lost or doubled, everything taken up again in time, and the chain holds."""
        return not self.lost and not self.twice and self.longest_wait < PATIENCE and self.chain_holds


def drill(kind: str, kills: int, cases: int, seed: int) -> Found:
    """Run and revert actions, killing their workers, until `kills` of them are dead; check after each."""
    found, chance = Found(kind), random.Random(seed)
    with stage.open_stage() as bench_stage:
        while found.kills < kills:
            with (
                bench_stage.database(kind) as url,
                stage.application(url, bench_stage.directory) as app,
            ):
                _round(app, found, kills, cases, chance)
    return found


def _round(app: Flask, found: Found, kills: int, cases: int, chance: random.Random) -> None:
    bench.store(cases)
    people = [_person(Role.REVIEWER), _person(Role.ADMIN)]
    now = datetime.now(UTC)
    with writing() as session:
        listed = [(row.id, row.version) for row in session.execute(select(Case.id, Case.version).order_by(Case.id))]
        bulk_id = prepare(session, Wanted(BulkKind.APPROVE, Scope.TICKED, listed), people[0], now, now)
    _see_through(app, bulk_id, people, found, kills, chance)
    total = cases * bench.ADDRESSES_A_CASE
    _count(found, select(Unverification.address_id), total)
    _count(found, select(Decision.case_id), cases)
    _count(found, select(AuditEntry.object_id).where(AuditEntry.event == "case.approved"), cases)
    bench.acknowledge()
    with writing() as session:
        wanted = Wanted(BulkKind.REVERT, Scope.REVERT, reverts_id=bulk_id)
        made = decisions_of(session, bulk_id)
        revert_id = prepare_revert(session, made, wanted, people[0], now, now)
    _see_through(app, revert_id, people, found, kills, chance)
    _count(found, select(Unverification.address_id).where(Unverification.kind == "revert"), total)
    _count(found, select(AuditEntry.object_id).where(AuditEntry.event == "case.decision_reverted"), cases)
    found.actions += 2
    found.chain_holds &= verify(db.session()).ok
    assert db.session.scalar(select(func.count()).select_from(Address)) == total


def _see_through(
    app: Flask, bulk_id: int, people: list[Person], found: Found, kills: int, chance: random.Random
) -> None:
    """Bring an action to its end, killing whoever works on it."""
    died: float | None = None
    while True:
        db.session.remove()
        state = db.session.get_one(BulkAction, bulk_id).state
        if state == "completed":
            return
        if state == "previewed":
            bench.say_yes(bulk_id, people)
            continue
        if not any(ident == bulk_id for ident, _ in due(db.session(), datetime.now(UTC))):
            time.sleep(0.02)
            continue
        if died is not None:
            found.longest_wait = max(found.longest_wait, time.monotonic() - died)
        pid = _fork(app, bulk_id)
        if found.kills < kills:
            time.sleep(chance.uniform(0.0, LONGEST_LIFE))
        died = _end(pid, found, is_killed=found.kills < kills)


def _end(pid: int, found: Found, *, is_killed: bool) -> float | None:
    """Kill a worker, or wait for its end; returns when it was killed, None when it had ended by itself."""
    ended, _ = os.waitpid(pid, os.WNOHANG if is_killed else 0)
    if ended:
        return None
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    found.kills += 1
    return time.monotonic()


def _fork(app: Flask, bulk_id: int) -> int:
    db.session.remove()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for engine in db.engines.values():
            engine.dispose(close=False)
        work(bulk_id, TIMING)
        code = 0
    finally:
        os._exit(code)


def _count(found: Found, rows: object, wanted: int) -> None:
    """Compare how many different things there are, and how many in all, with how many there must be."""
    things = db.session.scalars(rows).all()  # type: ignore[call-overload]
    found.lost += max(0, wanted - len(set(things)))
    found.twice += len(things) - len(set(things))


def _person(role: Role) -> Person:
    made = make_staff(role)
    return Person(Actor(ActorKind.STAFF, str(made.id)), made.id)


def main() -> None:
    """Drill every database that this machine has; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="how many workers are killed, on each database")
    parser.add_argument("--cases", type=int, default=CASES, help="cases of an action, ten addresses each")
    parser.add_argument("--database", choices=stage.DATABASES, help="on this one alone")
    parser.add_argument("--seed", type=int, default=None, help="repeat the random points of an earlier drill")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.randrange(10**6)
    kinds = stage.usable([given.database] if given.database else stage.DATABASES)
    results = [drill(kind, given.kills, given.cases, seed) for kind in kinds]
    if given.json:
        print(json.dumps([asdict(each) for each in results]))
    else:
        print(f"seed {seed}, leases of {TIMING.lease.total_seconds():g} s")
        for each in results:
            print(
                f"{each.database}: {each.kills} workers killed in {each.actions} actions of {given.cases * 10:,} addresses: "
                f"{each.lost} lost, {each.twice} twice, taken up again after {each.longest_wait:.1f} s at most, "
                f"the chain {'holds' if each.chain_holds else 'IS BROKEN'}"
            )
    sys.exit(0 if all(each.is_well for each in results) else 1)


if __name__ == "__main__":
    main()

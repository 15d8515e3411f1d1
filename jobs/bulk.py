"""Jobs that prepare, run and take up again bulk actions."""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.exc import OperationalError

from dashboard.database import db, writing
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now, wall_now
from dashboard.services.bulk.judging import Moment
from dashboard.services.bulk.work import Pace, Step, claim, due, fail_next, release, step
from dashboard.services.importing.run import without_collector
from jobs.context import job_context

MOST_ITEMS, MOST_ADDRESSES = 1000, 5000
LEAST_ITEMS, LEAST_ADDRESSES = 20, 100
TRIES = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a lease lasts, a job works before it hands over, a chunk should take, and others may write between two
    chunks (seconds).
    """

    lease: timedelta = timedelta(seconds=30)
    job: float = 200.0
    chunk: float = 0.12
    gap: float = 0.02


def run(bulk_id: int) -> dict[str, int]:
    """Work on a bulk action until it is previewed, done, or stopped."""
    with job_context():
        return work(bulk_id)


def resume() -> dict[str, int]:
    """Give every bulk action that nobody works on to a worker: its own was killed, or the queue lost the job."""
    with job_context():
        waiting = due(db.session(), wall_now())
        db.session.rollback()
        for bulk_id, number in waiting:
            hand_over(bulk_id, number)
        return {"resumed": len(waiting)}


def hand_over(bulk_id: int, number: int) -> None:
    """Enqueue the work; each round is a job of its own, so that the remains of a dead one do not stand in its way."""
    enqueue(JobName.RUN_BULK, bulk_id, unique=f"{bulk_id}-{number}")


def work(bulk_id: int, timing: Timing = Timing()) -> dict[str, int]:
    """Do chunk after chunk under a lease of our own; returns how much was done."""
    lease = secrets.token_hex(8)
    with writing() as session:
        if not claim(session, bulk_id, lease, wall_now(), timing.lease):
            return {"items": 0, "addresses": 0}
    done = {"items": 0, "addresses": 0}
    pace, busy, tries = Pace(), 0.0, 0
    until = time.monotonic() + timing.job
    # SQLite has one writer at a time, who takes the turn blindly; elsewhere others wait only for the rows of the same
    # cases, and get them in the order in which they came
    alone = db.engine.dialect.name == "sqlite"
    wanted, gap = (timing.chunk, timing.gap) if alone else (timing.chunk * 4, 0.0)
    # SQLite works in this thread: by its own time, a busy machine does not shrink chunks to mere overhead
    worked = time.thread_time if alone else time.monotonic
    while True:
        if time.monotonic() > until:
            _hand_back(bulk_id, lease)
            break
        started, before = time.monotonic(), worked()
        try:
            one = _chunk(bulk_id, lease, pace, timing, busy)
        except OperationalError:  # the database's trouble: a lock that did not come free, a connection that broke
            tries += 1
            if tries >= TRIES:
                raise
            time.sleep(timing.gap * 10 * tries)
            continue
        except Exception as error:  # noqa: BLE001  counted and logged: one case must not hold up the others
            if not _go_around(bulk_id, lease, pace, error):
                break
            pace = Pace(items=1, addresses=1)
            continue
        tries = 0
        done["items"] += one.items
        done["addresses"] += one.addresses
        if one.ended:
            break
        pace = next_pace(pace, worked() - before, wanted)
        time.sleep(gap)
        busy = time.monotonic() - started
    enqueue(JobName.PUBLISH)
    return done


def _hand_back(bulk_id: int, lease: str) -> None:
    with writing() as session:
        number = release(session, bulk_id, lease)
    if number is not None:
        hand_over(bulk_id, number)


def _chunk(bulk_id: int, lease: str, pace: Pace, timing: Timing, busy: float) -> Step:
    with without_collector(), writing() as session:
        moment = Moment(domain_now(), wall_now())
        return step(session, bulk_id, lease, moment, timing.lease, pace, busy_ms=round(busy * 1000))


def _go_around(bulk_id: int, lease: str, pace: Pace, error: Exception) -> bool:
    """After a fault, go on item by item; the item it falls on is set aside and counted. False: nothing is left."""
    _log.error("A chunk of bulk action %d failed: %s", bulk_id, type(error).__name__)  # its words may quote a row
    if pace.items > 1:
        return True
    with writing() as session:
        return fail_next(session, bulk_id, lease, domain_now())


def next_pace(pace: Pace, took: float, wanted: float) -> Pace:
    """Grow or shrink a chunk towards the time it should take, at most by half or double at once."""
    factor = min(2.0, max(0.5, wanted / max(took, 0.001)))
    return replace(
        pace,
        items=min(MOST_ITEMS, max(LEAST_ITEMS, round(pace.items * factor))),
        addresses=min(MOST_ADDRESSES, max(LEAST_ADDRESSES, round(pace.addresses * factor))),
    )

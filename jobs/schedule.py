"""The scheduler: enqueues the few periodic jobs, and nothing else.

All of them are idempotent and unique, so a second scheduler only doubles harmless work. RQ's own cron scheduler does
not serve: it enqueues pickled jobs, under ids that are new each time, so that a slow queue would fill up with sweeps.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from flask import Flask

from dashboard import runtime
from dashboard.queue import JobName, enqueue

PUBLISH_SECONDS = 3.0
BULK_SECONDS = 10.0
WARN_SECONDS = 60.0
ALLOW_LIST_SECONDS = 60.0
APPROVE_SECONDS = 60.0
WAKE_SECONDS = 60.0
TERMS_SECONDS = 60.0
RECORD_SECONDS = 60.0
DROP_SECONDS = 86_400.0
FREEZE_SECONDS = 3600.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    """A job, how many seconds lie between two of it, and when it is next due (monotonic)."""

    name: JobName
    every: float
    due: float = 0.0


def entries(app: Flask) -> list[Entry]:
    """Return what is periodic, at the rhythm of the application's settings."""
    with app.app_context():
        sweep_seconds = runtime.settings().sweep_seconds
    return [
        Entry(JobName.SWEEP, sweep_seconds),
        Entry(JobName.SWEEP_DNS, sweep_seconds),
        Entry(JobName.SPREAD, sweep_seconds),
        Entry(JobName.PUBLISH, PUBLISH_SECONDS),
        Entry(JobName.RESUME_BULK, BULK_SECONDS),
        Entry(JobName.WARN, WARN_SECONDS),
        Entry(JobName.SETTLE_ALLOW_LIST, ALLOW_LIST_SECONDS),
        Entry(JobName.APPROVE, APPROVE_SECONDS),
        Entry(JobName.WAKE, WAKE_SECONDS),
        Entry(JobName.END_TERMS, TERMS_SECONDS),
        Entry(JobName.RECORD_FAILURES, RECORD_SECONDS),
        Entry(JobName.DROP_RAW_REPLIES, DROP_SECONDS),
        Entry(JobName.FREEZE_MONTHS, FREEZE_SECONDS),
    ]


def enqueue_due(plan: list[Entry], clock: float) -> float:
    """Enqueue every entry that is due at `clock` and move it on; return the seconds until the next one is."""
    for entry in plan:
        if entry.due <= clock:
            enqueue(entry.name, unique=entry.name.name.lower())
            entry.due = clock + entry.every
    return max(0.0, min(entry.due for entry in plan) - clock)


def run_scheduler(app: Flask, sleep: Callable[[float], None] = time.sleep) -> None:
    """Enqueue what is due until SIGTERM or SIGINT, which end the process cleanly at any point."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    plan = entries(app)
    _log.info("Sweeping every %g s, publishing every %g s", plan[0].every, plan[1].every)
    while True:
        with app.app_context():
            pause = enqueue_due(plan, time.monotonic())
        sleep(pause)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """Leave at once: what was being enqueued is one atomic step of Redis."""
    raise SystemExit(0)

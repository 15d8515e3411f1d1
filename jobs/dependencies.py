"""The job that brings the lapse of a domain to all that rely on it."""

from __future__ import annotations

import time

from dashboard.database import writing
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now
from dashboard.services.dependencies.spread import Spread, spread_next
from jobs.context import job_context

SECONDS_A_JOB = 30.0
"""Then the rest is a job of its own: one lapse may concern tens of thousands of domains."""


def spread() -> dict[str, int]:
    """Judge dependents of lapsed domains, a chunk a transaction, until none is left or the time is up."""
    deadline = time.monotonic() + SECONDS_A_JOB
    dependents = opened = 0
    with job_context():
        while time.monotonic() < deadline:
            done = _chunk()
            if done is None:
                break
            dependents, opened = dependents + done.dependents, opened + done.opened
        else:
            enqueue(JobName.SPREAD, unique="spread-on")
    return {"dependents": dependents, "opened": opened}


def _chunk() -> Spread | None:
    with writing() as session:
        return spread_next(session, domain_now())

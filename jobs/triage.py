"""The job that brings snoozed cases back on their day."""

from __future__ import annotations

from dashboard.database import writing
from dashboard.runtime import domain_now
from dashboard.services.set_aside import WAKE_CHUNK
from dashboard.services.set_aside import wake as wake_next
from jobs.context import job_context


def wake() -> dict[str, int]:
    """Open every snoozed case whose date has come, a chunk a transaction."""
    total = 0
    with job_context():
        while True:
            with writing() as session:
                woken = wake_next(session, domain_now())
            total += woken
            if woken < WAKE_CHUNK:
                return {"woken": total}

"""The jobs that bring cases back on their day: snoozed ones, and decided ones whose term is over."""

from __future__ import annotations

from dashboard.database import writing
from dashboard.runtime import domain_now
from dashboard.services.set_aside import WAKE_CHUNK
from dashboard.services.set_aside import wake as wake_next
from dashboard.services.terms import CHUNK
from dashboard.services.terms import end_terms as end_next
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


def end_terms() -> dict[str, int]:
    """Look again at every decided case whose term is over, a chunk a transaction."""
    total = reopened = 0
    with job_context():
        while True:
            with writing() as session:
                looked, opened = end_next(session, domain_now())
            total, reopened = total + looked, reopened + opened
            if looked < CHUNK:
                return {"looked": total, "reopened": reopened}

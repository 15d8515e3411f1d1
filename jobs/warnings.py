"""The job that tells sources early which addresses are at domains that run out."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.database import db, writing
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now, settings
from dashboard.services.warnings.send import CHUNK, Waiting, waiting
from dashboard.services.warnings.send import warn as warn_some
from jobs.context import job_context


def warn() -> dict[str, int]:
    """Queue the early warnings that are due, a chunk a transaction."""
    with job_context():
        found = waiting(db.session(), settings().early_warnings_per_day, domain_now())
        db.session.remove()
        queued = sum(_warn(found[start : start + CHUNK]) for start in range(0, len(found), CHUNK))
        if queued:
            enqueue(JobName.PUBLISH, unique="publish")
        return {"queued": queued}


def _warn(chosen: Sequence[Waiting]) -> int:
    with writing() as session:
        return warn_some(session, chosen, domain_now())

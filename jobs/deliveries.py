"""Jobs that bring decisions to their sources."""

from __future__ import annotations

from dashboard.database import writing
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now
from dashboard.services.notices import publish_notices
from dashboard.services.publish import LIMIT, Published
from dashboard.services.publish import publish as publish_next
from jobs.context import job_context


def publish() -> dict[str, int]:
    """Publish what decisions, warnings and reports have queued, a chunk a transaction, until nothing is left."""
    totals = {"published": 0, "stale": 0, "withheld": 0, "rechecking": 0, "notices": 0}
    with job_context():
        while True:
            done = _publish_chunk()
            totals["published"] += done.published
            totals["stale"] += done.stale
            totals["withheld"] += done.withheld
            totals["rechecking"] += done.rechecking
            if done.handled < LIMIT:
                break
        while done_notices := _publish_notices():
            totals["notices"] += done_notices
            if done_notices < LIMIT:
                break
        if totals["rechecking"]:
            enqueue(JobName.SWEEP, unique="sweep")
        return totals


def _publish_notices() -> int:
    with writing() as session:
        return publish_notices(session, domain_now(), LIMIT)


def _publish_chunk() -> Published:
    with writing() as session:
        return publish_next(session, domain_now())

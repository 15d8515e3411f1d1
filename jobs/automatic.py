"""The job that approves what the policy leaves to it."""

from __future__ import annotations

from collections import Counter

from dashboard.database import db, writing
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now, wall_now
from dashboard.services.automatic import Approval, Candidate, approve_next, candidates
from jobs.context import job_context


def approve() -> dict[str, int]:
    """Approve the riskiest cases that the policy allows, each in a transaction of its own, until it says stop.

    May run twice or die anywhere: the limit is counted anew from what was committed.
    """
    done = Counter[str]()
    with job_context():
        for candidate in list(candidates(db.session(), domain_now(), wall_now())):
            result = _approve_one(candidate)
            if result.stop is not None:
                break
            done["skipped" if result.skip else "cases"] += 1
            done["addresses"] += result.addresses
            done["accounts"] += result.accounts
        if done["cases"]:
            enqueue(JobName.PUBLISH)
    return dict(done)


def _approve_one(candidate: Candidate) -> Approval:
    with writing() as session:
        return approve_next(session, candidate, domain_now(), wall_now())

"""Periodic upkeep: what nobody's request brings about in time."""

from __future__ import annotations

from dashboard.auth import throttle
from dashboard.database import db, writing
from dashboard.runtime import domain_now, wall_now
from dashboard.services.upkeep import CHUNK, drop_replies, old_replies
from jobs.context import job_context


def record_failures() -> dict[str, int]:
    """Tell the audit log of the past minutes' failed attempts to get in, also when nobody signs in afterwards."""
    with job_context(), writing() as session:
        return {"entries": throttle.record_failures(session, wall_now())}


def drop_raw_replies() -> dict[str, int]:
    """Drop raw replies that are older than they may be, a chunk a transaction; begins anew wherever it was killed."""
    dropped, after = 0, 0
    with job_context():
        while True:
            found = old_replies(db.session(), domain_now(), after)
            for start in range(0, len(found.ids), CHUNK):
                with writing() as session:
                    dropped += drop_replies(session, found.ids[start : start + CHUNK], domain_now())
            db.session.rollback()
            if found.last_domain is None:
                return {"dropped": dropped}
            after = found.last_domain

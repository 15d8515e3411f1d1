"""The job of the allow-list: ends what has expired and brings cases in line with entries that began or ended."""

from __future__ import annotations

from dashboard.database import db, writing
from dashboard.runtime import domain_now
from dashboard.services.allow_list.entries import expire_entries
from dashboard.services.allow_list.settle import next_work
from dashboard.services.allow_list.settle import settle as settle_work
from jobs.context import job_context


def settle() -> dict[str, int]:
    """Work off what the database says is left, a chunk a transaction; it may die anywhere and be run twice."""
    with job_context():
        with writing() as session:
            expired = expire_entries(session, domain_now())
        chunks = 0
        while _settle_chunk():
            chunks += 1
        return {"expired": expired, "chunks": chunks}


def _settle_chunk() -> bool:
    """Look for work in a transaction that only reads, then do it in one of its own; False when there is none."""
    work = next_work(db.session())
    db.session.rollback()
    if work is None:
        return False
    with writing() as session:
        settle_work(session, work, domain_now())
    return True

"""A bulk action at every point of its life, for tests that look at every screen."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from dashboard.database import db, writing
from dashboard.models import Account, BulkAction, Case, Claim, EvidenceRecord
from dashboard.services.bulk import control
from dashboard.services.bulk.choose import choose
from dashboard.services.bulk.confirm import withdraw
from dashboard.services.bulk.work import Pace
from tests.conftest import START
from tests.support import bulk

HIGH = 5_000_000
FIRST = Pace(items=1, addresses=1)


def build() -> list[int]:
    """Make one of each in the database of the current application; returns their ids."""
    done = bulk.done(bulk.lapsed(2))
    bulk.previewed(bulk.lapsed(1))
    bulk.listed(bulk.lapsed(1))
    _waiting()
    _with_much_left_out()
    _halted()
    _expired()
    taken_back = bulk.reverting(done)
    bulk.say_yes(taken_back)
    bulk.work(taken_back)
    bulk.reverting(bulk.done(bulk.lapsed(2)))
    _running()
    ids = list(db.session.scalars(select(BulkAction.id)))
    db.session.rollback()
    return ids


def _waiting() -> None:
    """Two wait for the second person: one for its high-profile accounts, one that is in stages; one was withdrawn."""
    waiting = bulk.previewed(bulk.lapsed(2, downloads=HIGH))
    accounts = db.session.scalars(select(Account.id).order_by(Account.id.desc()).limit(2)).all()
    version = bulk.bulk(waiting).version
    rita = bulk.rita()
    with writing() as session:
        choose(session, waiting, version, accounts, rita, START, START)
    assert bulk.say_yes(waiting, is_staged=True).state == "awaiting_second"
    withdrawn = bulk.previewed(bulk.lapsed(1))
    version = bulk.bulk(withdrawn).version
    with writing() as session:
        withdraw(session, withdrawn, version, rita, START)


def _with_much_left_out() -> None:
    """A preview that leaves out what somebody works on, and what rests on old evidence."""
    cases, other = bulk.lapsed(4), bulk.anna().staff_id
    until = START + timedelta(hours=1)
    with writing() as session:
        session.add(Claim(case_id=cases[0], staff_id=other, claimed_at=START, expires_at=until))
        old = session.get_one(Case, cases[1]).domain_id
        session.execute(
            update(EvidenceRecord)
            .where(EvidenceRecord.domain_id == old)
            .values(first_seen_at=START - timedelta(days=3), last_seen_at=START - timedelta(days=2))
        )
    bulk.work(bulk.listed(cases))


def _halted() -> None:
    """Paused by hand, stopped after a stage, cancelled, and aborted by itself."""
    rita = bulk.rita()
    paused, staged, cancelled = (bulk.running(bulk.lapsed(3), is_staged=number == 1) for number in range(3))
    for each in (paused, staged, cancelled):
        bulk.work(each, pace=FIRST, steps=1)
    with writing() as session:
        control.pause(session, paused, rita, START)
        control.cancel(session, cancelled, rita, START)
    cases = bulk.lapsed(3)
    aborted = bulk.running(cases)
    with writing() as session:
        session.execute(update(Case).where(Case.id.in_(cases[:2])).values(version=Case.version + 1))
    assert [bulk.bulk(paused).state, bulk.bulk(staged).state, bulk.work(aborted)] == ["paused", "paused", "aborted"]


def _expired() -> None:
    expired = bulk.previewed(bulk.lapsed(1))
    with writing() as session:
        session.execute(update(BulkAction).where(BulkAction.id == expired).values(expires_at=START))


def _running() -> None:
    """Two at work: what can be stopped stands on every page then."""
    for _ in range(2):
        bulk.work(bulk.running(bulk.lapsed(3)), pace=FIRST, steps=1)

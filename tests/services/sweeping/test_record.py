"""What is stored of a batch of the sweep: news, errors, rotation, and domains that a check holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Delegation, ErrorKind, Evidence, Outcome, Provider, Rcode
from dashboard.lifecycle.sweep import AT_LEAST, GONE, RESTLESS, next_sweep_at
from dashboard.models import Domain, LifecycleEvent, Sweep, SweepBatch
from dashboard.services.sweeping.begin import begin_sweeping
from dashboard.services.sweeping.claim import claim_turns, let_go, open_turns, sweeps_in_flight
from dashboard.services.sweeping.record import SweepFigures, record_sweep
from tests.conftest import START
from tests.support import story

DAY = timedelta(days=1)
LATER = START + 300 * DAY
Says = Callable[[str], Evidence]


def named(*hosts: str) -> Says:
    def says(name: str) -> Evidence:
        delegation = Delegation(Rcode.NOERROR, mx=((10, "mail.net"),))
        return Evidence(Provider.DNS, name, START, Outcome.FOUND, nameservers=hosts, delegation=delegation)

    return says


def gone(name: str) -> Evidence:
    return story.dns(name, START, Rcode.NXDOMAIN)


def broken(name: str) -> Evidence:
    return story.failure(name, START, Provider.DNS, ErrorKind.SERVER_ERROR)


HOME, AWAY = named("ns1.home.net"), named("ns1.away.net")


@pytest.fixture
def domains(context: Flask) -> list[int]:
    with writing() as session:
        rows = [story.add_domain(session, f"parcels{number}.net", LATER) for number in range(3)]
        begin_sweeping(session, [(row.id, row.name, ()) for row in rows], START)
        return [row.id for row in rows]


def claim(now: datetime) -> int:
    with writing() as session:
        batch = claim_turns(session, now=now, wall_now=now, size=500, lease=story.LEASE)
        assert batch
        return batch


def sweep(now: datetime, says: Says, *, of: int | None = None) -> SweepFigures:
    """Sweep whoever's turn it is at `now`: the domain `of` says that, the others that they are at home."""
    batch = claim(now)
    with writing() as session:
        turns = open_turns(session, batch, wall_now=now, lease=story.LEASE)
    answers = {turn.domain_id: (says if of in {None, turn.domain_id} else HOME)(turn.name) for turn in turns}
    with writing() as session:
        figures = record_sweep(session, batch, answers, now)
        let_go(session, batch)
        return figures


def row(domain_id: int) -> Sweep:
    db.session.expire_all()
    return db.session.get_one(Sweep, domain_id)


def due(now: datetime) -> list[int]:
    return list(db.session.scalars(select(Domain.id).where(Domain.next_check_at <= now).order_by(Domain.id)))


def test_a_first_check_that_misses_the_delegation_is_no_news_to_the_sweep(context: Flask) -> None:
    with writing() as session:
        ident = story.add_domain(session, "lost.net").id
    story.check(ident, [story.rdap("lost.net", START), gone("lost.net")], START)
    assert row(ident).seen == GONE
    assert row(ident).next_at == next_sweep_at(START, key="lost.net")
    with writing() as session:
        session.execute(update(Domain).values(next_check_at=LATER))
    assert sweep(START + DAY, gone).triggered == 0
    assert sweep(START + 2 * DAY, HOME).triggered == 1


def test_a_new_domain_is_not_swept_before_its_first_check(context: Flask) -> None:
    with writing() as session:
        story.add_domain(session, "new.net", LATER)
        assert claim_turns(session, now=LATER, wall_now=START, size=9, lease=story.LEASE) is None


def test_a_failure_backs_off_and_is_never_a_change(domains: list[int]) -> None:
    now = START + DAY
    assert sweep(now, HOME, of=domains[0]).changed == 0
    now += DAY
    figures = sweep(now, broken)
    assert (figures.failed, figures.changed, due(now)) == (3, 0, [])
    pauses = []
    while row(domains[0]).next_at < START + 3 * DAY:
        again = row(domains[0]).next_at
        pauses.append(again - now)
        now = again
        sweep(now, broken)
    assert timedelta(minutes=15) <= pauses[0] <= timedelta(minutes=30)
    assert 4 <= len(pauses) <= 8
    assert sweep(START + 4 * DAY, HOME).changed == 0
    assert row(domains[0]).failures == 0


def test_hosts_that_rotate_are_news_once_a_week_at_most(domains: list[int]) -> None:
    told = [sweep(START + (1 + day) * DAY, AWAY if day % 2 else HOME, of=domains[0]).changed for day in range(12)]
    assert told == [0, 1] + [0] * 10, "the first change is news, coming and going is not"
    settled = START + 12 * DAY + RESTLESS
    sweep(settled, AWAY, of=domains[0])
    assert row(domains[0]).changed_at == START + 12 * DAY
    assert sweep(settled + DAY, HOME, of=domains[0]).changed == 1
    assert sweep(settled + 2 * DAY, gone, of=domains[0]).changed == 1, "what vanishes is always news"


def test_a_domain_that_a_check_holds_is_told_of_when_it_is_free(domains: list[int]) -> None:
    sweep(START + DAY, HOME)
    with writing() as session:
        session.execute(update(Domain).where(Domain.id == domains[1]).values(batch_id=77, leased_until=LATER))
    now = START + 2 * DAY
    figures = sweep(now, gone, of=domains[1])
    assert (figures.changed, figures.triggered, due(now)) == (1, 0, [])
    soon = row(domains[1])
    assert (soon.next_at, soon.failures, soon.swept_at) == (now + timedelta(minutes=15), 0, START + DAY)
    with writing() as session:
        session.execute(update(Domain).values(batch_id=None, leased_until=None))
    assert sweep(soon.next_at, gone, of=domains[1]).triggered == 1


def test_the_sweep_writes_neither_evidence_nor_events(domains: list[int]) -> None:
    sweep(START + DAY, HOME)
    assert sweep(START + 2 * DAY, gone).triggered == 3
    assert db.session.scalars(select(LifecycleEvent)).all() == []
    assert db.session.get_one(Domain, domains[0]).phase == "unknown"


def test_a_lease_that_ran_out_is_claimed_anew_and_the_first_worker_comes_too_late(domains: list[int]) -> None:
    now = START + DAY
    first = claim(now)
    with writing() as session:
        assert sweeps_in_flight(session, now) == 1
        assert claim_turns(session, now=now, wall_now=now, size=9, lease=story.LEASE) is None
    second = claim(now + story.LEASE * 2)
    answers = {ident: gone("-") for ident in domains}
    with writing() as session:
        assert record_sweep(session, first, answers, now) == SweepFigures(0, 0, 0, 0, held=False)
    with writing() as session:
        assert record_sweep(session, second, answers, now).triggered == 3
    finished = select(SweepBatch.id, SweepBatch.triggered).where(SweepBatch.swept_at.is_not(None))
    assert [tuple(found) for found in db.session.execute(finished)] == [(second, 3)]


def test_many_small_changes_of_a_day_are_bounded_too(context: Flask) -> None:
    """A resolver that loses a few names of every batch: of a thousand answers twenty are believed, and no more."""
    with writing() as session:
        rows = [story.add_domain(session, f"bulk{number:04}.net", LATER) for number in range(1000)]
        begin_sweeping(session, [(one.id, one.name, ()) for one in rows], START)
        session.execute(update(Sweep).values(next_at=START, seen="0123456789abcdef"))
        session.flush()
    triggered = 0
    for _ in range(10):
        with writing() as session:
            batch = claim_turns(session, now=START, wall_now=START, size=100, lease=story.LEASE)
            assert batch
            turns = open_turns(session, batch, wall_now=START, lease=story.LEASE)
            answers = {turn.domain_id: (gone if n < 8 else broken)(turn.name) for n, turn in enumerate(turns)}
            triggered += record_sweep(session, batch, answers, START).triggered
    assert 0 < triggered <= AT_LEAST
    assert len(due(START)) == triggered

"""One domain whose answers break the recording holds up neither its group nor the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select

from dashboard import runtime
from dashboard.database import db, writing
from dashboard.models import Check, Domain, EvidenceRecord
from dashboard.services.checking.claim import claim_batch, open_batch
from dashboard.services.checking.put_off import put_off
from dashboard.services.checking.record import Answer, CheckedDomain
from dashboard.services.checking.request import make_due
from jobs.checks import commit_group
from tests.conftest import START
from tests.support import story

POISON = datetime(1, 1, 1, tzinfo=UTC)
"""No provider's parser lets this date through; a day before it there is no calendar."""


def claimed() -> tuple[int, list[CheckedDomain]]:
    """Claim four domains, of which the second has an answer that cannot be weighed."""
    with writing() as session:
        source = story.add_source(session)
        for number in range(4):
            story.add_accounts(session, source, story.add_domain(session, f"parcels{number}.net"))
    with writing() as session:
        batch = claim_batch(session, now=START, wall_now=START, size=10, lease=story.LEASE)
        assert batch
        due = open_batch(session, batch, wall_now=START, lease=story.LEASE)
    dates = [story.REGISTERED, POISON, story.REGISTERED, story.REGISTERED]
    return batch, [
        CheckedDomain(item.id, item.due_at, [Answer(story.rdap(item.name, START, registered_at=date), None, None)])
        for item, date in zip(due, dates, strict=True)
    ]


def test_the_rest_of_the_group_is_recorded_and_the_one_is_tried_again_later(context: Flask) -> None:
    batch, group = claimed()
    done = commit_group(batch, group, runtime.settings())
    assert (done.checks, done.skipped) == (4, 0)
    assert db.session.scalars(select(Check.failed).order_by(Check.domain_id)).all() == [False, True, False, False]
    assert len(db.session.scalars(select(EvidenceRecord.domain_id)).all()) == 3
    put_back = db.session.get_one(Domain, group[1].id)
    assert (put_back.failures, put_back.batch_id, put_back.phase) == (1, None, "unknown")
    assert START + timedelta(minutes=15) <= put_back.next_check_at <= START + timedelta(hours=1)


def test_a_domain_that_another_batch_holds_is_left_alone(context: Flask) -> None:
    batch, group = claimed()
    with writing() as session:
        assert not put_off(session, batch + 1, group[0].id, START, START, recheck_days=30)
        assert not put_off(session, batch, group[0].id, START + timedelta(days=1), START, recheck_days=30)
    assert db.session.scalars(select(Check)).all() == []


def test_a_domain_made_due_again_for_the_very_instant_that_was_served_is_checked(context: Flask) -> None:
    with writing() as session:
        domain = story.add_domain(session, "parcels.net")
        story.add_accounts(session, story.add_source(session), domain)
        ident = domain.id
    for _ in range(2):
        batch, group = claim_one()
        assert commit_group(batch, group, runtime.settings()).checks == 1
        checked = db.session.get_one(Domain, ident, populate_existing=True)
        assert (checked.phase, checked.batch_id, checked.next_check_at > START) == ("active", None, True)
        with writing() as session:
            make_due(session, [ident], START)
    assert db.session.scalars(select(Check.due_at)).all() == [START]


def claim_one() -> tuple[int, list[CheckedDomain]]:
    with writing() as session:
        batch = claim_batch(session, now=START, wall_now=START, size=1, lease=story.LEASE)
        assert batch
        (due,) = open_batch(session, batch, wall_now=START, lease=story.LEASE)
    answer = Answer(story.rdap(due.name, START, registered_at=story.REGISTERED), None, None)
    return batch, [CheckedDomain(due.id, due.due_at, [answer])]

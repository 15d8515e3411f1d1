"""Running: chunk by chunk under a lease; stages, stops, limits, and faults that fall on one case alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from dashboard.database import db, writing
from dashboard.models import Address, BulkItem, Case, Decision, Domain, Unverification
from dashboard.services.bulk.control import cancel, pause, resume, stop_all
from dashboard.services.bulk.judging import Moment
from dashboard.services.bulk.limits import Progress, stage_end, too_many_refused, why_abort
from dashboard.services.bulk.outcome import Refusal
from dashboard.services.bulk.work import Pace, claim, due, release, step
from jobs.bulk import Timing, next_pace, work
from tests.conftest import START
from tests.support import bulk as steps
from tests.support.audit import entries

SMALL = Pace(items=2, addresses=100)
LEASE = timedelta(seconds=30)


def decisions() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Decision)) or 0


def test_a_chunk_ends_at_so_many_addresses_but_takes_one_case_at_least(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(4, addresses=5))
    steps.work(bulk_id, pace=Pace(items=100, addresses=12), steps=1)
    assert decisions() == 2
    steps.work(bulk_id, Moment(START, START + LEASE), pace=Pace(items=100, addresses=1), steps=1)
    assert decisions() == 3


def test_two_workers_do_not_work_on_one_action(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(4))
    with writing() as session:
        assert claim(session, bulk_id, "one", START, LEASE)
        assert not claim(session, bulk_id, "two", START, LEASE)
        assert due(session, START) == []
    with writing() as session:
        assert step(session, bulk_id, "two", steps.MOMENT, LEASE, SMALL).ended
    assert decisions() == 0


def test_after_a_silence_another_worker_takes_over_and_the_first_one_stops(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(4))
    later = START + LEASE
    with writing() as session:
        claim(session, bulk_id, "one", START, LEASE)
    with writing() as session:
        step(session, bulk_id, "one", steps.MOMENT, LEASE, SMALL)
    with writing() as session:
        assert [ident for ident, _ in due(session, later)] == [bulk_id]
        assert claim(session, bulk_id, "two", later, LEASE)
    with writing() as session:
        assert step(session, bulk_id, "one", Moment(START, later), LEASE, SMALL).ended
    assert decisions() == 2


def test_each_round_is_a_job_of_its_own(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(2))
    before = steps.bulk(bulk_id).round
    with writing() as session:
        claim(session, bulk_id, "one", START, LEASE)
        assert release(session, bulk_id, "one") == before + 1
        assert release(session, bulk_id, "one") is None
        assert due(session, START) == [(bulk_id, before + 1)]


def test_it_stops_between_two_chunks_and_goes_on_where_it_was(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(6))
    steps.work(bulk_id, pace=SMALL, steps=1)
    who = steps.anna()
    with writing() as session:
        assert pause(session, bulk_id, who, START).state == "paused"
    with writing() as session:
        assert step(session, bulk_id, "lease", steps.MOMENT, LEASE, SMALL).ended
    assert decisions() == 2
    version = steps.bulk(bulk_id).version
    with writing() as session:
        assert resume(session, bulk_id, version, who, START).state == "running"
    assert steps.work(bulk_id) == "completed"
    assert decisions() == 6
    told = [entry.event for entry in entries(db.session()) if entry.event.startswith("bulk.")]
    assert told[-3:] == ["bulk.paused", "bulk.resumed", "bulk.completed"]


def test_a_cancelled_one_is_over_and_what_it_did_can_be_taken_back(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(6))
    steps.work(bulk_id, pace=SMALL, steps=1)
    who = steps.rita()
    with writing() as session:
        assert cancel(session, bulk_id, who, START).state == "cancelled"
        assert cancel(session, bulk_id, who, START).refusal is Refusal.CONFLICT
    revert_id = steps.reverting(bulk_id)
    assert steps.bulk(revert_id).items == 2


def test_one_word_stops_everything(context: Flask) -> None:
    first, second = steps.running(steps.lapsed(1)), steps.running(steps.lapsed(1))
    waiting = steps.previewed(steps.lapsed(1))
    who = steps.anna()
    with writing() as session:
        assert stop_all(session, who, START) == [first, second]
    assert [steps.bulk(ident).state for ident in (first, second, waiting)] == ["paused", "paused", "previewed"]
    told = entries(db.session())[-1]
    assert (told.event, told.data) == ("bulk.all_stopped", {"ids": [first, second]})


def test_a_staged_one_stops_after_each_stage_and_does_the_least_risky_first(context: Flask) -> None:
    cases = steps.lapsed(50, addresses=1)
    bulk_id = steps.running(cases, is_staged=True)
    who, sizes = steps.rita(), []
    while True:
        state = steps.work(bulk_id)
        sizes.append(decisions())
        if state == "completed":
            break
        found = steps.bulk(bulk_id)
        assert (state, found.stopped_why) == ("paused", "stage")
        if len(sizes) == 1:
            done = select(Case.risk).where(Case.state == "decided")
            assert db.session.scalars(done).all() == [min(db.session.scalars(select(Case.risk)))]
        with writing() as session:
            resume(session, bulk_id, found.version, who, START)
    assert sizes == [1, 5, 50]


@pytest.mark.parametrize(
    ("items", "ends"), [(1, [1, 1, 1]), (2, [1, 2, 2]), (50, [1, 5, 50]), (5000, [50, 500, 5000])]
)
def test_stages_are_one_percent_ten_percent_and_the_rest(items: int, ends: list[int]) -> None:
    assert [stage_end(items, stage) for stage in range(3)] == ends


def test_it_aborts_when_what_it_finds_is_not_what_the_preview_showed(context: Flask) -> None:
    cases = steps.lapsed(20, addresses=1)
    bulk_id = steps.running(cases)
    with writing() as session:
        session.execute(update(Address).where(Address.id <= 3).values(state_token="changed"))
    assert steps.work(bulk_id, pace=SMALL) == "aborted"
    found = steps.bulk(bulk_id)
    assert (found.stopped_why, found.skipped_addresses) == ("deviation", 3)
    told = entries(db.session())[-1]
    assert (told.event, told.actor, told.data["why"]) == ("bulk.aborted", "system:bulk", "deviation")


def test_a_tenth_that_changed_is_borne(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(20, addresses=1))
    with writing() as session:
        session.execute(update(Address).where(Address.id <= 2).values(state_token="changed"))
    assert steps.work(bulk_id) == "completed"


def test_it_aborts_when_sources_refuse_what_they_are_told(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(40, addresses=1))
    steps.work(bulk_id, pace=Pace(items=25, addresses=100), steps=1)
    with writing() as session:
        session.execute(update(Unverification).values(state="rejected", settled_at=START))
    assert steps.work(bulk_id, Moment(START, START + LEASE), pace=SMALL) == "aborted"
    assert steps.bulk(bulk_id).stopped_why == "refused"


def reverting(cases: int) -> int:
    """Un-verify, let the sources apply it, and begin to take it back."""
    bulk_id = steps.done(steps.lapsed(cases, addresses=1))
    with writing() as session:
        session.execute(update(Unverification).values(state="applied", settled_at=START))
        session.execute(update(Address).values(verified=False))
    revert_id = steps.reverting(bulk_id)
    assert steps.say_yes(revert_id).state == "running"
    return revert_id


def stray_reverts(count: int, **values: Any) -> None:
    """Put outbox rows that take back beside the first of the un-verifications, as no part of any action."""
    columns = "decision_id", "address_id", "source_id", "effect", "judged", "reason", "decided_at"
    with writing() as session:
        for made in session.scalars(select(Unverification).order_by(Unverification.id).limit(count)).all():
            same = {name: getattr(made, name) for name in columns}
            theirs = {"public_id": f"r{made.id}", "kind": "revert", "state": "queued", "reverts_id": made.id}
            session.add(Unverification(**same | theirs | values))


def answer(kind: str, state: str, most: int = 1000) -> None:
    """Let the sources answer so many of what they were asked for and have not answered."""
    open_ones = select(Unverification.id).where(Unverification.kind == kind, Unverification.state == "queued")
    with writing() as session:
        ids = session.scalars(open_ones.order_by(Unverification.id).limit(most)).all()
        session.execute(
            update(Unverification).where(Unverification.id.in_(ids)).values(state=state, settled_at=START)
        )


def test_taking_back_aborts_when_sources_refuse_it(context: Flask) -> None:
    revert_id = reverting(40)
    steps.work(revert_id, pace=Pace(items=25, addresses=100), steps=1)
    answer("revert", "rejected")
    assert steps.work(revert_id, Moment(START, START + LEASE), pace=SMALL) == "aborted"
    found = steps.bulk(revert_id)
    assert (found.stopped_why, found.done_items, found.lease) == ("refused", 29, None)
    told = entries(db.session())[-1]
    assert (told.event, told.actor) == ("bulk.aborted", "system:bulk")
    assert told.data == {
        "why": "refused",
        "done_items": 29,
        "done_addresses": 29,
        "skipped_items": 0,
        "failed_items": 0,
    }


def test_taking_back_bears_a_few_refusals(context: Flask) -> None:
    revert_id = reverting(40)
    steps.work(revert_id, pace=Pace(items=25, addresses=100), steps=1)
    answer("revert", "rejected", most=19)
    answer("revert", "applied")
    assert steps.work(revert_id, Moment(START, START + LEASE), pace=SMALL) == "completed"


def test_what_sources_refused_to_un_verify_is_no_reason_to_stop_taking_it_back(context: Flask) -> None:
    """The same decisions carry both: each action counts the answers to what it asked for itself."""
    bulk_id = steps.done(steps.lapsed(50, addresses=1))
    with writing() as session:
        session.execute(update(Unverification).values(state="rejected", settled_at=START))
        session.execute(update(Unverification).where(Unverification.id > 25).values(state="queued", settled_at=None))
    revert_id = steps.reverting(bulk_id)
    assert steps.say_yes(revert_id).state == "running"
    assert steps.work(revert_id, pace=SMALL) == "completed"


def test_un_verifying_does_not_stop_because_taking_back_is_refused(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(40, addresses=1))
    steps.work(bulk_id, pace=Pace(items=25, addresses=100), steps=1)
    stray_reverts(25, state="rejected", settled_at=START)
    assert steps.work(bulk_id, Moment(START, START + LEASE), pace=SMALL) == "completed"


@pytest.mark.parametrize(
    ("progress", "why"),
    [
        (Progress(100, 10, 50, 5, 0), None),
        (Progress(100, 11, 50, 5, 0), "deviation"),
        (Progress(0, 0, 50, 6, 0), "deviation"),
        (Progress(100, 0, 50, 0, 2), None),
        (Progress(100, 0, 50, 0, 3), "faults"),
        (Progress(100_000, 0, 10_000, 0, 100), None),
        (Progress(100_000, 0, 10_000, 0, 101), "faults"),
    ],
)
def test_limits(progress: Progress, why: str | None) -> None:
    assert why_abort(progress, 0.10) == why


def test_a_few_refusals_say_nothing() -> None:
    assert not too_many_refused(19, 19)
    assert too_many_refused(20, 100)
    assert not too_many_refused(20, 200)


def test_a_fault_that_falls_on_one_case_does_not_hold_up_the_others(context: Flask) -> None:
    """A domain's name that the audit log refuses stands for a fault nobody thought of."""
    cases = steps.lapsed(30, addresses=1)
    bulk_id = steps.running(cases)
    with writing() as session:
        domain_id = session.get_one(Case, cases[7]).domain_id
        session.execute(update(Domain).where(Domain.id == domain_id).values(name="x@bad.example"))
    work(bulk_id, Timing(gap=0.0))
    found = steps.bulk(bulk_id)
    assert (found.state, found.done_items, found.failed_items) == ("completed", 29, 1)
    failed = db.session.scalars(select(BulkItem).where(BulkItem.state == "failed")).one()
    assert (failed.case_id, failed.why) == (cases[7], "fault")
    assert db.session.get_one(Case, cases[7]).state == "open"


def test_taking_back_goes_around_a_case_on_which_a_fault_falls(context: Flask) -> None:
    """A row that stands already where the opposite has its place stands for a fault nobody thought of."""
    revert_id = reverting(30)
    stray_reverts(1)
    work(revert_id, Timing(gap=0.0))
    found = steps.bulk(revert_id)
    assert (found.state, found.done_items, found.failed_items) == ("completed", 29, 1)
    failed = db.session.scalars(select(BulkItem).where(BulkItem.state == "failed")).one()
    assert failed.why == "fault"
    assert db.session.get_one(Case, failed.case_id).state == "decided"


def test_taking_back_aborts_when_faults_fall_on_too_many_cases(context: Flask) -> None:
    revert_id = reverting(40)
    stray_reverts(3)
    work(revert_id, Timing(gap=0.0))
    found = steps.bulk(revert_id)
    assert (found.state, found.stopped_why, found.failed_items) == ("aborted", "faults", 3)
    told = entries(db.session())[-1]
    assert (told.event, told.data["why"], told.data["failed_items"]) == ("bulk.aborted", "faults", 3)


def test_the_pace_follows_the_clock_within_bounds() -> None:
    assert next_pace(Pace(200, 1000), 0.24, 0.12) == Pace(100, 500)
    assert next_pace(Pace(200, 1000), 0.01, 0.12) == Pace(400, 2000)
    assert next_pace(Pace(20, 100), 9.0, 0.12) == Pace(20, 100)
    assert next_pace(Pace(1000, 5000), 0.01, 0.12) == Pace(1000, 5000)


def test_a_job_that_worked_long_enough_hands_over(context: Flask) -> None:
    bulk_id = steps.running(steps.lapsed(3))
    work(bulk_id, Timing(job=0.0))
    found = steps.bulk(bulk_id)
    assert (found.state, found.lease, found.leased_until) == ("running", None, None)
    work(bulk_id, Timing())
    assert steps.bulk(bulk_id).state == "completed"

"""Whose word a bulk action needs, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import BulkKind, Unverification
from dashboard.services.bulk.confirm import withdraw
from dashboard.services.bulk.outcome import Refusal
from tests.conftest import START
from tests.support import bulk as steps
from tests.support.audit import entries

LATE = START + timedelta(minutes=31)


def test_a_small_one_runs_at_its_authors_word(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1))
    assert steps.say_yes(bulk_id, typed_count=None).state == "running"
    assert steps.bulk(bulk_id).second_id is None


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"reason_code": "made_up"}, Refusal.UNKNOWN_REASON),
        ({"reason_code": "other", "note": " "}, Refusal.NOTE_REQUIRED),
        ({"effect": "explode"}, Refusal.UNKNOWN_REASON),
        ({"typed_count": None}, Refusal.COUNT_MISMATCH),
        ({"typed_count": 11}, Refusal.COUNT_MISMATCH),
        ({"digest": "0" * 64}, Refusal.CONFLICT),
        ({"version": 99}, Refusal.CONFLICT),
        ({"wall_now": LATE}, Refusal.EXPIRED),
    ],
)
def test_what_is_not_in_order_is_refused(context: Flask, values: dict[str, object], refusal: Refusal) -> None:
    bulk_id = steps.previewed(steps.lapsed(6))
    assert steps.say_yes(bulk_id, **values).refusal is refusal  # type: ignore[arg-type]
    assert steps.bulk(bulk_id).state == "previewed"


def test_nobody_but_the_author_confirms(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1))
    assert steps.say_yes(bulk_id, steps.anna()).refusal is Refusal.CONFLICT


def test_a_list_with_nothing_left_in_it_cannot_be_confirmed(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, addresses=0))
    assert steps.say_yes(bulk_id).refusal is Refusal.NOTHING_TO_DO


def test_a_large_one_waits_for_a_second_person_who_is_never_the_author(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, addresses=101))
    assert steps.say_yes(bulk_id).state == "awaiting_second"
    assert steps.work(bulk_id) == "awaiting_second"
    assert steps.second(bulk_id, steps.rita()).refusal is Refusal.OWN_ACTION
    assert db.session.scalars(select(Unverification.id)).all() == []
    assert steps.second(bulk_id).state == "running"
    assert steps.bulk(bulk_id).second_id == steps.anna().staff_id
    told = [entry for entry in entries(db.session()) if entry.event == "bulk.approved"]
    assert [entry.data["digest"] for entry in told] == [steps.bulk(bulk_id).digest]


def test_the_second_person_has_half_an_hour(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, addresses=101))
    steps.say_yes(bulk_id, wall_now=START + timedelta(minutes=20))
    assert steps.second(bulk_id, wall_now=START + timedelta(minutes=51)).refusal is Refusal.EXPIRED
    assert steps.second(bulk_id, wall_now=START + timedelta(minutes=49)).state == "running"


def test_two_second_persons_at_once_are_one(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, addresses=101))
    steps.say_yes(bulk_id)
    steps.second(bulk_id)
    assert steps.second(bulk_id, steps.person("berta@desk.test")).refusal is Refusal.CONFLICT


def test_what_is_withdrawn_never_runs(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, addresses=101))
    steps.say_yes(bulk_id)
    version, anna = steps.bulk(bulk_id).version, steps.anna()
    with writing() as session:
        assert withdraw(session, bulk_id, version, anna, START).state == "withdrawn"
    assert steps.second(bulk_id).refusal is Refusal.CONFLICT
    assert entries(db.session())[-1].event == "bulk.withdrawn"


def test_keeping_many_verified_takes_the_typed_number_but_no_second_person(context: Flask) -> None:
    bulk_id = steps.previewed(steps.lapsed(1, addresses=101), BulkKind.OVERRIDE)
    assert steps.say_yes(bulk_id, typed_count=None).refusal is Refusal.COUNT_MISMATCH
    assert steps.say_yes(bulk_id).state == "running"


def test_taking_back_needs_as_many_people_as_doing(context: Flask) -> None:
    revert_id = steps.reverting(steps.done(steps.lapsed(1, addresses=101)))
    assert steps.say_yes(revert_id, note="").refusal is Refusal.NOTE_REQUIRED
    assert steps.say_yes(revert_id).state == "awaiting_second"

from __future__ import annotations

from itertools import pairwise

import pytest

from jobs.simulator.sample import sample_world
from jobs.simulator.specs import Story
from jobs.simulator.stories import Stage, chapters
from tests.jobs.simulator.helpers import CATCHER, day, make_spec


def test_chapters_follow_each_other_in_time() -> None:
    for spec in sample_world():
        assert all(one.starts_at < other.starts_at for one, other in pairwise(chapters(spec))), spec


def test_a_name_cannot_be_renewed_once_it_is_pending_delete() -> None:
    spec = make_spec(story=Story.LAPSE_AND_RENEW, turn_hours=24 * 76)

    with pytest.raises(ValueError, match="cannot be renewed"):
        chapters(spec)


def test_a_catch_in_the_very_moment_of_the_drop_leaves_no_free_chapter() -> None:
    spec = make_spec(story=Story.DROP_AND_CATCH, successor=CATCHER)

    assert [chapter.stage for chapter in chapters(spec)] == [
        Stage.ACTIVE,
        Stage.GRACE,
        Stage.DARK,
        Stage.REDEMPTION,
        Stage.PENDING_DELETE,
        Stage.ACTIVE,
    ]


def test_the_registrar_chooses_how_long_it_waits_before_it_deletes() -> None:
    spec = make_spec(grace_days=5)

    assert [(chapter.starts_at, chapter.stage) for chapter in chapters(spec)[1:]] == [
        (day(0), Stage.DARK),
        (day(5), Stage.REDEMPTION),
        (day(35), Stage.PENDING_DELETE),
        (day(40), Stage.FREE),
    ]

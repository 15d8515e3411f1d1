"""The short form of `make drill`, and that its counting can fail."""

from __future__ import annotations

from jobs.providers.pace.table import Pace, Window
from tests.drill.run import PACES, SHORT, Visit, count, drill, most_at_once, most_in, scaled

SECONDS = 24.0
DAY = 2 * SHORT
"""A request that a busy machine delays by less than a tenth of a window is within what the pace allows for."""


def test_no_server_is_asked_more_than_it_bears_although_workers_are_killed() -> None:
    result = drill(SECONDS, DAY)
    assert [one for one in result.findings if not one.kept] == []
    assert result.kills >= 4
    for name, pace in PACES.items():
        asked = next(one.total for one in result.findings if one.server == name)
        day = scaled(pace, DAY).windows[-1]
        assert asked >= day.limit / 2, f"{name} was hardly asked, which proves nothing"
        assert asked <= day.limit * (SECONDS / day.seconds + 1)


def test_the_count_tells_one_too_many() -> None:
    pace = Pace(2.0, in_flight=1, windows=(Window(3, 10),))
    kept = [Visit(came, came + 0.1) for came in (0.0, 4.0, 8.0, 10.1)]
    assert all(one.kept for one in count("rdap", pace, kept))
    bunched = [*kept, Visit(10.15, 10.3)]
    assert [(one.what, one.most) for one in count("rdap", pace, bunched) if not one.kept] == [
        ("in 10 s", 4),
        ("in flight", 2),
    ]


def test_a_window_is_counted_wherever_it_begins() -> None:
    assert most_in([0.0, 9.0, 9.5, 10.5, 18.9], 10.0) == 4
    assert most_in([0.0, 10.0], 10.0) == 1


def test_requests_that_meet_end_to_end_are_not_at_once() -> None:
    assert most_at_once([Visit(0.0, 1.0), Visit(1.0, 2.0), Visit(1.5, 1.6)]) == 2


def test_longer_days_have_larger_windows() -> None:
    assert scaled(PACES["rdap"], 6 * SHORT).windows == (Window(420, 60),)

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.assessment import Predicted, Prediction, RegistrationPeriod
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.timeline import Mark, Span
from dashboard.queries.history import History
from dashboard.web.pictures import KINDS, MAX_ROWS, close_up, timeline_picture
from tests.conftest import START

days = st.integers(-3000, 400).map(lambda number: START + timedelta(days=number))
marks = st.lists(st.builds(Mark, days, st.sampled_from([*KINDS, "other"]), st.just("what happened")), max_size=40)
spans = st.lists(st.builds(Span, days, st.none() | days, st.sampled_from(Phase)), max_size=8)
periods = st.lists(st.builds(RegistrationPeriod, days, st.none() | days, st.just("R" * 60)), max_size=4)


@given(periods, spans, marks, st.lists(days, max_size=5))
def test_whatever_happened_is_drawn_inside_the_picture_without_words_on_words(
    periods: list[RegistrationPeriod], spans: list[Span], marks: list[Mark], checks: list[datetime]
) -> None:
    history = History(periods, spans, marks, sorted(checks), Predicted(drop=Prediction(START, "because")))
    for picture in (timeline_picture(history, START), close_up(history, START)):
        for box in (*picture.bands, *picture.phases):
            assert 0 <= box.x <= box.x + box.width <= 1000
            assert picture.lanes_top <= box.y <= picture.lanes_bottom - box.height
        assert all(0 <= x <= 1000 for x in picture.checks)
        written: dict[int, list[tuple[float, float]]] = {}
        for mark in picture.marks:
            assert 0 <= mark.y < picture.height
            if mark.text:
                width = 6.6 * len(mark.text)
                reach = (mark.x - width, mark.x) if mark.anchor == "end" else (mark.x, mark.x + width)
                row = written.setdefault(mark.y, [])
                assert all(reach[1] <= left or reach[0] >= right for left, right in row)
                row.append(reach)
        assert len(written) <= MAX_ROWS


def test_a_resurrection_is_a_second_band_in_another_colour() -> None:
    caught = START - timedelta(days=9)
    history = History(
        periods=[
            RegistrationPeriod(START - timedelta(days=900), caught - timedelta(days=2), "Old"),
            RegistrationPeriod(caught, None, "New"),
        ],
        spans=[Span(caught - timedelta(days=2), caught, Phase.AVAILABLE)],
        marks=[],
        checks=[],
        predicted=Predicted(),
    )
    picture = timeline_picture(history, START)
    assert [band.lane for band in picture.bands] == ["even", "odd"]
    assert picture.bands[0].y != picture.bands[1].y
    assert [phase.lane for phase in picture.phases] == ["unregistered"], "an available name is nobody's"
    assert picture.is_long


def test_without_known_registrations_only_an_available_name_is_drawn_as_nobodys() -> None:
    free = START - timedelta(days=5)
    spans = [Span(START - timedelta(days=90), free, Phase.ACTIVE), Span(free, None, Phase.AVAILABLE)]
    picture = timeline_picture(History([], spans, [], [], Predicted()), START)
    assert [phase.lane for phase in picture.phases] == ["even", "unregistered"]

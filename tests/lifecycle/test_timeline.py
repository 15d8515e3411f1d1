from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.assessment import Predicted, Prediction, RegistrationPeriod
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.timeline import Mark, Span, build_timeline, strip

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST = RegistrationPeriod(NOW - 1000 * DAY, NOW - 400 * DAY, "First")
SECOND = RegistrationPeriod(NOW - 300 * DAY, None, "Second")
SPANS = (
    Span(NOW - 1000 * DAY, NOW - 440 * DAY, Phase.ACTIVE),
    Span(NOW - 440 * DAY, NOW - 400 * DAY, Phase.REDEMPTION),
    Span(NOW - 300 * DAY, None, Phase.ACTIVE),
)
MARKS = (Mark(NOW - 900 * DAY, "verified", "verified a•••e"), Mark(NOW, "check", "checked"))
DROP = Predicted(drop=Prediction(NOW + 25 * DAY, "redemption lasts 30 days"))
ALL = (NOW - 1000 * DAY, NOW)


def test_a_resurrection_is_a_second_band_on_another_lane() -> None:
    drawn = build_timeline((SECOND, FIRST), SPANS, MARKS, Predicted(), NOW, ALL)
    assert [(band.index, band.lane, band.x, band.width) for band in drawn.bands] == [(0, 0, 0, 600), (1, 1, 700, 300)]
    assert [band.label for band in drawn.bands] == ["registration 1 at First", "registration 2 at Second"]
    assert drawn.lanes == 2
    assert [(span.span.phase, span.lane, span.x) for span in drawn.spans] == [
        (Phase.ACTIVE, 0, 0),
        (Phase.REDEMPTION, 0, 560),
        (Phase.ACTIVE, 1, 700),
    ]
    assert drawn.now_x == 1000


def test_predictions_are_marks_with_their_basis_and_widen_the_picture() -> None:
    drawn = build_timeline((FIRST,), SPANS, MARKS, DROP, NOW)
    last = drawn.marks[-1].mark
    assert (last.kind, last.predicted, last.basis) == ("drop", True, "redemption lasts 30 days")
    assert drawn.now_x is not None
    assert drawn.now_x < drawn.marks[-1].x < 1000
    assert drawn.entries[-1].predicted


def test_what_lies_outside_the_window_is_not_drawn_but_listed() -> None:
    drawn = build_timeline((FIRST, SECOND), SPANS, MARKS, DROP, NOW, (NOW - 350 * DAY, NOW - 100 * DAY))
    assert [band.index for band in drawn.bands] == [1]
    assert (drawn.marks, drawn.now_x) == ((), None)
    assert [entry.kind for entry in drawn.entries] == [
        *("registration", "phase", "verified", "phase", "registration", "phase", "check", "drop"),
    ]


def test_what_begins_at_the_very_edge_is_still_drawn_inside() -> None:
    drawn = build_timeline((), (Span(NOW, None, Phase.ACTIVE),), (), Predicted(), NOW, ALL)
    assert [(span.x, span.width) for span in drawn.spans] == [(999, 1)]


def test_marks_close_together_take_different_rows() -> None:
    close = [Mark(NOW - 10 * DAY + n * timedelta(hours=1), "check", str(n)) for n in range(4)]
    drawn = build_timeline((), (), close, Predicted(), NOW, ALL)
    assert [mark.row for mark in drawn.marks] == [0, 1, 2, 3]


def test_short_windows_have_months_and_long_ones_years() -> None:
    months = build_timeline((), (), (), Predicted(), NOW, (NOW - 300 * DAY, NOW)).ticks
    assert [tick.label for tick in months if tick.major] == ["2026"]
    assert "Dec" in [tick.label for tick in months]
    years = build_timeline((), (), (), Predicted(), NOW, (NOW - 10_000 * DAY, NOW)).ticks
    assert all(tick.major for tick in years)
    assert len(years) <= 14


def test_the_strip_shows_twelve_months_and_a_drop_that_is_near() -> None:
    assert strip(SPANS, Predicted(), NOW).now_x == 1000
    near = strip(SPANS, DROP, NOW)
    assert near.start == NOW - 365 * DAY
    assert near.end == NOW + 25 * DAY
    assert near.marks[-1].x == 1000
    far = strip(SPANS, Predicted(drop=Prediction(NOW + 400 * DAY, "far")), NOW)
    assert far.end == NOW + 60 * DAY
    assert far.marks == ()


moments = st.integers(-15_000 * 24, 60_000 * 24).map(lambda hours: NOW + timedelta(hours=hours))
spans = st.builds(Span, moments, st.none() | moments, st.sampled_from(Phase), st.none() | st.integers(0, 5))
periods = st.builds(RegistrationPeriod, moments, st.none() | moments)
marks = st.builds(Mark, moments, st.sampled_from(["check", "verified"]), st.just("x"))
some_predicted = st.builds(Predicted, drop=st.none() | st.builds(Prediction, moments, st.just("b")))


@given(
    st.lists(periods, max_size=4),
    st.lists(spans, max_size=5),
    st.lists(marks, max_size=8),
    some_predicted,
    moments,
    st.none() | st.tuples(moments, moments),
)
def test_everything_drawn_lies_inside_and_nothing_is_lost_from_the_list(
    held: list[RegistrationPeriod],
    phases: list[Span],
    happened: list[Mark],
    predicted: Predicted,
    now: datetime,
    window: tuple[datetime, datetime] | None,
) -> None:
    drawn = build_timeline(held, phases, happened, predicted, now, window)
    stretches = [(b.x, b.width, b.lane) for b in drawn.bands] + [(s.x, s.width, s.lane) for s in drawn.spans]
    assert all(0 <= x < x + width <= 1000 for x, width, _ in stretches)
    assert all(lane in {0, 1} for _, _, lane in stretches)
    assert all(0 <= x <= 1000 for x in [m.x for m in drawn.marks] + [t.x for t in drawn.ticks])
    assert [m.x for m in drawn.marks] == sorted(m.x for m in drawn.marks)
    assert len(drawn.entries) == len(held) + len(phases) + len(happened) + (predicted.drop is not None)
    assert [e.at for e in drawn.entries] == sorted(e.at for e in drawn.entries)
    if window is None:
        assert len(drawn.bands) == len(held)
        assert len(drawn.marks) == len(happened) + (predicted.drop is not None)
    again = build_timeline(held[::-1], phases[::-1], happened[::-1], predicted, now, window)
    assert (again.marks, again.ticks, again.entries) == (drawn.marks, drawn.ticks, drawn.entries)


def test_a_lapse_ends_where_the_next_registration_begins_whenever_a_check_saw_it() -> None:
    seen_late = Span(NOW - 440 * DAY, NOW - 290 * DAY, Phase.PENDING_DELETE)
    drawn = build_timeline((FIRST, SECOND), (seen_late, SPANS[2]), (), Predicted(), NOW, ALL)
    assert [placed.span.end for placed in drawn.spans] == [SECOND.started_at, None]

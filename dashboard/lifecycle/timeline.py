"""The signature picture as values: bands, spans and marks at whole positions from 0 to 1000; templates only draw.

`entries` is the same as an ordered list: the accessible version, and all of it, whatever the window shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dashboard.lifecycle.assessment import Predicted, RegistrationPeriod
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.picture import Band, Entry, Mark, PlacedMark, PlacedSpan, Span, Tick, Timeline

__all__ = ["Mark", "Span", "Timeline", "build_timeline", "strip"]

WIDTH = 1000
MARGIN = 0.03
"""Free room at both ends, as a share of the time shown."""

STRIP_SHOWS = timedelta(days=365)
_NEVER = datetime.max.replace(tzinfo=UTC)
_MONTHLY_UNDER = timedelta(days=500)


@dataclass(frozen=True, slots=True)
class _Scale:
    """A window of time laid on 0..WIDTH."""

    start: datetime
    end: datetime

    def x(self, at: datetime) -> int:
        """Place a moment, clamped to the window."""
        share = (at - self.start) / (self.end - self.start)
        return round(WIDTH * min(max(share, 0.0), 1.0))

    def shows(self, start: datetime, end: datetime) -> bool:
        """Whether a stretch touches the window."""
        return start <= self.end and end >= self.start

    def stretch(self, start: datetime, end: datetime) -> tuple[int, int]:
        """Place a stretch as (x, width); whatever is there is at least one unit wide, and inside."""
        left, right = self.x(start), self.x(max(end, start))
        width = max(right - left, 1)
        return min(left, WIDTH - width), width


def build_timeline(
    periods: Sequence[RegistrationPeriod],
    phase_spans: Sequence[Span],
    marks: Sequence[Mark],
    predicted: Predicted,
    now: datetime,
    window: tuple[datetime, datetime] | None = None,
) -> Timeline:
    """Lay a domain's life out; without a `window` all of it is shown, predictions included.

    Items outside the window are left out of the drawing and kept in `entries`. Order of the input does not matter.
    """
    held = sorted(periods, key=lambda p: (p.started_at, *_until(p.ended_at), p.handle or "", p.registrar or ""))
    ended = [_ended_by_next(span, held) for span in phase_spans]
    spans = sorted(ended, key=lambda s: (s.start, s.phase, *_until(s.end), s.period or 0))
    every_mark = sorted([*marks, *_predictions(predicted)], key=lambda m: (m.at, m.kind, m.label, m.basis or ""))
    scale = _Scale(*(_widened(window) if window else _everything(held, spans, every_mark, now)))
    ticks = _ticks(scale)
    return Timeline(
        start=scale.start,
        end=scale.end,
        now_x=scale.x(now) if scale.shows(now, now) else None,
        lanes=min(max(len(held), 1), 2),
        bands=_bands(held, scale, now),
        spans=_place_spans(spans, held, scale, now),
        marks=_place_marks(every_mark, scale),
        ticks=ticks,
        entries=_entries(held, spans, every_mark),
    )


def strip(
    phase_spans: Sequence[Span], predicted: Predicted, now: datetime, shows: timedelta = STRIP_SHOWS
) -> Timeline:
    """Lay out a row's small picture: the last twelve months, and a predicted drop if it is within two more.

    It has no scale and no list: a page shows many, and each is read out as one sentence.
    """
    drop = predicted.drop.date if predicted.drop else now
    scale = _Scale(now - shows, min(max(drop, now), now + timedelta(days=60)))
    return Timeline(
        start=scale.start,
        end=scale.end,
        now_x=scale.x(now),
        lanes=1,
        bands=(),
        spans=_place_spans(sorted(phase_spans, key=lambda s: s.start), [], scale, now),
        marks=_place_marks(_predictions(predicted), scale),
        ticks=(),
        entries=(),
    )


def _until(end: datetime | None) -> tuple[bool, datetime]:
    """Sort what lasts behind what ended."""
    return end is None, end or _NEVER


def _predictions(predicted: Predicted) -> list[Mark]:
    """Turn predicted dates into dashed marks."""
    steps = (
        ("redemption", "redemption expected", predicted.redemption),
        ("pending_delete", "pending delete expected", predicted.pending_delete),
        ("drop", "drop expected", predicted.drop),
    )
    return [Mark(step.date, kind, label, predicted=True, basis=step.basis) for kind, label, step in steps if step]


def _everything(
    periods: list[RegistrationPeriod], spans: list[Span], marks: list[Mark], now: datetime
) -> tuple[datetime, datetime]:
    """Return a window around all there is, with a little room."""
    moments = [now, *(m.at for m in marks)]
    moments += [t for p in periods for t in (p.started_at, p.ended_at) if t]
    moments += [t for s in spans for t in (s.start, s.end) if t]
    start, end = _widened((min(moments), max(moments)))
    room = (end - start) * MARGIN
    return start - room, end + room


def _widened(window: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    """Never let a window be empty or turned round."""
    start, end = min(window), max(window)
    return start, max(end, start + timedelta(days=1))


def _ended_by_next(span: Span, periods: list[RegistrationPeriod]) -> Span:
    """End a lapse where the next registration begins: a check sees the catch only later."""
    if span.phase is Phase.ACTIVE:
        return span
    begun = min((p.started_at for p in periods if p.started_at > span.start), default=_NEVER)
    return replace(span, end=begun) if begun < (span.end or _NEVER) else span


def _bands(periods: list[RegistrationPeriod], scale: _Scale, now: datetime) -> tuple[Band, ...]:
    """Draw one band per registration period."""
    bands = []
    for index, period in enumerate(periods):
        end = period.ended_at or max(now, period.started_at)
        if scale.shows(period.started_at, end):
            x, width = scale.stretch(period.started_at, end)
            label = _period_label(index, period)
            bands.append(Band(index, index % 2, x, width, period.started_at, period.ended_at, label))
    return tuple(bands)


def _period_label(index: int, period: RegistrationPeriod) -> str:
    """Name a registration period."""
    return f"registration {index + 1}" + (f" at {period.registrar}" if period.registrar else "")


def _place_spans(
    spans: list[Span], periods: list[RegistrationPeriod], scale: _Scale, now: datetime
) -> tuple[PlacedSpan, ...]:
    """Draw the phases on their period's lane; one that lasts reaches to now."""
    placed = []
    for span in spans:
        end = span.end or max(now, span.start)
        if scale.shows(span.start, end):
            placed.append(PlacedSpan(span, _lane(span, periods), *scale.stretch(span.start, end)))
    return tuple(placed)


def _lane(span: Span, periods: list[RegistrationPeriod]) -> int:
    """Find the lane by the period named, else by the last one begun before the span."""
    if not periods:
        return 0
    begun = sum(period.started_at <= span.start for period in periods)
    return (max(begun - 1, 0) if span.period is None else span.period) % 2


def _place_marks(marks: list[Mark], scale: _Scale, apart: int = 90, rows: int = 4) -> tuple[PlacedMark, ...]:
    """Draw the marks, each on the first row where its label has room, else on the row free the longest."""
    last = [-apart] * rows
    placed = []
    for mark in marks:
        if scale.shows(mark.at, mark.at):
            x = scale.x(mark.at)
            row = next((r for r in range(rows) if x - last[r] >= apart), last.index(min(last)))
            last[row] = x
            placed.append(PlacedMark(mark, x, row))
    return tuple(placed)


def _ticks(scale: _Scale) -> tuple[Tick, ...]:
    """Mark years, and months where there is room for them; long lives thin the years out."""
    monthly = scale.end - scale.start < _MONTHLY_UNDER
    years = scale.end.year - scale.start.year + 1
    every = max(years // 12, 1)
    ticks = []
    for year in range(scale.start.year, scale.end.year + 1):
        for month in range(1, 13) if monthly else (1,):
            at = datetime(year, month, 1, tzinfo=UTC)
            if scale.start <= at <= scale.end and (monthly or year % every == 0):
                ticks.append(Tick(at, scale.x(at), f"{at:%Y}" if month == 1 else f"{at:%b}", major=month == 1))
    return tuple(ticks)


def _entries(periods: list[RegistrationPeriod], spans: list[Span], marks: list[Mark]) -> tuple[Entry, ...]:
    """List everything in order of time; at one moment the longer-lasting first."""
    entries = [Entry(p.started_at, p.ended_at, "registration", _period_label(i, p)) for i, p in enumerate(periods)]
    entries += [Entry(s.start, s.end, "phase", s.phase.value.replace("_", " ")) for s in spans]
    entries += [Entry(m.at, None, m.kind, m.label, m.predicted, m.basis) for m in marks]
    order = {"registration": 0, "phase": 1}
    return tuple(sorted(entries, key=lambda e: (e.at, order.get(e.kind, 2), e.kind, e.label)))

"""From a laid-out timeline to what a template draws: positions, classes and short words; no decisions left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.lifecycle.assessment import Predicted, Prediction
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.picture import Band, Entry, PlacedMark, PlacedSpan, Tick, Timeline
from dashboard.lifecycle.timeline import Span, build_timeline, strip
from dashboard.queries.history import History
from dashboard.queries.queue import QueueRow
from dashboard.web import words

ROW = 17
LANE = 24
LANE_GAP = 6
TOP = 8
MAX_ROWS = 8
CHECKS = 12
AXIS = 20
STRIP_WIDTH = 120
CHARACTER = 6.6
"""Width of a letter in the picture's own units."""

CLOSE_BEFORE, CLOSE_AFTER = timedelta(days=200), timedelta(days=60)
"""What a close-up shows before and after now."""

SHAPES = {
    "round": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M-4-4h8v8h-8z",
    "triangle": "M0-5l5 9h-10z",
    "diamond": "M0-5l5 5l-5 5l-5-5z",
    "cross": "M-4-4l8 8M4-4l-8 8",
    "bar": "M0-6v12",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of mark is drawn and what it is called in the picture."""

    short: str
    shape: str
    look: str = ""


KINDS = {
    "verified": Kind("verified", "round"),
    "release": Kind("release", "triangle", "mark-shape-full"),
    "reset": Kind("reset", "cross", "mark-shape-alarm"),
    "credentials": Kind("credentials", "cross", "mark-shape-alarm"),
    "token": Kind("token", "cross"),
    "sign_in": Kind("sign-in", "round"),
    "report": Kind("takeover", "square", "mark-shape-alarm"),
    "warning": Kind("warning", "square"),
    "decision": Kind("decision", "square", "mark-shape-full"),
    "expiry": Kind("expiry", "bar"),
    "registrar": Kind("registrar", "diamond"),
    "registered": Kind("registration", "diamond"),
    "handle": Kind("handle", "diamond"),
    "nameservers": Kind("name servers", "diamond"),
    "mx": Kind("mail hosts", "diamond"),
    "delegation": Kind("DNS", "diamond"),
    "redemption": Kind("redemption", "bar"),
    "pending_delete": Kind("pending delete", "bar"),
    "drop": Kind("drop", "bar"),
}
_OTHER = Kind("change", "diamond")


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark: its shape at `(x, y)`, a stem down to `stem`, and its words."""

    x: int
    y: int
    stem: int
    path: str
    look: str
    anchor: str
    text: str
    title: str
    predicted: bool


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A band or a phase: a box with a wash of its lane's colour and the phase's pattern."""

    x: int
    y: int
    width: int
    height: int
    lane: str
    pattern: str | None
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole timeline: the drawing (1000 wide), and the list that says the same."""

    height: int
    lanes_top: int
    lanes_bottom: int
    bands: Sequence[DrawnBox]
    phases: Sequence[DrawnBox]
    marks: Sequence[DrawnMark]
    checks: Sequence[int]
    check_times: Sequence[datetime]
    ticks: Sequence[Tick]
    now_x: int | None
    entries: Sequence[Entry]
    legend: Sequence[str]
    start: datetime
    end: datetime

    @property
    def is_long(self) -> bool:
        """Whether a close-up of the last months shows more."""
        return self.end - self.start > 2 * (CLOSE_BEFORE + CLOSE_AFTER)


@dataclass(frozen=True, slots=True)
class Strip:
    """A row's small picture, 120 wide: all boxes as one path, hatchings as `(phase, path)`, all of it in words."""

    wash: str
    hatches: Sequence[tuple[str, str]]
    now_x: float
    drop_x: float | None
    title: str


def timeline_picture(history: History, now: datetime) -> Picture:
    """Draw the whole known life of a domain."""
    return _picture(history, now, None)


def close_up(history: History, now: datetime) -> Picture:
    """Draw the last months and the next: where a long life has no room for what counts."""
    return _picture(history, now, (now - CLOSE_BEFORE, now + CLOSE_AFTER))


def _picture(history: History, now: datetime, window: tuple[datetime, datetime] | None) -> Picture:
    laid = build_timeline(history.periods, history.spans, history.marks, history.predicted, now, window)
    rows = _rows(laid.marks)
    lanes_top = TOP + (max(rows.values(), default=-1) + 1) * ROW
    lanes_bottom = lanes_top + laid.lanes * LANE + (laid.lanes - 1) * LANE_GAP
    return Picture(
        height=lanes_bottom + CHECKS + AXIS,
        lanes_top=lanes_top,
        lanes_bottom=lanes_bottom,
        bands=[_band(band, lanes_top, _free(band, laid.spans)) for band in laid.bands],
        phases=[_phase(span, lanes_top) for span in laid.spans],
        marks=[_mark(mark, rows.get(index), lanes_bottom) for index, mark in enumerate(laid.marks)],
        checks=sorted({_x(laid, at) for at in history.checks if laid.start <= at <= laid.end}),
        check_times=history.checks,
        ticks=[tick for tick in laid.ticks if laid.now_x is None or not 0 < tick.x - laid.now_x + 66 < 86],
        now_x=laid.now_x,
        entries=laid.entries,
        legend=[phase.value for phase in Phase if any(p.span.phase is phase for p in laid.spans)],
        start=laid.start,
        end=laid.end,
    )


def row_strip(row: QueueRow, spans: Sequence[Span], now: datetime) -> Strip:
    """Draw a row's last twelve months; a domain without recorded changes stands at its phase since it was flagged."""
    known = spans or [Span(row.opened_at, None, Phase(row.phase))]
    drop = Prediction(row.drop_at, "") if row.drop_at else None
    laid = strip(known, Predicted(drop=drop), now)
    return Strip(
        wash="".join(map(_strip_box, laid.spans)),
        hatches=[(s.span.phase.value, _strip_box(s)) for s in laid.spans if s.span.phase is not Phase.ACTIVE],
        now_x=STRIP_WIDTH if laid.now_x is None else _small(laid.now_x),
        drop_x=next((_small(mark.x) for mark in laid.marks if mark.mark.kind == "drop"), None),
        title=", then ".join(_stretch(placed.span) for placed in laid.spans),
    )


def _strip_box(placed: PlacedSpan) -> str:
    width = _small(placed.width)
    return f"M{_small(placed.x)} 2h{width}v12h-{width}z"


def _small(x: int) -> float:
    return round(x * STRIP_WIDTH / 1000, 1)


def _stretch(span: Span) -> str:
    return f"{words.label(span.phase, 'phase').lower()} from {span.start:%Y-%m-%d}"


def _x(laid: Timeline, at: datetime) -> int:
    return round(1000 * ((at - laid.start) / (laid.end - laid.start)))


def _free(band: Band, spans: Sequence[PlacedSpan]) -> int:
    """Return how far the band's words may reach: to the first phase that has words of its own."""
    worded = (s.x for s in spans if s.lane == band.lane and s.x >= band.x and s.span.phase is not Phase.ACTIVE)
    return min((x - band.x for x in worded), default=band.width)


def _band(band: Band, top: int, free: int) -> DrawnBox:
    end = f"{band.end:%Y-%m-%d}" if band.end else "now"
    return DrawnBox(
        x=band.x,
        y=top + band.lane * (LANE + LANE_GAP),
        width=band.width,
        height=LANE,
        lane=_lane(band.lane),
        pattern=None,
        text=_fit(band.label, min(free, band.width)),
        title=f"{band.label}, {band.start:%Y-%m-%d} to {end}",
    )


def _phase(placed: PlacedSpan, top: int) -> DrawnBox:
    phase = placed.span.phase
    end = f"{placed.span.end:%Y-%m-%d}" if placed.span.end else "now"
    label = words.label(phase, "phase")
    # Nobody holds an available name: it is drawn outside of any registration's colour.
    lane = "unregistered" if phase is Phase.AVAILABLE else _lane(placed.lane)
    return DrawnBox(
        x=placed.x,
        y=top + placed.lane * (LANE + LANE_GAP),
        width=placed.width,
        height=LANE,
        lane=lane,
        pattern=phase.value,
        text="" if phase is Phase.ACTIVE else _fit(label, placed.width),
        title=f"{label}, {placed.span.start:%Y-%m-%d} to {end}",
    )


def _lane(lane: int) -> str:
    return "odd" if lane else "even"


def _rows(marks: Sequence[PlacedMark]) -> dict[int, int]:
    """Give each mark the first row where its words overlap no others; one that finds none stays without words."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(MAX_ROWS)]
    found = {}
    for index, placed in enumerate(marks):
        left, right = _extent(placed)
        for number, row in enumerate(taken):
            if all(right < other_left or left > other_right for other_left, other_right in row):
                row.append((left, right))
                found[index] = number
                break
    return found


def _extent(placed: PlacedMark) -> tuple[float, float]:
    """Return from where to where a mark with its words reaches."""
    width = len(KINDS.get(placed.mark.kind, _OTHER).short) * CHARACTER + 16
    return (placed.x - width, placed.x + 6.0) if _ends(placed) else (placed.x - 6.0, placed.x + width)


def _ends(placed: PlacedMark) -> bool:
    """Whether the words stand left of the mark, because there is no room at its right."""
    return placed.x > 880


def _mark(placed: PlacedMark, row: int | None, stem: int) -> DrawnMark:
    mark, kind = placed.mark, KINDS.get(placed.mark.kind, _OTHER)
    basis = f": {mark.basis}" if mark.basis else ""
    return DrawnMark(
        x=placed.x,
        y=TOP + (MAX_ROWS - 1 if row is None else row) * ROW + 4,
        stem=stem,
        path=SHAPES[kind.shape],
        look=kind.look,
        anchor="end" if _ends(placed) else "start",
        text="" if row is None else kind.short,
        title=f"{mark.at:%Y-%m-%d} {mark.label}{basis}",
        predicted=mark.predicted,
    )


def _fit(text: str, width: int) -> str:
    """Cut a text to what fits a box; nothing where hardly anything fits."""
    room = int((width - 8) / CHARACTER)
    if len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if room > 8 else ""

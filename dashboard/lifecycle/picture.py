"""The parts of a timeline: what goes in (Span, Mark) and what a template draws, at positions from 0 to 1000."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.lifecycle.evidence import Phase


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one phase; `end` None: it lasts. `period`: index of its registration period, None: by date."""

    start: datetime
    end: datetime | None
    phase: Phase
    period: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, or is expected to (`predicted`, then `basis` says why)."""

    at: datetime
    kind: str
    label: str
    predicted: bool = False
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A registration period as drawn; `lane` alternates, so that a resurrection is seen as a second band."""

    index: int
    lane: int
    x: int
    width: int
    start: datetime
    end: datetime | None
    label: str


@dataclass(frozen=True, slots=True)
class PlacedSpan:
    """A span as drawn; `lane` is that of its band, `predicted` spans lie ahead of now."""

    span: Span
    lane: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A mark as drawn; `row` (0, 1, 2 ...) keeps neighbours' labels apart."""

    mark: Mark
    x: int
    row: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale; `major` ones are years."""

    at: datetime
    x: int
    label: str
    major: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ordered list; `end` only where the thing lasts."""

    at: datetime
    end: datetime | None
    kind: str
    label: str
    predicted: bool = False
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything a template draws, in drawing order; `now_x` is None when now lies outside the window."""

    start: datetime
    end: datetime
    now_x: int | None
    lanes: int
    bands: tuple[Band, ...]
    spans: tuple[PlacedSpan, ...]
    marks: tuple[PlacedMark, ...]
    ticks: tuple[Tick, ...]
    entries: tuple[Entry, ...]

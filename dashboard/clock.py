"""The two clocks: the domain clock (observations, schedule, statistics) and the wall clock (sessions, leases).

Outside the demo both are the machine's. In the demo the simulator's clock drives the domain side: an affine map
kept in a small JSON file, so that every process reads the same moving time without asking anyone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...


class WallClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Domain time as an affine function of wall time: `domain + (wall_now - wall) * speed`."""

    wall: datetime
    domain: datetime
    speed: float

    def at(self, wall_now: datetime) -> datetime:
        """Return the domain time at the wall time `wall_now`."""
        return self.domain + timedelta(seconds=(wall_now - self.wall).total_seconds() * self.speed)

    def dump(self) -> str:
        """Return the anchor as the JSON text kept in the clock file."""
        return json.dumps({"wall": self.wall.isoformat(), "domain": self.domain.isoformat(), "speed": self.speed})

    @classmethod
    def load(cls, text: str) -> Anchor:
        """Read the JSON text of a clock file; `ValueError` or `KeyError` when it is not one."""
        raw = json.loads(text)
        return cls(
            wall=datetime.fromisoformat(raw["wall"]),
            domain=datetime.fromisoformat(raw["domain"]),
            speed=float(raw["speed"]),
        )


@dataclass(slots=True)
class FileClock:
    """A moving domain clock read from `path`; re-read whenever the file is replaced."""

    path: Path
    _stamp: tuple[int, int] = (0, 0)
    _anchor: Anchor | None = field(default=None)

    def now(self) -> datetime:
        """Return the domain time now; `OSError` when the clock file is missing."""
        stat = self.path.stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if self._anchor is None or stamp != self._stamp:
            self._anchor, self._stamp = Anchor.load(self.path.read_text()), stamp
        return self._anchor.at(datetime.now(UTC))


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Replace the clock file at `path` in one step, so that no reader ever sees half of it."""
    draft = path.with_suffix(".tmp")
    draft.write_text(anchor.dump())
    draft.replace(path)

"""The simulator owns the domain clock: it writes the anchor file that every other process reads."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dashboard.clock import Anchor, write_anchor

DEMO_SPEED = 1800.0


class SimulatedClock:
    """A domain clock that can be sped up, moved and frozen; with a `path` its anchor is kept there.

    While it runs, `beat()` leaves the last domain time in a heartbeat file, because a killed process cannot
    freeze its anchor and the time that passes while nothing runs must not count.
    """

    def __init__(self, anchor: Anchor, path: Path | None = None) -> None:
        self.anchor = anchor
        self._path = path
        self._save()

    @classmethod
    def standing(cls, at: datetime) -> SimulatedClock:
        """Return a clock without a file that stands at `at` until it is moved."""
        return cls(Anchor(datetime.now(UTC), at, 0.0))

    @classmethod
    def open(cls, path: Path, start: datetime, speed: float | None = None) -> SimulatedClock:
        """Resume the clock kept at `path`, or begin at `start`; without `speed` at the last one or `DEMO_SPEED`."""
        last = _last_seen(path)
        domain = last[0] if last else start
        kept_speed = last[1] if last else DEMO_SPEED
        return cls(Anchor(datetime.now(UTC), domain, kept_speed if speed is None else speed), path)

    def now(self) -> datetime:
        """Return the domain time now."""
        return self.anchor.at(datetime.now(UTC))

    def move(
        self, *, speed: float | None = None, advance: timedelta | None = None, to: datetime | None = None
    ) -> None:
        """Change the speed (domain seconds a wall second), jump by `advance`, or to the moment `to`."""
        wall = datetime.now(UTC)
        domain = to or self.anchor.at(wall)
        self.anchor = Anchor(wall, domain + (advance or timedelta()), self.anchor.speed if speed is None else speed)
        self._save()

    def freeze(self) -> None:
        """Stop the clock file at the present; the speed stays in the heartbeat for the next start."""
        self.beat()
        wall = datetime.now(UTC)
        self.anchor = Anchor(wall, self.anchor.at(wall), 0.0)
        if self._path:
            write_anchor(self._path, self.anchor)

    def beat(self) -> None:
        """Leave the present domain time and the speed in the heartbeat file."""
        if self._path:
            wall = datetime.now(UTC)
            beat = Anchor(wall, self.anchor.at(wall), self.anchor.speed)
            write_anchor(heartbeat_path(self._path), beat)

    def _save(self) -> None:
        if self._path:
            write_anchor(self._path, self.anchor)
            self.beat()


def heartbeat_path(clock_path: Path) -> Path:
    """Return where the heartbeat of the clock at `clock_path` is kept: `clock.json` -> `clock.heartbeat.json`."""
    return clock_path.with_name(f"{clock_path.stem}.heartbeat.json")


def _last_seen(path: Path) -> tuple[datetime, float] | None:
    """Return the last domain time and speed on file, the younger of anchor and heartbeat; None if neither."""
    kept = []
    for candidate in (heartbeat_path(path), path):
        with suppress(OSError, ValueError, KeyError):
            kept.append(Anchor.load(candidate.read_text()))
    if not kept:
        return None
    youngest = max(kept, key=lambda anchor: anchor.wall)
    speed = next((anchor.speed for anchor in kept if anchor.speed), 0.0)
    return youngest.domain, speed

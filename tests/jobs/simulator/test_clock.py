from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.clock import Anchor, FileClock, write_anchor
from jobs.simulator.clock import DEMO_SPEED, SimulatedClock, heartbeat_path

START = datetime(2026, 11, 1, 8, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def test_the_first_start_writes_the_anchor_that_others_read(path: Path) -> None:
    began = datetime.now(UTC)
    clock = SimulatedClock.open(path, START)
    reader = FileClock(path)

    assert clock.anchor.speed == DEMO_SPEED
    shown = [clock.now(), reader.now(), clock.now()]
    assert shown == sorted(shown)
    assert START <= shown[0] <= shown[-1] <= START + (datetime.now(UTC) - began) * DEMO_SPEED


def test_a_frozen_clock_resumes_where_and_as_fast_as_it_was(path: Path) -> None:
    first = SimulatedClock.open(path, START, speed=100)
    first.move(advance=timedelta(days=3))
    first.freeze()
    frozen = FileClock(path).now()

    assert frozen == FileClock(path).now()
    second = SimulatedClock.open(path, START)
    assert second.anchor.domain == frozen >= START + timedelta(days=3)
    assert second.anchor.speed == 100


def test_after_a_kill_the_heartbeat_is_where_it_resumes(path: Path) -> None:
    """The anchor ran on while nothing was running; that time does not count."""
    now = datetime.now(UTC)
    write_anchor(path, Anchor(now - timedelta(hours=10), START, 1800))
    beaten = START + timedelta(days=2)
    write_anchor(heartbeat_path(path), Anchor(now - timedelta(hours=9), beaten, 1800))

    assert SimulatedClock.open(path, START).anchor.domain == beaten


def test_a_broken_heartbeat_is_passed_over(path: Path) -> None:
    SimulatedClock.open(path, START, speed=0).move(to=START + timedelta(days=1))
    heartbeat_path(path).write_text("{")

    assert SimulatedClock.open(path, START).now() == START + timedelta(days=1)


def test_moving_is_seen_by_readers_at_once(path: Path) -> None:
    clock = SimulatedClock.open(path, START, speed=0)
    reader = FileClock(path)
    assert reader.now() == START

    clock.move(advance=timedelta(days=1))
    assert reader.now() == START + timedelta(days=1)
    clock.move(to=START + timedelta(days=9), speed=0)
    assert reader.now() == START + timedelta(days=9)


def test_a_standing_clock_stands() -> None:
    clock = SimulatedClock.standing(START)

    assert clock.now() == clock.now() == START


def test_a_paused_clock_stays_paused(path: Path) -> None:
    SimulatedClock.open(path, START, speed=0).freeze()

    assert SimulatedClock.open(path, START).anchor.speed == 0

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from dashboard.lifecycle.evidence import Phase
from tests.simulate.population import TLDS, TRACES
from tests.simulate.run import FIXED, OURS, PYPI, RHYTHMS, UNDECIDED, Row, decided_at_least, simulate, targets
from tests.simulate.stories import NEVER, stories

ROOT = Path(__file__).parents[2]
SWITCHES = [name for name in RHYTHMS if name.startswith("  +")]


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return simulate(2000, seed=7)


def days(row: Row) -> float:
    assert row.redemption.p95 is not None
    return row.redemption.p95


def test_shares_add_up() -> None:
    assert sum(tld.share for tld in TLDS) == pytest.approx(1)
    assert sum(trace.share for trace in TRACES) == pytest.approx(1)


def test_a_lapse_runs_through_its_phases_in_order() -> None:
    order = [Phase.ACTIVE, Phase.AUTO_RENEW_GRACE, Phase.REDEMPTION, Phase.PENDING_DELETE, Phase.AVAILABLE]
    dropped = [s for s in stories(range(2000), Random(7)) if s.lapse and s.lapse.drop_at < NEVER == s.lapse.caught_at]
    assert len(dropped) > 10
    for story in dropped:
        assert story.lapse
        times = [story.grace[0], story.lapse.deleted_at, story.lapse.pending_at, story.lapse.drop_at]
        seen = [order.index(story.phase_at(moment)) for moment in times]
        assert times == sorted(times)
        assert seen == sorted(seen)
        assert seen[-1] == order.index(Phase.AVAILABLE)


def test_ours_sees_a_lapse_sooner_than_the_others_and_misses_fewer(rows: dict[str, Row]) -> None:
    assert days(rows[OURS]) < days(rows[FIXED]) / 5
    assert days(rows[FIXED]) < days(rows[PYPI])
    assert rows[OURS].missed < rows[FIXED].missed < rows[PYPI].missed


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_costs_look_ups(rows: dict[str, Row], name: str) -> None:
    assert rows[name].lookups > rows[OURS].lookups


def test_an_open_case_is_watched_until_its_drop(rows: dict[str, Row]) -> None:
    drop, decided = rows[UNDECIDED].drop, rows[OURS].drop
    assert drop.mean is not None
    assert decided.mean is not None
    assert drop.mean < 0.2 < decided.mean
    assert rows[UNDECIDED].watching > 3 * rows[OURS].watching


def test_ours_costs_little_more_than_the_fixed_rhythm(rows: dict[str, Row]) -> None:
    assert rows[OURS].lookups < rows[FIXED].lookups * 1.1
    assert 0 < decided_at_least(rows) < 1
    assert len(targets(rows)) == 3


def test_the_command_gives_the_same_figures_whoever_shares_the_work() -> None:
    command = [sys.executable, "tests/simulate/run.py", "--json", "--domains", "300", "--workers", "2", "--seed", "3"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": "."}, capture_output=True, check=True, timeout=600
    )
    told = {rhythm["name"]: rhythm for rhythm in json.loads(done.stdout)["rhythms"]}
    here = simulate(300, seed=3)
    assert {row.name: row.lookups for row in here.values()} == {k: v["lookups_a_month"] for k, v in told.items()}
    assert told[OURS]["redemption"]["p95_days"] == here[OURS].redemption.p95

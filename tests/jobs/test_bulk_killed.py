"""A worker that is killed in the middle of a bulk action costs nothing but time; the whole drill is `make drill`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench import stage
from tests.support import postgres
from tests.support.require import lacking


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_killed_three_times_nothing_is_lost_or_done_twice(database: str) -> None:
    if database == "postgresql" and (missing := postgres.why_missing()):
        lacking("postgres", missing)
    command = [sys.executable, "tests/drill/bulk.py", "--kills", "3", "--database", database, "--json"]
    done = subprocess.run(
        command, cwd=stage.ROOT, env=stage.environment({}), capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (found,) = json.loads(done.stdout)
    assert (found["kills"], found["lost"], found["twice"], found["chain_holds"]) == (3, 0, 0, True)
    assert found["longest_wait"] < 120

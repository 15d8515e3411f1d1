from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.processes import alive, descendants, eventually

ROOT = Path(__file__).resolve().parents[2]
# Starts a child through our helper, tells its pid, and waits to be killed.
PARENT = """
import sys, time
from tests.support import processes
from tests.support.processes import alive, descendants, eventually
child = processes.start(["sleep", "60"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_child_dies_with_its_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert alive(child)
        os.kill(parent.pid, signal.SIGKILL)
    assert eventually(lambda: not alive(child))


def test_what_a_process_started_is_found_while_it_comes_and_goes() -> None:
    child = processes.start(["sh", "-c", "sleep 60 & echo $!; while :; do /bin/true; done"], stdout=subprocess.PIPE)
    assert child.stdout
    try:
        grandchild = int(child.stdout.readline())
        for _ in range(50):
            assert grandchild in descendants(child.pid)
    finally:
        processes.stop(child)
    assert descendants(child.pid) == set()


def test_stop_also_ends_what_the_child_started() -> None:
    child = processes.start(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE)
    assert child.stdout
    with child.stdout as stdout:
        grandchild = int(stdout.readline())
    processes.stop(child)
    assert child.returncode == -signal.SIGTERM
    assert eventually(lambda: not alive(grandchild))


def test_a_short_directory_is_private_and_goes_away() -> None:
    with processes.short_directory("lw-") as path:
        assert path.stat().st_mode & 0o777 == 0o700
        assert len(str(path)) < 60
        (path / "file").touch()
    assert not path.exists()

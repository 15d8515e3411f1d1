"""Work in a second process: the same results in the same order, and no process that outlives its use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.services.importing import beside
from dashboard.services.importing.beside import mapped

# Python 3.12 and newer warn of forking beside other threads, which a test runner may have.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

WHERE = """
import os, sys, time
from dashboard.services.importing.beside import mapped
for number, process in mapped(lambda n: (n, os.getpid()), range(7)):
    print(number, process != os.getpid(), flush=True)
"""
ABANDONED = """
import os, time
from dashboard.services.importing.beside import mapped
for process in mapped(lambda n: os.getpid(), range(10)):
    print(process, flush=True)
    if process != os.getpid():
        time.sleep(60)
"""


def python(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())


def test_every_other_item_is_worked_on_beside_and_the_order_stays() -> None:
    output, _ = python(WHERE).communicate(timeout=300)
    pairs = [line.split() for line in output.splitlines()]
    two_cores = len(os.sched_getaffinity(0)) > 1
    assert pairs == [[str(number), str(two_cores and number % 2 == 1)] for number in range(7)]


def test_beside_other_threads_one_process_does_all() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert set(mapped(lambda _: os.getpid(), range(5))) == {os.getpid()}
    finally:
        done.set()
        other.join()


@pytest.mark.parametrize("number", range(6))
def test_no_item_is_lost_whatever_their_number(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_may_fork", lambda: True)
    assert list(mapped(lambda n: n * n, range(number))) == [n * n for n in range(number)]


def test_a_fault_of_the_input_is_the_callers_and_the_second_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_may_fork", lambda: True)
    processes: list[int] = []

    def cut_off() -> Iterator[int]:
        yield from range(4)
        raise OSError("cut off")

    with pytest.raises(OSError, match="cut off"):
        processes.extend(mapped(lambda _: os.getpid(), cut_off()))
    assert len(processes) >= 2
    for process in set(processes) - {os.getpid()}:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_second_process_that_dies_is_told_and_is_no_end_of_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_may_fork", lambda: True)
    first = os.getpid()
    with pytest.raises(RuntimeError, match="ended early"):
        list(mapped(lambda _: None if os.getpid() == first else os._exit(1), range(4)))


def test_the_second_process_ends_with_a_killed_first_one() -> None:
    process = python(ABANDONED)
    assert process.stdout
    with process.stdout:
        _, second = process.stdout.readline(), int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(1200):
        if not running(second):
            return
        time.sleep(0.05)
    pytest.fail("the second process is still there")


def running(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False

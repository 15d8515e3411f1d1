"""A small process supervisor: starts children in order, restarts what dies, stops everything together.

It runs in one thread, and each child in a session of its own: Ctrl-C reaches the supervisor alone, which then stops
the children in their order. A child ends with the supervisor even when that is killed (`lifeline`).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from jobs.supervisor.errors import GaveUpError

LIFELINE = Path(__file__).with_name("lifeline.py")
TICK_SECONDS = 0.1
STOP_SECONDS = 8.0
QUICK_DEATH_SECONDS = 10.0
QUICK_DEATHS = 5
FIRST_PAUSE = 0.5
LONGEST_LINE = 64 * 1024


def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running.

    `command` and `environment` are asked at each start, because they may depend on children before it. The next
    child starts when `ready()` holds, for at most `ready_seconds`. A `last` one is stopped after all others. `log` is
    where to look when it will not stay up.
    """

    name: str
    command: Callable[[], list[str]]
    environment: Callable[[], Mapping[str, str]] = dict
    ready: Callable[[], bool] = _at_once
    ready_seconds: float = 90.0
    last: bool = False
    log: str = "its lines above"


@dataclass(slots=True)
class _Running:
    """A child as the supervisor sees it; times are monotonic."""

    child: Child
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    not_before: float = 0.0
    ready: bool = False
    quick_deaths: int = 0
    rest: bytes = field(default=b"")


class Supervisor:
    """Keeps `children` running until a signal, in the order given. `say` gets every line of output."""

    def __init__(self, children: list[Child], say: Callable[[str], None] = print) -> None:
        self._all = [_Running(child) for child in children]
        self._say = say
        self._width = max(len(child.name) for child in children)
        self._selector = selectors.DefaultSelector()
        self._stop_asked = 0

    def run(self, when_ready: Callable[[], None] | None = None) -> None:
        """Start and watch until SIGINT, SIGTERM or SIGHUP; then stop all. `GaveUpError` when one will not stay up."""
        before = {number: signal.signal(number, self._ask_to_stop) for number in _signals()}
        try:
            while not self._stop_asked:
                self._bury()
                if self._start_next() and when_ready:
                    when_ready()
                    when_ready = None
                self._read_output(TICK_SECONDS)
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked += 1

    def _start_next(self) -> bool:
        """Start what may start; True when every child is up and ready."""
        now = time.monotonic()
        for one in self._all:
            if one.process is None:
                if now >= one.not_before:
                    self._start(one, now)
                return False
            if not one.ready:
                one.ready = one.child.ready()
                if not one.ready:
                    self._check_patience(one, now)
                    return False
        return True

    @staticmethod
    def _check_patience(one: _Running, now: float) -> None:
        if now - one.started_at > one.child.ready_seconds:
            raise GaveUpError(
                f"{one.child.name} was not ready after {one.child.ready_seconds:g} s; see {one.child.log}"
            )

    def _start(self, one: _Running, now: float) -> None:
        guard = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())]
        process = subprocess.Popen(  # noqa: S603  our own commands
            [*guard, *one.child.command()],
            env=os.environ | one.child.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
        one.process, one.started_at, one.ready = process, now, False
        os.set_blocking(_pipe(process).fileno(), False)
        self._selector.register(_pipe(process), selectors.EVENT_READ, one)

    def _bury(self) -> None:
        """Take note of children that ended, and of when each may start again."""
        for one in self._all:
            if one.process and one.process.poll() is not None:
                self._note_death(one, one.process.returncode, time.monotonic())
                self._close(one)

    def _note_death(self, one: _Running, code: int, now: float) -> None:
        quick = now - one.started_at < QUICK_DEATH_SECONDS
        one.quick_deaths = one.quick_deaths + 1 if quick else 1
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        if one.quick_deaths >= QUICK_DEATHS:
            raise GaveUpError(f"{one.child.name} ended {how}, {QUICK_DEATHS} times in a row; see {one.child.log}")
        pause = FIRST_PAUSE * 2 ** (one.quick_deaths - 1)
        one.not_before = now + pause
        self._print(one, f"ended {how}; starting it again in {pause:g} s")

    def _close(self, one: _Running) -> None:
        if one.process is None:
            return
        self._drain(one)
        _kill_group(one.process)
        self._selector.unregister(_pipe(one.process))
        _pipe(one.process).close()
        one.process, one.ready = None, False

    def _read_output(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _events in self._selector.select(seconds):
            if not self._drain(key.data):
                time.sleep(TICK_SECONDS)  # its output is closed and it has not ended yet

    def _drain(self, one: _Running) -> bool:
        """Print the lines that have come; False at the end of the output."""
        if one.process is None:
            return False
        data: bytes | None = b""
        with contextlib.suppress(BlockingIOError):
            while data := _pipe(one.process).read(LONGEST_LINE):
                *lines, rest = (one.rest + data).split(b"\n")
                one.rest = rest[-LONGEST_LINE:]
                for line in lines:
                    self._print(one, line.decode(errors="replace"))
        return data is None

    def _print(self, one: _Running, line: str) -> None:
        shown = "".join(ch if ch.isprintable() or ch == "\t" else "\ufffd" for ch in line.rstrip("\r"))
        self._say(f"{one.child.name:<{self._width}} | {shown}")  # whatever it says, no command to the terminal

    def _stop_all(self) -> None:
        if self._stop_asked:
            self._say("Stopping ...")
        self._stop([one for one in reversed(self._all) if not one.child.last])
        self._stop([one for one in reversed(self._all) if one.child.last])
        self._selector.close()

    def _stop(self, some: list[_Running]) -> None:
        """Ask them to end, together; kill what is still there after the grace, or at a second signal."""
        some = [one for one in some if one.process]
        for one in some:
            if one.process:
                one.process.terminate()
        deadline, asked = time.monotonic() + STOP_SECONDS, max(1, self._stop_asked)
        while time.monotonic() < deadline and self._stop_asked <= asked and any(map(_is_up, some)):
            self._read_output(TICK_SECONDS)
        for one in some:
            if _is_up(one):
                self._print(one, "did not end in time; killed")
            self._close(one)


def _signals() -> list[signal.Signals]:
    """Return what asks to stop; a hang-up does not where it is ignored, as under nohup."""
    hang_up = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hang_up]


def _is_up(one: _Running) -> bool:
    return one.process is not None and one.process.poll() is None


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a child for good, with whatever it has left in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

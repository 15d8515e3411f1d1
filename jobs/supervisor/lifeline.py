"""Ties a process's life to its parent's: `python lifeline.py PARENT_PID COMMAND ...` runs COMMAND so.

On Linux the kernel does it (prctl(2), PR_SET_PDEATHSIG, which exec keeps). Elsewhere, or with `--watch`, this process
stays as a guard between the two: it watches its parent, passes signals on, and ends COMMAND when the parent is gone.
Standard library only, so that starting it costs milliseconds.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

PR_SET_PDEATHSIG = 1
WATCH_SECONDS = 0.5
GRACE_SECONDS = 8.0


def die_with_parent(parent: int, how: signal.Signals = signal.SIGTERM) -> None:
    """Have this process end by the signal `how` when the process `parent`, its parent, ends; at once if it has."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(how))
        if os.getppid() != parent:  # it died before the kernel was told
            os.kill(os.getpid(), how)
    else:
        threading.Thread(target=_die_when_orphaned, args=(parent, how), daemon=True).start()


def _die_when_orphaned(parent: int, how: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), how)


def guard(parent: int, command: list[str]) -> int:
    """Run `command`, ending it when `parent` ends; return its exit code."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        else:
            child.send_signal(number)

    # Before there is a child: whoever hears from it may send a signal at once, which would end this guard alone.
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  the supervisor's own command
    for number in early:
        child.send_signal(number)
    while child.poll() is None and os.getppid() == parent:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(WATCH_SECONDS)
    if child.poll() is None:
        _end(child)
    return child.wait()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    if child.poll() is None:
        child.kill()


def main(arguments: list[str]) -> int:
    """Read `[--watch] PARENT_PID COMMAND ...` and run it; on Linux this does not return."""
    watch = arguments[:1] == ["--watch"]
    parent, *command = arguments[1:] if watch else arguments
    if sys.platform == "linux" and not watch:
        die_with_parent(int(parent))
        os.execv(command[0], command)  # noqa: S606  no shell is wanted
    return guard(int(parent), command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

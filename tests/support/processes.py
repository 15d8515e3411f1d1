"""Child processes that never outlive the tests: own process group, ended with their parent, even by kill -9."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PATIENCE = 120.0  # seconds within which anything happens that will happen at all, however busy the machine
GRACE = 60.0  # seconds a process gets between being asked and being killed

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def start(
    command: Sequence[str | Path], *, death_signal: int = signal.SIGTERM, **options: Any
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, so that Ctrl-C reaches only the tests, which then stop it in order."""

    def die_with_parent() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal)

    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (nothing between fork and exec but one system call)
        **options,
    )


def stop(process: subprocess.Popen[bytes], how: int = signal.SIGTERM) -> None:
    """Ask `process` to end with the signal `how`; after `GRACE` seconds kill its whole group."""
    if process.poll() is None:
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def alive(pid: int) -> bool:
    """Whether a process runs: not one that has ended and that nobody has buried yet (Linux)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def descendants(pid: int) -> set[int]:
    """Every process below `pid` (Linux); those that end meanwhile may be among them or not."""
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found |= {child} | descendants(child)
    return found


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until `condition` holds; whether it does, after `seconds` at the latest."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return condition()
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def short_directory(prefix: str) -> Iterator[Path]:
    """A directory of mode 700 whose path is short enough for a unix socket in it (108 bytes); removed at the end."""
    parent = "/tmp" if os.access("/tmp", os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)

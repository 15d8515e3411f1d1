"""The process tree over real processes: order, restarts, ends, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from jobs.supervisor import tree, valkey
from jobs.supervisor.errors import AlreadyRunningError, GaveUpError, PortTakenError, ValkeyError
from jobs.supervisor.locks import only_one
from jobs.supervisor.ports import check_free
from jobs.supervisor.tree import LIFELINE, Child, Supervisor
from tests.support import processes
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, alive, eventually

# A tree of two children, the second with a child of its own; prints every line, and the pids among them.
TREE = """
import functools, sys
from jobs.supervisor.tree import Child, Supervisor
shell = ["/bin/sh", "-c", "echo pid $$; sleep 60 & echo pid $!; wait"]
children = [Child("first", lambda: ["/bin/sh", "-c", "echo pid $$; exec sleep 60"]), Child("second", lambda: shell)]
Supervisor(children, functools.partial(print, flush=True)).run(lambda: print("ready", flush=True))
"""


@contextmanager
def running_tree() -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A supervisor in a process of its own, and the pids of everything below it."""
    process = processes.start([sys.executable, "-c", TREE], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        pids: list[int] = []
        while len(pids) < 3:
            words = process.stdout.readline().decode().split()
            assert words, "the tree ended early"
            if "pid" in words:
                pids.append(int(words[-1]))
        yield process, pids
    finally:
        processes.stop(process)


def run_until_ready(children: list[Child]) -> list[str]:
    """Run a supervisor here until all are ready, then stop it as Ctrl-C would; return what it said."""
    lines: list[str] = []
    Supervisor(children, lines.append).run(ctrl_c)
    return lines


def run_until_said(wanted: str, *children: Child) -> list[str]:
    """The same, but stop it when it has said this, a whole line; or when it never does."""
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        if line == wanted:
            ctrl_c()

    patience = threading.Timer(PATIENCE, ctrl_c)
    patience.start()
    try:
        Supervisor(list(children), hear).run()
    finally:
        patience.cancel()
        patience.join()
    return lines


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def shell(name: str, script: str, **options: object) -> Child:
    return Child(name, lambda: ["/bin/sh", "-c", script], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(number: signal.Signals) -> None:
    with running_tree() as (process, pids):
        assert all(map(alive, pids))
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert process.stdout
        assert b"killed" not in process.stdout.read(), "each ended when it was asked to"
        assert not any(map(alive, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_killed_supervisor_leaves_no_orphan() -> None:
    with running_tree() as (process, pids):
        process.kill()
        assert eventually(lambda: not any(map(alive, pids[:2])))


def test_the_guard_ends_its_command_when_the_parent_is_gone() -> None:
    script = f"""
import os, subprocess, sys, time
guard = [sys.executable, "-I", "-S", {str(LIFELINE)!r}, "--watch", str(os.getpid()), "/bin/sh", "-c"]
child = subprocess.Popen([*guard, "echo pid $$; exec sleep 60"], start_new_session=True)
print("pid", child.pid, flush=True)
time.sleep(60)
"""
    parent = processes.start([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout
    pids = [int(parent.stdout.readline().split()[1]) for _ in range(2)]
    parent.kill()
    assert eventually(lambda: not any(map(alive, pids)))
    parent.wait()


def test_the_guard_passes_on_signals_and_exit_codes() -> None:
    command = [sys.executable, "-I", "-S", str(LIFELINE), "--watch", str(os.getpid()), "/bin/sh", "-c"]
    trap = subprocess.Popen(
        [*command, "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"], stdout=subprocess.PIPE
    )
    assert trap.stdout
    assert trap.stdout.readline() == b"up\n"
    trap.terminate()
    assert trap.wait(PATIENCE) == 7


def test_children_start_in_order_when_those_before_are_ready(tmp_path: Path) -> None:
    sign = tmp_path / "ready"
    first = shell("first", f"sleep 0.2; touch {sign}; exec sleep 60", ready=sign.exists)
    second = shell("second", f"test -e {sign} && echo after; exec sleep 60")
    assert "second | after" in run_until_said("second | after", first, second)


def test_every_line_bears_its_childs_name() -> None:
    script = "printf 'one\\ntwo\\n' >&2; printf caf\\\\351; echo; exec sleep 60"
    lines = run_until_said("talker | caf\ufffd", shell("talker", script), shell("x", "exec sleep 60"))
    assert lines[:3] == ["talker | one", "talker | two", "talker | caf\ufffd"]


def test_a_child_cannot_command_the_terminal() -> None:
    evil = Child("loud", lambda: ["/bin/sh", "-c", r"printf 'a\033[2J\302\2332J\tb\r\nend\n'; exec sleep 60"])
    lines = run_until_said("loud | end", evil)
    assert lines[0] == "loud | a\ufffd[2J\ufffd2J\tb"


def test_a_child_that_dies_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "FIRST_PAUSE", 0.01)
    count = tmp_path / "count"
    script = f"echo x >> {count}; test $(wc -l < {count}) -lt 3 && exit 4; exec sleep 60"
    stubborn = shell("stubborn", script, ready=lambda: count.exists() and count.read_text().count("x") == 3)
    lines = run_until_ready([stubborn])
    assert len([line for line in lines if "ended with code 4; starting it again" in line]) == 2


def test_a_child_that_will_not_stay_up_ends_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "FIRST_PAUSE", 0.01)
    with pytest.raises(GaveUpError, match="broken ended with code 3, 5 times in a row"):
        Supervisor([shell("steady", "exec sleep 60"), shell("broken", "exit 3")], lambda _line: None).run()


def test_a_child_that_is_never_ready_ends_the_tree() -> None:
    with pytest.raises(GaveUpError, match=r"slow was not ready after 0.2 s"):
        run_until_ready([shell("slow", "exec sleep 60", ready=lambda: False, ready_seconds=0.2)])


def test_a_child_that_ignores_the_request_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "STOP_SECONDS", 0.3)
    deaf = shell("deaf", "trap '' TERM; echo up; while :; do sleep 0.05; done")
    assert "deaf | did not end in time; killed" in run_until_said("deaf | up", deaf)


def test_the_last_child_is_stopped_after_all_others(tmp_path: Path) -> None:
    script = "trap 'date +%s%N > {0}; exit' TERM; touch {0}; while :; do sleep 0.02; done"
    ends = {name: tmp_path / name for name in ("store", "user")}
    store, user = (
        shell(name, script.format(end), last=name == "store", ready=end.exists) for name, end in ends.items()
    )
    run_until_ready([store, user])
    assert int((tmp_path / "store").read_text()) > int((tmp_path / "user").read_text())


def test_only_one_holds_a_state_folder_and_the_other_is_told_who(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from jobs.supervisor.locks import only_one\n"
        "with only_one(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = processes.start([sys.executable, "-c", code, tmp_path / "lock"], stdout=subprocess.PIPE)
    assert holder.stdout
    holder.stdout.readline()
    with pytest.raises(AlreadyRunningError, match=f"process {holder.pid}"), only_one(tmp_path / "lock"):
        pass
    holder.kill()
    holder.wait()
    with only_one(tmp_path / "lock"):
        pass


def test_a_busy_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.supervisor.ports.PATIENCE_SECONDS", 0.0)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTakenError, match=f"port {port} .*--port"):
        check_free("127.0.0.1", port)
    check_free("127.0.0.1", port)


@pytest.fixture
def state_dir() -> Iterator[Path]:
    with processes.short_directory("lw-sv-") as path:
        yield path


def start_valkey(state_dir: Path) -> subprocess.Popen[bytes]:
    path = valkey.socket_path(state_dir)
    command = valkey.command(valkey.server_binary(), path, path.parent)
    server = processes.start(command, stdout=subprocess.DEVNULL)
    assert eventually(lambda: valkey.answers(path))
    return server


def test_a_left_over_valkey_is_stopped_and_its_data_live_on(state_dir: Path) -> None:
    left_over = start_valkey(state_dir)
    path = valkey.socket_path(state_dir)
    with redis.Redis.from_url(valkey.url_of(path)) as client:
        client.set("kept", "yes")
    # init buries an orphan; this one is a child of ours, so somebody here has to.
    threading.Thread(target=left_over.wait).start()
    assert valkey.stop_left_over(path)
    assert left_over.wait(PATIENCE) == 0
    again = start_valkey(state_dir)
    try:
        with redis.Redis.from_url(valkey.url_of(path)) as client:
            assert client.get("kept") == b"yes"
    finally:
        processes.stop(again)


def test_a_dead_socket_is_cleared_away(state_dir: Path) -> None:
    path = valkey.socket_path(state_dir)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert not valkey.stop_left_over(path)
    assert not path.exists()


def test_the_socket_is_its_owners_alone_and_its_path_short_enough(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    path = valkey.socket_path(deep)
    assert len(str(path)) <= 103
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path == valkey.socket_path(deep)
    path.parent.rmdir()


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ValkeyError, match="not a folder of yours"):
        valkey.private(tmp_path / "link")


def test_another_binary_must_be_a_program(tmp_path: Path) -> None:
    with pytest.raises(ValkeyError, match="LAPSEWATCH_VALKEY_SERVER"):
        valkey.server_binary(str(tmp_path))

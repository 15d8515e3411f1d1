"""Whoever can write to Redis must not be able to run anything: real workers, forked, on what such a person leaves."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask

from dashboard.app import create_app
from dashboard.config import load_settings
from dashboard.database import db
from dashboard.queue import QUEUE, QUEUE_KEY, JobName, enqueue
from jobs.queueing import MAX_BYTES, DeclaredJob
from jobs.worker import ForkingWorker

SWEEP = JobName.SWEEP.value


class Shell:
    """Unpickling this runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


@pytest.fixture
def queue_app(tmp_path: Path, sqlite_template: Path, empty_valkey_url: str) -> Iterator[Flask]:
    shutil.copy(sqlite_template, tmp_path / "lapsewatch.db")
    app = create_app(load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_REDIS_URL": empty_valkey_url}))
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(empty_valkey_url) as connection:
        yield connection


@pytest.fixture
def intruder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that any `import` finds; its function leaves the file that this returns."""
    trace = tmp_path / "trace"
    (tmp_path / "intruder.py").write_text(f"def call(*args, **kwargs):\n    open({str(trace)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    return trace


def leave(client: redis.Redis, job_id: str | bytes, data: bytes, **fields: Any) -> None:
    """Leave a job as RQ itself would, with whatever fields."""
    key = b"rq:job:" + (job_id.encode() if isinstance(job_id, str) else job_id)
    mapping: dict[Any, Any] = {"data": data, "status": "queued", "origin": QUEUE, **fields}
    client.hset(key, mapping=mapping)
    client.rpush(QUEUE_KEY, job_id)


def work(app: Flask, redis_url: str) -> bool:
    """Work until the queue is empty, as the worker's process does."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        with redis.Redis.from_url(redis_url) as connection:
            return bool(ForkingWorker(app, connection).work(burst=True, logging_level="WARNING"))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def packed(work: object) -> bytes:
    return zlib.compress(json.dumps(work).encode())


def is_failed(client: redis.Redis, job_id: str) -> bool:
    return (
        client.hget(f"rq:job:{job_id}", "status") == b"failed"
        and client.zscore(f"rq:failed:{QUEUE}", job_id) is not None
    )


def refused_data(trace: Path) -> dict[str, bytes]:
    shell = f"touch {trace}"
    return {
        "a function of the system": packed(["os.system", None, [shell], {}]),
        "a function of ours that is no job": packed(["jobs.checks._claim", None, [], {}]),
        "an intruder's function": packed(["intruder.call", None, [], {}]),
        "a method of an object": packed(["system", "os", [shell], {}]),
        "a name that is no text": packed([["os.system"], None, [shell], {}]),
        "keyword arguments": packed([SWEEP, None, [], {"shell": shell}]),
        "nested arguments": packed([SWEEP, None, [[1, [2, [3]]]], {}]),
        "too many arguments": packed([SWEEP, None, list(range(50)), {}]),
        "a long argument": packed([SWEEP, None, ["x" * 1000], {}]),
        "a huge argument": packed([SWEEP, None, [os.urandom(50_000).hex()], {}]),
        "a huge number": packed([SWEEP, None, [10**100], {}]),
        "a number that is none": packed([SWEEP, None, [True], {}]),
        "a zip bomb": zlib.compress(b"[" * 3_000_000, 9),
        "deep nesting": zlib.compress(b"[" * MAX_BYTES),
        "a pickle": pickle.dumps(Shell(shell)),
        "a packed pickle": zlib.compress(pickle.dumps((SWEEP, Shell(shell), (), {}))),
        "uncompressed JSON": json.dumps([SWEEP, None, [], {}]).encode(),
        "nothing": b"",
    }


@pytest.mark.parametrize("kind", refused_data(Path("x")))
def test_work_that_is_not_declared_is_refused_and_the_worker_lives_on(
    kind: str, queue_app: Flask, client: redis.Redis, empty_valkey_url: str, intruder: Path, caplog: Any
) -> None:
    leave(client, "crafted", refused_data(intruder)[kind])
    enqueue(JobName.SWEEP, unique="honest")
    assert work(queue_app, empty_valkey_url)
    assert not intruder.exists()
    assert is_failed(client, "crafted")
    assert "Refused job crafted: " in caplog.text
    assert DeclaredJob.fetch("sweep-honest", client).return_value() == {"batches": 0}


def test_callbacks_and_webhooks_of_a_declared_job_are_never_called(
    queue_app: Flask, client: redis.Redis, empty_valkey_url: str, intruder: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        hook = {"url": f"http://127.0.0.1:{listener.getsockname()[1]}/", "job_status": "finished"}
        names = {f"{when}_callback_name": "intruder.call" for when in ("success", "failure", "stopped")}
        leave(client, "hooked", packed([SWEEP, None, [], {}]), webhooks=json.dumps([hook]), **names)
        assert work(queue_app, empty_valkey_url)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert not intruder.exists()
    assert DeclaredJob.fetch("hooked", client).return_value() == {"batches": 0}


def test_the_callbacks_of_a_job_that_fails_are_not_called_either(
    queue_app: Flask, client: redis.Redis, empty_valkey_url: str, intruder: Path
) -> None:
    leave(client, "fails", packed([SWEEP, None, [1, 2], {}]), failure_callback_name="intruder.call")
    assert work(queue_app, empty_valkey_url)
    assert is_failed(client, "fails")
    assert not intruder.exists()


def test_limits_come_from_the_policy_and_not_from_redis(
    queue_app: Flask, client: redis.Redis, empty_valkey_url: str
) -> None:
    leave(
        client,
        "greedy",
        packed([SWEEP, None, ["no such argument"], {}]),
        timeout=-1,
        result_ttl=-1,
        failure_ttl=-1,
        retries_left=9999,
        retry_intervals="[1]",
        repeats_left=9999,
        repeat_intervals="[1]",
        dependency_ids='["other"]',
        group_id="everybody",
        origin="elsewhere",
        meta=pickle.dumps(Shell("false")),
        result=pickle.dumps(Shell("false")),
        enqueued_at="9999-99-99T99:99:99.000000Z",
    )
    job = DeclaredJob.fetch("greedy", client)
    assert (job.timeout, job.retries_left, job.repeats_left, job.origin) == (120, 0, None, QUEUE)
    assert (job._dependency_ids, job.group_id, job.meta, job.enqueued_at) == ([], None, {}, None)
    assert work(queue_app, empty_valkey_url)
    assert is_failed(client, "greedy")
    assert 0 < client.ttl("rq:job:greedy") <= 86_400


def test_dependents_named_in_redis_are_not_enqueued(
    queue_app: Flask, client: redis.Redis, empty_valkey_url: str, intruder: Path
) -> None:
    client.hset("rq:job:child", mapping={"data": packed(["intruder.call", None, [], {}]), "status": "deferred"})
    client.sadd("rq:job:sweep-parent:dependents", "child", "absent", b"\xff")
    enqueue(JobName.SWEEP, unique="parent")
    assert work(queue_app, empty_valkey_url)
    assert client.hget("rq:job:child", "status") == b"deferred"
    assert not intruder.exists()


@pytest.mark.parametrize("job_id", [b"\xff\xfe", b"../../up", b"a:b", b"new\nline", b"x" * 5000, b""])
def test_a_malformed_id_is_put_aside_without_being_repeated_in_the_log(
    job_id: bytes, queue_app: Flask, client: redis.Redis, empty_valkey_url: str, caplog: Any
) -> None:
    leave(client, job_id, packed([SWEEP, None, [], {}]))
    enqueue(JobName.SWEEP, unique="honest")
    assert work(queue_app, empty_valkey_url)
    assert "Refused job with a malformed id" in caplog.text
    assert client.llen(f"{QUEUE_KEY}:intermediate") == 0
    assert DeclaredJob.fetch("sweep-honest", client).is_finished


def test_a_job_that_is_no_hash_is_refused(
    queue_app: Flask, client: redis.Redis, empty_valkey_url: str, caplog: Any
) -> None:
    client.set("rq:job:text", "x")
    client.rpush(QUEUE_KEY, "text", "absent")
    enqueue(JobName.SWEEP, unique="honest")
    assert work(queue_app, empty_valkey_url)
    assert is_failed(client, "text")
    assert DeclaredJob.fetch("sweep-honest", client).is_finished


@pytest.mark.parametrize(
    "key", [f"rq:wip:{QUEUE}", f"rq:finished:{QUEUE}", f"rq:failed:{QUEUE}", f"{QUEUE_KEY}:intermediate"]
)
def test_bookkeeping_that_cannot_be_read_is_dropped(
    key: str, queue_app: Flask, client: redis.Redis, empty_valkey_url: str
) -> None:
    client.set(key, "not what it should be")
    enqueue(JobName.SWEEP, unique="honest")
    assert work(queue_app, empty_valkey_url)
    assert DeclaredJob.fetch("sweep-honest", client).return_value() == {"batches": 0}


@pytest.mark.parametrize("others", [{}, {b"\xff": 2}])
def test_a_crafted_running_job_of_a_dead_worker_is_not_run(
    others: dict[Any, float], queue_app: Flask, client: redis.Redis, empty_valkey_url: str, intruder: Path
) -> None:
    client.hset(
        "rq:job:zombie",
        mapping={
            "data": packed(["intruder.call", None, [], {}]),
            "status": "started",
            "failure_callback_name": "intruder.call",
            "retries_left": 3,
        },
    )
    client.zadd(f"rq:wip:{QUEUE}", {b"zombie:1": 1, **others})
    enqueue(JobName.SWEEP, unique="honest")
    assert work(queue_app, empty_valkey_url)
    assert not intruder.exists()
    assert DeclaredJob.fetch("sweep-honest", client).is_finished


def test_nobody_can_command_a_worker_through_redis(
    queue_app: Flask, client: redis.Redis, empty_valkey_url: str
) -> None:
    with redis.Redis.from_url(empty_valkey_url) as connection:
        worker = ForkingWorker(queue_app, connection)
        worker.bootstrap("WARNING")
        assert client.publish(f"rq:pubsub:{worker.name}", '{"command": "shutdown"}') == 0
        worker.register_death()  # type: ignore[no-untyped-call]

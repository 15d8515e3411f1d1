"""Workers and scheduler as real processes, and the work-horse's limits."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import redis
from flask import Flask
from rq.job import JobStatus
from rq.utils import as_text

from dashboard.app import create_app
from dashboard.config import SettingError, load_settings
from dashboard.database import db
from dashboard.queue import QUEUE, QUEUE_KEY, JobName, Policy, enqueue
from jobs import checks, queueing
from jobs.queueing import DeclaredJob
from jobs.schedule import Entry, enqueue_due, entries
from jobs.worker import WORKER_TTL, ForkingWorker, run_worker
from tests.support import processes
from tests.support.processes import PATIENCE, alive, eventually

AGES = 300.0
"""Seconds that a job hangs: whoever waits for it to the end is found out, on the slowest of machines too."""
# A worker whose jobs tell their process and then hang.
HANGING = """
import os, sys, time
from pathlib import Path
from typing import cast
import jobs.worker
from jobs import checks

def hang(*ids):
    Path(sys.argv[1]).write_text(f"{os.getpid()} {os.getppid()}")
    time.sleep(float(sys.argv[2]))

checks.sweep = checks.run_batch = hang
jobs.worker.STOP_GRACE = 1.0
sys.exit(jobs.worker.run_worker())
"""


@pytest.fixture
def environ(tmp_path: Path, sqlite_template: Path, empty_valkey_url: str) -> dict[str, str]:
    shutil.copy(sqlite_template, tmp_path / "lapsewatch.db")
    return {"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_REDIS_URL": empty_valkey_url}


@pytest.fixture
def queue_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(load_settings(environ))
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(empty_valkey_url) as connection:
        yield connection


@pytest.fixture
def worker(queue_app: Flask, empty_valkey_url: str) -> Iterator[ForkingWorker]:
    """A worker in this process; the signal handlers that it installs are put back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    with redis.Redis.from_url(empty_valkey_url) as connection:
        yield ForkingWorker(queue_app, connection)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def work(worker: ForkingWorker) -> None:
    worker.work(burst=True, logging_level="WARNING")


def test_a_worker_process_runs_a_declared_job_and_stops_when_told(
    environ: dict[str, str], queue_app: Flask, client: redis.Redis, tmp_path: Path
) -> None:
    process = processes.start([sys.executable, "-m", "jobs", "worker"], env=os.environ | environ)
    try:
        enqueue(JobName.SWEEP, unique="real")
        assert eventually(lambda: client.hget("rq:job:sweep-real", "status") == b"finished")
        assert DeclaredJob.fetch("sweep-real", client).return_value() == {"batches": 0}
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        processes.stop(process)


def start_hanging(environ: dict[str, str], tmp_path: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start a worker on the waiting job; return it and the pid of its work-horse."""
    told = tmp_path / "told"
    process = processes.start([sys.executable, "-c", HANGING, told, str(AGES)], env=os.environ | environ)
    assert eventually(lambda: told.exists() and " " in told.read_text())
    horse, parent = map(int, told.read_text().split())
    assert parent == process.pid
    return process, horse


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_killed_worker_takes_its_horse_along_and_its_job_is_run_again(
    environ: dict[str, str], client: redis.Redis, worker: ForkingWorker, tmp_path: Path
) -> None:
    enqueue(JobName.RUN_BATCH, 4711, unique="4711")
    process, horse = start_hanging(environ, tmp_path)
    process.kill()
    process.wait()
    assert eventually(lambda: not alive(horse))
    # While nobody noticed, the job counts as running, for at most a minute of silence.
    assert not enqueue(JobName.RUN_BATCH, 4711, unique="4711")
    running = as_text(cast("bytes", client.zrange(f"rq:wip:{QUEUE}", 0, -1)[0]))
    score = client.zscore(f"rq:wip:{QUEUE}", running)
    assert score is not None
    assert score - time.time() <= 60
    client.zadd(f"rq:wip:{QUEUE}", {running: 1})
    work(worker)
    assert DeclaredJob.fetch("run_batch-4711", client).get_status() is JobStatus.FINISHED
    assert client.zcard(f"rq:wip:{QUEUE}") == 0


def test_a_stopping_worker_does_not_wait_for_ever(
    environ: dict[str, str], queue_app: Flask, client: redis.Redis, tmp_path: Path
) -> None:
    enqueue(JobName.RUN_BATCH, 1, unique="1")
    process, horse = start_hanging(environ, tmp_path)
    started = time.monotonic()
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert time.monotonic() - started < AGES / 2
    assert eventually(lambda: not alive(horse))
    # The interrupted job waits for the next worker.
    assert client.lrange(QUEUE_KEY, 0, -1) == [b"run_batch-1"]


def test_a_job_that_swallows_every_exception_still_ends_in_time(
    client: redis.Redis, worker: ForkingWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swallow() -> str:
        try:
            time.sleep(AGES)
        except Exception:  # noqa: BLE001
            return "swallowed"
        return "slept"

    monkeypatch.setattr(checks, "sweep", swallow)
    monkeypatch.setattr(queueing, "POLICIES", {JobName.SWEEP: Policy(timeout=1, retries=0)})
    enqueue(JobName.SWEEP, unique="slow")
    started = time.monotonic()
    work(worker)
    assert time.monotonic() - started < AGES / 2
    assert client.hget("rq:job:sweep-slow", "status") == b"failed"


def test_a_failure_is_told_without_what_the_job_was_handling(
    client: redis.Redis, worker: ForkingWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> None:
        raise ValueError("ann@secret.example")

    monkeypatch.setattr(checks, "sweep", fail)
    handler = logging.FileHandler(tmp_path / "log")
    logging.getLogger().addHandler(handler)
    try:
        enqueue(JobName.SWEEP, unique="fails")
        work(worker)
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
    log = (tmp_path / "log").read_text()
    assert "Job sweep-fails (jobs.checks.sweep) failed: ValueError at fail:" in log
    result = DeclaredJob.fetch("sweep-fails", client).latest_result()
    assert result is not None
    assert "secret" not in f"{log}{result.exc_string}"


def test_a_failed_batch_is_tried_again_as_often_as_its_policy_says(
    client: redis.Redis, worker: ForkingWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_batch_id: int) -> None:
        with (tmp_path / "tries").open("a") as file:
            file.write("x")
        raise ValueError

    monkeypatch.setattr(checks, "run_batch", fail)
    enqueue(JobName.RUN_BATCH, 1, unique="1")
    work(worker)
    assert (tmp_path / "tries").read_text() == "xxx"
    assert client.hget("rq:job:run_batch-1", "status") == b"failed"


def test_a_dead_worker_is_noticed_within_a_minute(worker: ForkingWorker) -> None:
    assert WORKER_TTL <= 60
    assert worker.maintenance_interval == 30
    assert worker.dequeue_timeout < WORKER_TTL


def test_a_worker_needs_an_address(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="LAPSEWATCH_REDIS_URL"):
        run_worker(load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path)}))


def test_the_schedule_enqueues_what_is_due_and_nothing_twice(queue_app: Flask, client: redis.Redis) -> None:
    plan = [Entry(JobName.SWEEP, 60), Entry(JobName.PUBLISH, 3)]
    assert enqueue_due(plan, 100.0) == 3
    assert client.lrange(QUEUE_KEY, 0, -1) == [b"sweep-sweep", b"publish-publish"]
    assert enqueue_due(plan, 101.0) == 2
    client.flushall()
    assert enqueue_due(plan, 103.5) == 3
    assert client.lrange(QUEUE_KEY, 0, -1) == [b"publish-publish"]
    other = entries(queue_app)
    enqueue_due(other, 0.0)
    assert client.llen(QUEUE_KEY) == len(other), "what waits already is not enqueued again"


def test_the_scheduler_process_stops_when_told(environ: dict[str, str], client: redis.Redis) -> None:
    process = processes.start([sys.executable, "-m", "jobs", "scheduler"], env=os.environ | environ)
    try:
        assert eventually(lambda: client.llen(QUEUE_KEY) >= 2)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        processes.stop(process)

"""The worker process: boots the application once, then forks a work-horse for every job.

A fork of a booted process starts a job seven times faster than a fresh one, and keeps a job that leaks or dies from
its worker. Jobs run inside the application's context. A job may die anywhere and run twice: the database is the
truth.
"""

from __future__ import annotations

import gc
import importlib
import logging
import signal
import sys
import threading
import traceback
from typing import Any

import redis
from flask import Flask
from rq import Queue, Worker
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.utils import now
from rq.worker_registration import clean_worker_registry

from dashboard.app import create_app
from dashboard.config import SettingError, Settings, load_settings
from dashboard.database import db
from dashboard.queue import QUEUE, JobName
from jobs.queueing import DeclaredJob, DeclaredQueue, JobRefused
from jobs.supervisor.lifeline import die_with_parent

# Seconds. A worker is held for dead, and its job goes back to the queue, within about a minute.
WORKER_TTL = 30
HEARTBEAT = 10
SILENCE = 3 * HEARTBEAT
MAINTENANCE = 30
STOP_GRACE = 7.0

_log = logging.getLogger(__name__)


class JobTimedOut(BaseException):
    """The job took longer than its policy allows. RQ's own is an `Exception`, which a job's code might swallow."""


class Deadline(UnixSignalDeathPenalty):
    """RQ's alarm, ending a job with `JobTimedOut`."""

    def handle_death_penalty(self, signum: int, frame: Any) -> None:
        """Raise what ends the block."""
        if self._exception is JobTimeoutException:
            raise JobTimedOut(f"it took longer than {self._timeout} s")
        super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]


class ForkingWorker(Worker):
    """RQ's worker with declared jobs only, no remote commands, and log lines without what a job was handling."""

    job_class = DeclaredJob
    queue_class = DeclaredQueue
    death_penalty_class = Deadline
    log_result_lifespan = False
    max_connection_wait_time = 4.0

    def __init__(self, app: Flask, connection: redis.Redis) -> None:
        super().__init__(
            [QUEUE],
            connection=connection,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE,
            job_monitoring_interval=HEARTBEAT,
            serializer=JSONSerializer,
            log_job_description=False,
        )
        self.app = app

    @property
    def stopped_on_request(self) -> bool:
        """Whether a signal, and not a fault, ended the work."""
        return self._shutdown_requested_date is not None

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Run the job in the work-horse: on its own database connections, no longer than the worker lives."""
        die_with_parent(self.pid or 0, signal.SIGKILL)
        with self.app.app_context():
            for engine in db.engines.values():
                engine.dispose(close=False)
            return bool(super().perform_job(job, queue))

    def get_heartbeat_ttl(self, job: Job) -> int:  # noqa: ARG002  RQ's signature
        """Return after how many seconds of silence a running job is given to another worker."""
        return SILENCE

    def subscribe(self) -> None:
        """Listen to no commands: stopping jobs and workers is not for whoever can write to Redis."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    def handle_warm_shutdown_request(self) -> None:
        """Let the running job finish, but not for long: an interrupted one runs again."""
        if self.horse_pid:
            timer = threading.Timer(STOP_GRACE, self._kill_running_horse)
            timer.daemon = True
            timer.start()

    def _kill_running_horse(self) -> None:
        if self.horse_pid:
            self.kill_horse()

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Log where a job failed and on what kind of error; messages may carry what must not be in a log."""
        _log.error("Job %s (%s) failed: %s", job.id, job.description, describe(exc_info[1]))

    def handle_job_failure(
        self, job: Job, queue: Queue, started_job_registry: Any = None, exc_string: str = ""
    ) -> None:
        """Record the failure in Redis, told in the same guarded words as in the log."""
        error = sys.exception()
        words = describe(error) if error else exc_string
        try:
            super().handle_job_failure(job, queue, started_job_registry, words)
        except redis.ResponseError as fault:
            _log.warning("The failure of job %s could not be recorded: %s", job.id, type(fault).__name__)

    def run_maintenance_tasks(self) -> None:
        """Tidy up after dead workers; bookkeeping that cannot be read is dropped, the next sweep finds the work."""
        try:
            self.clean_registries()
        except (JobRefused, LookupError, ValueError, redis.ResponseError) as error:
            _log.warning("Dropped the queue's bookkeeping: it could not be read (%s)", type(error).__name__)
            kinds = ("wip", "failed", "finished")
            keys = [f"rq:{kind}:{QUEUE}" for kind in kinds] + [f"rq:queue:{QUEUE}:intermediate"]
            self.connection.delete(*keys, "rq:workers", f"rq:workers:{QUEUE}")

    def clean_registries(self) -> None:
        """Return jobs of dead workers to the queue and forget what has expired (one worker at a time)."""
        for queue in self.queues:
            if queue.acquire_maintenance_lock():
                for registry in (FinishedJobRegistry, FailedJobRegistry, _Running):
                    registry(queue=queue, job_class=DeclaredJob, death_penalty_class=Deadline).cleanup()
                clean_worker_registry(queue)
                queue.intermediate_queue.cleanup(self, queue)
                queue.release_maintenance_lock()  # type: ignore[no-untyped-call]
        self.last_cleaned_at = now()  # type: ignore[assignment]  # RQ declares None alone


class _Running(StartedJobRegistry):
    """The running jobs; those of dead workers go back to our kind of queue."""

    def get_queue(self) -> Queue:
        return DeclaredQueue(self.name, connection=self.connection, serializer=self.serializer)


def describe(error: BaseException | None) -> str:
    """Return kind and place of an error: its message too only where it is our own, and so free of personal data."""
    if error is None:
        return "unknown"
    spoken = f": {error}" if isinstance(error, JobTimedOut | JobRefused) else ""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " <- ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}{spoken} at {places}"


def run_worker(settings: Settings | None = None) -> int:
    """Work until told to stop; the exit code says whether that was asked for (0) or a fault (1)."""
    settings = settings or load_settings()
    if settings.redis_url is None:
        raise SettingError("LAPSEWATCH_REDIS_URL is not set: a worker needs the queue's address")
    app = create_app(settings)
    for name in JobName:
        importlib.import_module(name.rpartition(".")[0])
    gc.freeze()  # what is booted stays for good: no collection then copies its pages into every work-horse
    worker = ForkingWorker(app, redis.Redis.from_url(settings.redis_url))
    _log.info("Worker %s is waiting for jobs", worker.name[:8])
    worker.work(logging_level="WARNING")
    return 0 if worker.stopped_on_request else 1

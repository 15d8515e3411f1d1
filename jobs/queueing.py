"""The workers' side of the queue, for a Redis that may be hostile.

RQ runs whatever function, callback or webhook a job's hash in Redis names, and a hash that it cannot read ends its
worker. Here nothing is taken from Redis but an id, a name that must be one of `JobName`, and a few ids as arguments;
limits come from the job's policy. What does not fit is refused before anything is forked: failed, the reason logged.
"""

from __future__ import annotations

import json
import logging
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, cast

import redis
from redis.client import Pipeline
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty
from rq.utils import import_attribute, now, utcformat, utcparse

from dashboard.queue import FAILURE_SECONDS, JOB_ID, POLICIES, QUEUE, RESULT_SECONDS, JobName

MAX_BYTES = 4096
MAX_ARGUMENTS = 8
MAX_TEXT = 200
MAX_NUMBER = 2**63

# Everything of a job's hash that is read at all, with the most bytes it may have.
_FIELDS = {"data": MAX_BYTES} | dict.fromkeys(
    ("status", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "retries_left"), 32
)
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

_log = logging.getLogger(__name__)


class JobRefused(Exception):  # noqa: N818  the field's word for it
    """What stands in Redis is not a job of ours. The message says why, and repeats nothing of what it holds."""


class DeclaredJob(Job):
    """A job whose function is one of `JobName`, without callbacks, webhooks, dependencies, groups or repeats."""

    def __init__(self, id: str | None = None, connection: Any = None, serializer: Any = None) -> None:  # noqa: A002, ARG002  RQ's signature
        super().__init__(id, connection, JSONSerializer)

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> DeclaredJob:  # noqa: A002  RQ's signature
        """Read the job `id`; `NoSuchJobError` when there is none, `JobRefused` when it is not one of ours."""
        if not JOB_ID.fullmatch(id):
            raise JobRefused("its id is malformed")
        job = cls(id, connection, serializer)
        try:
            job.refresh()
        except redis.ResponseError as error:
            raise JobRefused("its key does not hold a hash") from error
        return job

    def refresh(self) -> None:
        """Read the fields that count, and only when none is larger than it may be."""
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.exists(self.key)
            for field in _FIELDS:
                pipeline.hstrlen(self.key, field)
            exists, *sizes = pipeline.execute()
        if not exists:
            raise NoSuchJobError("no such job")
        if any(size > limit for size, limit in zip(sizes, _FIELDS.values(), strict=True)):
            raise JobRefused("it is larger than any job of ours")
        values = self.connection.hmget(self.key, list(_FIELDS))
        self.restore(dict(zip(_FIELDS, cast("list[bytes | None]", values), strict=True)))

    def restore(self, raw_data: Mapping[Any, Any]) -> None:
        """Take over what is sound; `JobRefused` when the work itself is not. Everything else is policy."""
        name, arguments = _declared(raw_data.get("data") or b"")
        policy = POLICIES[name]
        self.data = JSONSerializer.dumps([name.value, None, arguments, {}])  # type: ignore[no-untyped-call]
        self._status = _status(raw_data.get("status") or b"")
        self.enqueued_at, self.started_at, self.ended_at, self.last_heartbeat = (
            _time(raw_data.get(field) or b"") for field in ("enqueued_at", "started_at", "ended_at", "last_heartbeat")
        )
        self.retries_left = min(_count(raw_data.get("retries_left") or b""), policy.retries)
        self.origin, self.description = QUEUE, name.value
        self.timeout, self.result_ttl, self.failure_ttl = policy.timeout, RESULT_SECONDS, FAILURE_SECONDS

    @property
    def func(self) -> Callable[..., Any]:
        """The function, imported by its name in the enum and by no other."""
        return import_attribute(JobName(str(self.func_name)).value)


def _declared(packed: bytes) -> tuple[JobName, list[int | str]]:
    """Return name and arguments of the packed work; `JobRefused` when it is anything else than a declared job."""
    try:
        work = json.loads(_unpacked(packed))
    except (zlib.error, ValueError, RecursionError) as error:
        raise JobRefused("its data is not the JSON of a job") from error
    if not (isinstance(work, list) and len(work) == 4 and work[1] is None and work[3] == {}):
        raise JobRefused("its data has not the form of a job")
    if not isinstance(work[0], str) or work[0] not in set(JobName):
        raise JobRefused("its function is not a declared job")
    if not (isinstance(work[2], list) and len(work[2]) <= MAX_ARGUMENTS and all(map(_is_id, work[2]))):
        raise JobRefused("its arguments are not a few ids")
    return JobName(work[0]), work[2]


def _unpacked(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    data = stream.decompress(packed, MAX_BYTES)
    if stream.unconsumed_tail:
        raise JobRefused("it is larger than any job of ours")
    return data


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    return type(value) is int and abs(value) < MAX_NUMBER


def _status(value: bytes) -> JobStatus:
    return next((status for status in JobStatus if status.value.encode() == value), JobStatus.QUEUED)


def _time(value: bytes) -> datetime | None:
    try:
        return utcparse(value.decode()) if _TIME.fullmatch(value) else None
    except ValueError:  # a thirteenth month
        return None


def _count(value: bytes) -> int:
    return int(value) if re.fullmatch(rb"\d{1,4}", value) else 0


class DeclaredQueue(Queue):
    """The one queue of the workers: it hands out declared jobs, and puts aside whatever else was pushed."""

    job_class = DeclaredJob

    @classmethod
    def dequeue_any(
        cls,
        queues: Iterable[Queue],
        timeout: int | None,
        connection: redis.Redis,
        job_class: type[Job] | None = None,
        serializer: Any = None,
        death_penalty_class: type[BaseDeathPenalty] | None = None,
    ) -> tuple[Job, Queue] | None:
        """Wait for the next job of ours, up to `timeout` seconds; RQ's contract, refusing what is not one."""
        del job_class, serializer, death_penalty_class  # RQ offers a choice; here there is none
        (queue,) = cast("list[DeclaredQueue]", queues)
        while True:
            try:
                moved = cls.lmove(connection, queue.key, timeout)
            except redis.ResponseError:
                if not queue.drop_unless_lists():
                    raise
                continue
            if moved is None:
                return None
            if job := queue.take(moved[1]):
                return job, queue

    def take(self, raw_id: bytes) -> DeclaredJob | None:
        """Return the job of an id that was popped; None when it is gone, or was refused."""
        try:
            return DeclaredJob.fetch(raw_id.decode("ascii", errors="replace"), self.connection)
        except NoSuchJobError:
            self.connection.lrem(self.intermediate_queue_key, 0, cast("Any", raw_id))
        except JobRefused as refused:
            self.refuse(raw_id, str(refused))
        return None

    def refuse(self, raw_id: bytes, reason: str) -> None:
        """Leave a failed job that says why in place of what was found, and log it."""
        text = raw_id.decode("ascii", errors="replace")
        id_ = text if JOB_ID.fullmatch(text) else None
        _log.warning("Refused job %s: %s", id_ or "with a malformed id", reason)
        with self.connection.pipeline(transaction=False) as pipeline:
            pipeline.lrem(self.intermediate_queue_key, 0, cast("Any", raw_id))
            if id_:
                _fail(pipeline, id_, reason)
            pipeline.execute(raise_on_error=False)

    def fetch_job(self, job_id: str) -> Job | None:
        """Return the job, or None when there is none of ours (RQ's maintenance asks)."""
        return self.take(job_id.encode())

    def enqueue_dependents(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: our jobs have no dependents, and a set of ids in Redis must not make some."""

    def acquire_maintenance_lock(self) -> bool:
        """Take the lock for a minute: RQ's quarter of an hour is too long when its holder was killed."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=60))

    def drop_unless_lists(self) -> bool:
        """Delete the queue's keys that are no lists; True when there was one, so that a new try can work."""
        foreign = [
            key
            for key in (self.key, self.intermediate_queue_key)
            if self.connection.type(key) not in {b"list", b"none"}
        ]
        for key in foreign:
            _log.warning("Dropped the key %s: it was not a list", key)
            self.connection.delete(key)
        return bool(foreign)


def _fail(pipeline: Pipeline, id_: str, reason: str) -> None:
    key = DeclaredJob.key_for(id_)
    stamp = now()
    pipeline.delete(key)
    pipeline.hset(
        key,
        mapping={
            "status": JobStatus.FAILED.value,
            "ended_at": utcformat(stamp),
            "exc_info": zlib.compress(f"Refused: {reason}".encode()),
        },
    )
    pipeline.expire(key, FAILURE_SECONDS)
    pipeline.zadd(f"rq:failed:{QUEUE}", {id_: stamp.timestamp() + FAILURE_SECONDS})

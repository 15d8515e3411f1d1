"""The queue's front door: the names of all jobs, and the only `enqueue`, called after commit.

Redis is disposable and the database is the truth: what could not be enqueued, or was lost, is found again by the
next sweep. So a Redis that is down never breaks a request, and nothing but ids ever travels through it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import cast

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.utils import now, utcformat

from dashboard import runtime

QUEUE = "lapsewatch"
QUEUE_KEY = f"rq:queue:{QUEUE}"
CLIENT = "lapsewatch.redis"
JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
RESULT_SECONDS = 300
FAILURE_SECONDS = 86_400

# A job that waits longer, or runs without a heartbeat for longer, may have been lost with its worker or by Redis:
# then the same unique work is pushed anew. Both are far above the worker's rhythm (a heartbeat every 10 s).
WAITING_AT_MOST = timedelta(minutes=10)
SILENT_AT_MOST = timedelta(seconds=60)

_log = logging.getLogger(__name__)


class JobName(StrEnum):
    """Every job there is, by its dotted name; a test resolves each one."""

    SWEEP = "jobs.checks.sweep"
    RUN_BATCH = "jobs.checks.run_batch"
    SWEEP_DNS = "jobs.sweeps.dns_sweep"
    SWEEP_DNS_BATCH = "jobs.sweeps.sweep_batch"
    SPREAD = "jobs.dependencies.spread"
    PUBLISH = "jobs.deliveries.publish"
    RUN_BULK = "jobs.bulk.run"
    RESUME_BULK = "jobs.bulk.resume"
    WARN = "jobs.warnings.warn"
    SETTLE_ALLOW_LIST = "jobs.allow_list.settle"
    APPROVE = "jobs.automatic.approve"
    WAKE = "jobs.triage.wake"
    END_TERMS = "jobs.triage.end_terms"
    RECORD_FAILURES = "jobs.upkeep.record_failures"
    DROP_RAW_REPLIES = "jobs.upkeep.drop_raw_replies"
    FREEZE_MONTHS = "jobs.statistics.freeze_months"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a job may take (seconds), and how often it is tried again after a failure."""

    timeout: int
    retries: int


# What the scheduler repeats anyway is not tried again by the queue.
POLICIES: Mapping[JobName, Policy] = {
    JobName.SWEEP: Policy(timeout=120, retries=0),
    JobName.RUN_BATCH: Policy(timeout=180, retries=2),
    JobName.SWEEP_DNS: Policy(timeout=120, retries=0),
    JobName.SWEEP_DNS_BATCH: Policy(timeout=180, retries=2),
    JobName.SPREAD: Policy(timeout=120, retries=0),
    JobName.PUBLISH: Policy(timeout=120, retries=0),
    # Whatever ends it, the database knows how far it came, and RESUME_BULK hands the rest over.
    JobName.RUN_BULK: Policy(timeout=300, retries=0),
    JobName.RESUME_BULK: Policy(timeout=30, retries=0),
    JobName.WARN: Policy(timeout=120, retries=0),
    JobName.SETTLE_ALLOW_LIST: Policy(timeout=300, retries=0),
    JobName.APPROVE: Policy(timeout=120, retries=0),
    JobName.WAKE: Policy(timeout=120, retries=0),
    JobName.END_TERMS: Policy(timeout=120, retries=0),
    JobName.RECORD_FAILURES: Policy(timeout=60, retries=0),
    JobName.DROP_RAW_REPLIES: Policy(timeout=300, retries=0),
    JobName.FREEZE_MONTHS: Policy(timeout=300, retries=0),
}

# Atomic: two processes that enqueue the same work at once leave one job. RQ's own `unique` refuses as long as the
# job's hash lives, that is up to a failure's whole time to live; here only work that waits or runs stands in the way.
# KEYS: job, queue, queues. ARGV: id, waiting since, heard of since, field, value, ...
_PUSH_UNIQUE = """
if redis.call('TYPE', KEYS[1]).ok == 'hash' then
  local held = redis.call('HMGET', KEYS[1], 'status', 'enqueued_at', 'last_heartbeat')
  if held[1] == 'queued' and held[2] and held[2] >= ARGV[2] then return 0 end
  if held[1] == 'started' and held[3] and held[3] >= ARGV[3] then return 0 end
end
redis.call('DEL', KEYS[1])
redis.call('LREM', KEYS[2], 0, ARGV[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('SADD', KEYS[3], KEYS[2])
redis.call('RPUSH', KEYS[2], ARGV[1])
return 1
"""


def connect(url: str) -> redis.Redis:
    """Return a client that gives up within seconds, for callers that must not hang on a Redis that is down."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=1.0, socket_timeout=2.0, retry=Retry(NoBackoff(), retries=1)
    )


def enqueue(name: JobName, *args: int | str, unique: str | None = None) -> bool:
    """Hand `name(*args)` to the workers; needs an application context and the transaction committed.

    `unique` names the work: while the same work waits or runs, this is a no-op. True when a job was added, False when
    it was there already or Redis cannot be reached (logged; the next sweep finds the rows).
    """
    url = runtime.settings().redis_url
    if url is None:
        _log.warning("%s was not enqueued: LAPSEWATCH_REDIS_URL is not set", name)
        return False
    try:
        return _push(_client(url), name, args, unique)
    except redis.RedisError as error:
        _log.warning("%s was not enqueued, the next sweep will find it: %s", name, type(error).__name__)
        return False


def job_id(name: JobName, unique: str) -> str:
    """Return the id that the unique work `unique` of `name` always has; `ValueError` when it cannot be one."""
    text = f"{name.name.lower()}-{unique}"
    if not JOB_ID.fullmatch(text):
        raise ValueError("a unique name is made of at most 80 letters, digits, '_' and '-'")
    return text


def _client(url: str) -> redis.Redis:
    """Return the application's client; its pool notices a fork by itself."""
    if CLIENT not in current_app.extensions:
        current_app.extensions[CLIENT] = connect(url)
    return cast("redis.Redis", current_app.extensions[CLIENT])


def _push(client: redis.Redis, name: JobName, args: tuple[int | str, ...], unique: str | None) -> bool:
    job = _new_job(client, name, args, job_id(name, unique) if unique else None)
    fields = [part for pair in job.to_dict().items() for part in pair]
    since = [utcformat(now() - limit) for limit in (WAITING_AT_MOST, SILENT_AT_MOST)]
    added = client.eval(_PUSH_UNIQUE, 3, job.key, QUEUE_KEY, "rq:queues", job.id, *since, *fields)
    return bool(added)


def _new_job(client: redis.Redis, name: JobName, args: tuple[int | str, ...], id_: str | None) -> Job:
    policy = POLICIES[name]
    job = Job.create(
        name.value,
        args=args,
        connection=client,
        id=id_,
        origin=QUEUE,
        status=JobStatus.QUEUED,
        timeout=policy.timeout,
        result_ttl=RESULT_SECONDS,
        failure_ttl=FAILURE_SECONDS,
        description=name.value,
        serializer=JSONSerializer,
    )
    job.enqueued_at = now()
    job.retries_left = policy.retries
    return job

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from flask import Flask
from rq.utils import as_text, now, utcformat

from dashboard.app import create_app
from dashboard.config import load_settings
from dashboard.database import db
from dashboard.queue import POLICIES, QUEUE_KEY, JobName, enqueue, job_id


def application(tmp_path: Path, redis_url: str) -> Flask:
    return create_app(load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path), "LAPSEWATCH_REDIS_URL": redis_url}))


@pytest.fixture
def queue_app(tmp_path: Path, empty_valkey_url: str) -> Iterator[Flask]:
    app = application(tmp_path, empty_valkey_url)
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def client(empty_valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(empty_valkey_url) as connection:
        yield connection


def waiting(client: redis.Redis) -> list[str]:
    return [as_text(item) for item in client.lrange(QUEUE_KEY, 0, -1)]


@pytest.mark.parametrize("name", list(JobName))
def test_every_job_name_is_a_function_and_has_a_policy(name: JobName) -> None:
    module, _, function = name.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert 0 < POLICIES[name].timeout <= 300


def test_each_enqueue_adds_a_job(queue_app: Flask, client: redis.Redis) -> None:
    assert enqueue(JobName.RUN_BATCH, 1)
    assert enqueue(JobName.RUN_BATCH, 1)
    assert len(waiting(client)) == 2


def test_unique_work_that_waits_is_not_added_again(queue_app: Flask, client: redis.Redis) -> None:
    assert enqueue(JobName.RUN_BATCH, 7, unique="7")
    assert not enqueue(JobName.RUN_BATCH, 7, unique="7")
    assert enqueue(JobName.RUN_BATCH, 8, unique="8")
    assert waiting(client) == ["run_batch-7", "run_batch-8"]


def test_unique_work_that_runs_is_not_added_again_while_its_worker_lives(
    queue_app: Flask, client: redis.Redis
) -> None:
    enqueue(JobName.SWEEP, unique="sweep")
    client.delete(QUEUE_KEY)
    key = "rq:job:sweep-sweep"
    client.hset(key, mapping={"status": "started", "last_heartbeat": utcformat(now())})
    assert not enqueue(JobName.SWEEP, unique="sweep")
    client.hset(key, "last_heartbeat", utcformat(now() - timedelta(minutes=2)))
    assert enqueue(JobName.SWEEP, unique="sweep")
    assert waiting(client) == ["sweep-sweep"]


@pytest.mark.parametrize("status", ["finished", "failed", "stopped", "canceled", "scheduled"])
def test_unique_work_that_ended_somehow_is_added_again(queue_app: Flask, client: redis.Redis, status: str) -> None:
    enqueue(JobName.SWEEP, unique="sweep")
    client.delete(QUEUE_KEY)
    client.hset("rq:job:sweep-sweep", "status", status)
    assert enqueue(JobName.SWEEP, unique="sweep")
    assert client.hget("rq:job:sweep-sweep", "status") == b"queued"


def test_unique_work_whose_place_in_the_queue_was_lost_is_added_again_in_time(
    queue_app: Flask, client: redis.Redis
) -> None:
    enqueue(JobName.SWEEP, unique="sweep")
    client.hset("rq:job:sweep-sweep", "enqueued_at", utcformat(now() - timedelta(minutes=11)))
    assert enqueue(JobName.SWEEP, unique="sweep")
    assert waiting(client) == ["sweep-sweep"]


def test_a_key_of_another_kind_is_no_obstacle(queue_app: Flask, client: redis.Redis) -> None:
    client.set("rq:job:sweep-sweep", "in the way")
    assert enqueue(JobName.SWEEP, unique="sweep")


@pytest.mark.parametrize("unique", ["a b", "x" * 100, "../up", "a:b", "new\nline"])
def test_a_unique_name_cannot_be_just_anything(unique: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        job_id(JobName.SWEEP, unique)


def test_a_redis_that_is_down_is_logged_and_breaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = application(tmp_path, f"unix://{tmp_path}/nobody-listens")
    started = time.monotonic()
    with app.app_context():
        assert not enqueue(JobName.SWEEP)
        db.engine.dispose()
    assert time.monotonic() - started < 30, "it was not tried again and again"
    assert "was not enqueued" in caplog.text


def test_without_an_address_the_job_is_left_to_the_next_sweep(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(load_settings({"LAPSEWATCH_STATE_DIR": str(tmp_path)}))
    with app.app_context():
        assert not enqueue(JobName.SWEEP)
        db.engine.dispose()
    assert "LAPSEWATCH_REDIS_URL" in caplog.text

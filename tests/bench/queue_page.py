"""The queue page with a million domains and 50,000 open cases on PostgreSQL: statements and time, first page and 500th."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from dashboard.database import db
from tests.bench import seed, stage
from tests.bench.report import Figure, Section, percentile
from tests.bench.stage import Stage
from tests.support.people import signed_in_client

NAME = "queue"
DOMAINS = 1_000_000
OPEN_CASES = 50_000
PAGE = 500
REQUESTS = 100
MAX_STATEMENTS = 12
MAX_MILLISECONDS = 50
_NEXT = re.compile(r'href="([^"]*[?&;]after=[^"]*)"')


def run(bench: Stage, kinds: list[str], scale: float) -> Section:
    """Seed PostgreSQL, walk to page 500, then ask for it and for the first page again and again."""
    domains, open_cases = round(DOMAINS * scale), round(OPEN_CASES * scale)
    section = Section(NAME, f"Queue page, {domains:,} domains, {open_cases:,} open cases, PostgreSQL")
    if "postgresql" not in kinds:
        section.notes.append("not measured: no PostgreSQL here")
        return section
    with bench.database("postgresql") as url, stage.application(url, bench.directory) as app:
        stage.tell(f"queue: storing {domains:,} domains and {open_cases:,} open cases")
        seed.store(url, domains, open_cases)
        last = max(2, round(PAGE * min(scale, 1)))
        section.notes.append(f"each page {REQUESTS} times through the WSGI application, signed in, the page rendered")
        section.figures += _measure(app, signed_in_client(app), last)
    return section


def _measure(app: Flask, client: FlaskClient, last: int) -> list[Figure]:
    pages = {"page 1": "/cases", f"page {last}": _walk(client, last)}
    counts = {name: _statements(client, path) for name, path in pages.items()}
    figures = [Figure(f"{name}: SQL statements", n, "", MAX_STATEMENTS, at_most=True) for name, n in counts.items()]
    figures.append(
        Figure(
            "statements: difference between the pages",
            max(counts.values()) - min(counts.values()),
            "",
            0,
            at_most=True,
        )
    )
    filtered = {"filtered by phase": "/cases?phase=redemption", "filtered by source": "/cases?source=bench"}
    for name, path in (pages | filtered).items():
        figures += _timed(client, name, path, MAX_MILLISECONDS if name in pages else None)
    return figures


def _timed(client: FlaskClient, name: str, path: str, target: int | None) -> list[Figure]:
    """Ask `REQUESTS` times; beside the time that passed stands Python's own, which a busy machine changes less."""
    passed, used = [], []
    for _ in range(REQUESTS):
        started, own = time.perf_counter(), time.process_time()
        _get(client, path)
        passed.append((time.perf_counter() - started) * 1000)
        used.append((time.process_time() - own) * 1000)
    return [
        Figure(f"{name}: server time, p50", percentile(passed, 0.5), "ms"),
        Figure(f"{name}: server time, p95", percentile(passed, 0.95), "ms", target, at_most=True),
        Figure(f"{name}: own CPU time, p50", percentile(used, 0.5), "ms"),
    ]


def _walk(client: FlaskClient, last: int) -> str:
    """Follow the link to the next page until the page `last`, and return that page's address."""
    path = "/cases"
    for _ in range(last - 1):
        found = _NEXT.search(_get(client, path))
        if found is None:
            raise RuntimeError(f"there is no page after {path}")
        path = unescape(found[1])
    return path


def _get(client: FlaskClient, path: str) -> str:
    response = client.get(path)
    if response.status_code != 200:
        raise RuntimeError(f"{path}: HTTP {response.status_code}")
    return response.text


def _statements(client: FlaskClient, path: str) -> int:
    with _counted() as statements:
        _get(client, path)
    return len(statements)


@contextlib.contextmanager
def _counted() -> Iterator[list[str]]:
    """Collect the SQL statements sent within the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

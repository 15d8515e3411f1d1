"""Fixtures for the programs that tests need; loaded by the top conftest through `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support import browser as browsers
from tests.support import postgres, valkey
from tests.support.require import notices, require

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """One PostgreSQL server for the session; `create_database(name)` returns the URL of a fresh database."""
    require("postgres")
    with postgres.cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """The `unix://` URL of one Valkey server for the session, as redis-py reads it."""
    with valkey.temporary_valkey() as url:
        yield url


@pytest.fixture
def empty_valkey_url(valkey_url: str) -> str:
    """The same server, emptied before the test."""
    valkey.empty(valkey_url)
    return valkey_url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a module, not a session: while it runs, `asyncio.run` does not work in this thread."""
    require("chromium")
    with browsers.chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a fresh profile that can reach nothing but loopback."""
    with browsers.new_page(browser) as page:
        yield page


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in a line each what this machine lacks, and so was not tested."""
    for line in notices():
        terminalreporter.write_line(line, yellow=True)

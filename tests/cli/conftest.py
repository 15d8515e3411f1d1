"""Running `lapsewatch` in this process, on a database of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dashboard.clock import Anchor, write_anchor
from tests.conftest import START
from wsgi import lapsewatch

Cli = Callable[..., Result]


@pytest.fixture
def environ(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of the commands under test; by their domain clock it is always START, whatever today is."""
    write_anchor(tmp_path / "clock.json", Anchor(START, START, speed=0.0))
    values = {
        "LAPSEWATCH_CLOCK_FILE": str(tmp_path / "clock.json"),
        "LAPSEWATCH_STATE_DIR": str(tmp_path / "state"),
        "LAPSEWATCH_DATABASE_URL": database_url,
        "LAPSEWATCH_AUDIT_KEY": "an audit key for tests only, long enough",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


@pytest.fixture
def cli(environ: dict[str, str]) -> Cli:
    """Call `lapsewatch` with arguments; a traceback fails the test."""

    def call(*arguments: str, text: str | bytes = "") -> Result:
        result = CliRunner().invoke(lapsewatch, list(arguments), input=text)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return call

"""Pages are the same on both databases: a browser looks at them on SQLite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """Address of a fresh, migrated database."""
    path = tmp_path / "lapsewatch.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"

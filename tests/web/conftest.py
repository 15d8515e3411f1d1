"""Shared by the tests of the screens."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def patient_previews(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a small preview is weighed before the reply, not by a worker after it."""
    monkeypatch.setattr("dashboard.web.bulk_steps.PATIENCE", 60.0)

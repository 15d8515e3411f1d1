"""What the running application carries: its settings and its two clocks, for views, jobs and commands."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask import current_app

from dashboard.clock import Clock
from dashboard.config import Settings

SETTINGS = "lapsewatch.settings"
CLOCK = "lapsewatch.clock"
WALL_CLOCK = "lapsewatch.wall_clock"


def settings() -> Settings:
    """Return the settings of the current application."""
    return cast("Settings", current_app.extensions[SETTINGS])


def domain_now() -> datetime:
    """Return the time by the domain clock: observations, schedule, cases, statistics."""
    return cast("Clock", current_app.extensions[CLOCK]).now()


def wall_now() -> datetime:
    """Return the time by the wall clock: sessions, leases, tokens, queue, rate limits."""
    return cast("Clock", current_app.extensions[WALL_CLOCK]).now()

"""What is left of a server's day is for the riskiest: a share of every daily budget is kept for urgent look-ups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from jobs.providers.pace.table import DAY, Pace

RESERVE = 0.2
"""The share of a daily budget that is kept."""

_URGENT: ContextVar[bool] = ContextVar("lapsewatch_urgent_look_up", default=True)


@contextmanager
def going_first(*, urgent: bool) -> Iterator[None]:
    """Say of the look-ups made within whether they may spend the reserve; outside, what people ask for may."""
    token = _URGENT.set(urgent)
    try:
        yield
    finally:
        _URGENT.reset(token)


def is_urgent() -> bool:
    """Whether the look-up that is being made may spend the reserve."""
    return _URGENT.get()


def without_reserve(pace: Pace) -> Pace:
    """Return what a pace leaves for look-ups that are not urgent."""
    if not any(window.seconds >= DAY for window in pace.windows):
        return pace
    windows = (replace(w, kept=int(w.limit * RESERVE)) if w.seconds >= DAY else w for w in pace.windows)
    return replace(pace, windows=tuple(windows))

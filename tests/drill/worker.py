"""One worker of the drill: asks about one name after the other, as fast as the shared pace lets it, until it is killed.

`worker.py PLAN.json`: `settings` (environment variables) and `paces` by server, as the drill writes them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dashboard.config import load_settings
from dashboard.lifecycle.evidence import ErrorKind
from jobs.providers.limits import LocalLimiter
from jobs.providers.pace.shared import SharedLimiter
from jobs.providers.pace.store import PaceStore
from jobs.providers.pace.table import Pace, Window
from jobs.providers.panel import Panel, open_panel

HOLD = 4.0
"""Seconds: a turn may be used a second after it was given, and its reply may be slow on a busy machine."""
AT_ONCE = 8
PANELS = (("rdap",),), (("whois",),), (("fastly",),)


async def main(told: dict[str, Any]) -> None:
    settings = load_settings(told["settings"])
    paces = {server: as_pace(values) for server, values in told["paces"].items()}
    # Without Redis nobody may ask: the pace is what is tested.
    limiter = SharedLimiter(PaceStore(told["redis"]), paces.__getitem__, hold=HOLD, alone=LocalLimiter(1e-9))
    numbers = itertools.count(os.getpid() % 1000 * 1000)
    async with AsyncExitStack() as stack:
        panels = [
            await stack.enter_async_context(open_panel(replace(settings, providers=order), limiter))
            for order in PANELS
        ]
        await asyncio.gather(*(ask(panel, numbers) for panel in panels for _ in range(AT_ONCE)))


def as_pace(values: dict[str, object]) -> Pace:
    return Pace(**{**values, "windows": tuple(Window(*window) for window in values["windows"])})  # type: ignore[arg-type, attr-defined]


async def ask(panel: Panel, numbers: itertools.count[int]) -> None:
    while True:
        [reply] = await panel.ask(f"bench-{next(numbers):06d}.com", datetime.now(UTC))
        if reply.evidence.error is ErrorKind.NOT_ASKED:
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))

"""Progress bars on a terminal, nothing anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dashboard.services.importing import ImportProgress

Report = Callable[[ImportProgress], None]


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Report]:
    """Yield what draws an import's progress on standard error; where that is no terminal, or `quiet`, nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda _progress: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    # No thread of its own draws it: beside another thread the import would not use a second process.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bars:
        tasks: dict[str, TaskID] = {}

        def report(progress: ImportProgress) -> None:
            stage = progress.stage.value
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage.capitalize())
            bars.update(tasks[stage], completed=progress.done, total=progress.total, refresh=True)

        yield report

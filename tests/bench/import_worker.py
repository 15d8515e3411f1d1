"""Imports one file in a process of its own, as the command line does, and says how long it took and what it held.

Arguments: the file. Says `{"rows": N, "seconds": S, "cpu": C, "grown_mb": M}`; memory grows from where the
application stood before it read a byte.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from dashboard.app import create_app
from dashboard.database import db, writing
from dashboard.runtime import domain_now, settings
from dashboard.services.importing import Import, Transactions, import_accounts


def main() -> None:
    """Import, and say what came of it."""
    file = Path(sys.argv[1])
    with create_app().app_context():
        spool = settings().state_dir
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        what = Import(file, "bench", rejects_path=file.with_suffix(".rejects"), spool_dir=spool)
        db.session().connection()
        db.session().rollback()
        before = memory("VmRSS")
        started, used = time.perf_counter(), cpu_seconds()
        result = import_accounts(what, Transactions(writing, writing), now=domain_now())
        elapsed, cpu = time.perf_counter() - started, cpu_seconds() - used
        grown = memory("VmHWM") - before
        print(
            json.dumps({"rows": result.rows - result.rejected, "seconds": elapsed, "cpu": cpu, "grown_mb": grown}),
            flush=True,
        )


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it started and that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def memory(name: str) -> float:
    """Return a figure of /proc/self/status in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()

"""Works on one bulk action in a process of its own, as a worker would, and says how long it took.

Arguments: the action's id. Says `{"items": N, "addresses": N, "seconds": S, "cpu": C}`.
"""

from __future__ import annotations

import gc
import json
import sys
import time

from dashboard.app import create_app
from dashboard.database import db
from jobs.bulk import work


def main() -> None:
    """Work until the action is previewed or done."""
    with create_app().app_context():
        db.session().connection()
        db.session().rollback()
        gc.freeze()  # as jobs.worker does
        started, used = time.perf_counter(), time.process_time()
        done = work(int(sys.argv[1]))
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        print(json.dumps(done | {"seconds": seconds, "cpu": cpu}), flush=True)


if __name__ == "__main__":
    main()

"""One worker process of the checks benchmark: claims and runs batches until nothing is due.

Says `{"ready": true}`, waits for a line, works, says `{"checks": N, "seconds": S, "cpu": C}`, and waits for the next.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import timedelta

from dashboard.database import writing
from dashboard.runtime import domain_now, settings, wall_now
from dashboard.services.checking.claim import claim_batch
from jobs.checks import run_batch
from jobs.context import application


def main() -> None:
    """Serve rounds until stdin ends."""
    logging.basicConfig(level=logging.ERROR)
    with application().app_context():
        say({"ready": True})
        for _ in sys.stdin:
            started, used = time.perf_counter(), time.process_time()
            checks = sum(run_batch(batch).get("checks", 0) for batch in iter(claim, None))
            elapsed, cpu = time.perf_counter() - started, time.process_time() - used
            say({"checks": checks, "seconds": elapsed, "cpu": cpu})


def claim() -> int | None:
    """Claim the next batch, as the sweep does."""
    lease = timedelta(seconds=settings().lease_seconds)
    with writing() as session:
        return claim_batch(session, now=domain_now(), wall_now=wall_now(), size=settings().check_batch, lease=lease)


def say(values: dict[str, object]) -> None:
    """Write one line of JSON."""
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()

"""One worker of the pace tests: asks a server as fast as it is let, and tells when each request was sent.

`hammer.py URL RATE IN_FLIGHT LIMIT SPAN SECONDS REPLY`: LIMIT in SPAN seconds (0: no window), for SECONDS, each
reply after REPLY seconds. One line a request.
"""

from __future__ import annotations

import asyncio
import sys
import time

from jobs.providers.errors import NotAsked
from jobs.providers.limits import LocalLimiter
from jobs.providers.pace.shared import SharedLimiter
from jobs.providers.pace.store import PaceStore
from jobs.providers.pace.table import Pace, Window


async def main() -> None:
    url, rate, in_flight, limit, span, seconds, reply = sys.argv[1], *map(float, sys.argv[2:])
    windows = (Window(int(limit), int(span)),) if limit else ()
    pace = Pace(rate, int(in_flight), windows)
    limiter = SharedLimiter(PaceStore(url), lambda _: pace, hold=2.0, alone=LocalLimiter(1e-6))
    until = time.time() + seconds

    async def ask() -> None:
        while time.time() < until:
            try:
                async with asyncio.timeout(until - time.time()), limiter.slot("server"):
                    print(time.time(), flush=True)
                    await asyncio.sleep(reply)
            except (NotAsked, TimeoutError):
                await asyncio.sleep(0.05)

    await asyncio.gather(*(ask() for _ in range(5)))
    await limiter.aclose()


if __name__ == "__main__":
    asyncio.run(main())

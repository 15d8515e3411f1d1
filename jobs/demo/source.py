"""`python -m jobs.demo.source`: the stand-in source as a process: pulls un-verifications, applies, acknowledges.

It knows nothing of Lapsewatch but its address and a token: everything goes over HTTP, as with a real registry.
"""

from __future__ import annotations

import argparse
import logging
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from jobs.demo.registry import Registry
from jobs.simulator.sample import sample_accounts

POLL_SECONDS = 2.0
LONGEST_PAUSE = 15.0
PAGE = 200
# Shorter than any server keeps an idle connection, so that none is found closed.
LIMITS = httpx.Limits(keepalive_expiry=1.0)

_log = logging.getLogger("source")


def take_page(client: httpx.Client, registry: Registry, limit: int = PAGE) -> Counter[str]:
    """Pull one page, answer every item and acknowledge; return the answers counted. `httpx.HTTPError` on failure.

    The cursor moves only after the acknowledgement: whatever fails before is pulled, and answered alike, again.
    """
    reply = client.get("/api/v1/unverifications", params={"after": registry.after, "limit": limit})
    page: dict[str, Any] = reply.raise_for_status().json()
    answers = {item["id"]: registry.answer(item) for item in page["items"]}
    if answers:
        items = [{"id": id_, "result": answer.result, "reason": answer.reason} for id_, answer in answers.items()]
        client.post("/api/v1/unverifications/ack", json={"items": items}).raise_for_status()
        registry.after = page["next_after"]
    return Counter(answer.result.value for answer in answers.values())


def serve(client: httpx.Client, registry: Registry, sleep: Callable[[float], None] = time.sleep) -> None:
    """Pull for ever; when the console cannot be reached or refuses, say so once and try ever more slowly."""
    pause, trouble = POLL_SECONDS, ""
    while True:
        try:
            counts = take_page(client, registry)
        except httpx.HTTPError as error:
            pause = min(pause * 2, LONGEST_PAUSE)
            if trouble != (trouble := _told(error)):
                _log.warning("Cannot pull: %s; trying again", trouble)
        else:
            pause, trouble = POLL_SECONDS, ""
            if counts:
                _log.info("Acknowledged %s", ", ".join(f"{count} {result}" for result, count in counts.items()))
                continue
        sleep(pause)


def _told(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and pull until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m jobs.demo.source", description=__doc__)
    parser.add_argument("--url", required=True, help="the console's address")
    parser.add_argument("--token-file", type=Path, required=True, help="holds the bearer token")
    parser.add_argument("--book", type=Path, required=True, help="the SQLite file of the source's own addresses")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    registry = Registry(given.book)
    registry.fill(sample_accounts())
    headers = {"Authorization": f"Bearer {given.token_file.read_text().strip()}"}
    with httpx.Client(base_url=given.url, headers=headers, timeout=10.0, limits=LIMITS, trust_env=False) as client:
        serve(client, registry)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()

"""The baseline of checks: serial requests of PyPI's shape, one an address, one at a time."""

from __future__ import annotations

import itertools
import time

import requests


def requests_per_second(base_url: str, names: list[str], seconds: float) -> float:
    """Ask Fastly's status API about `names`, round and round for `seconds`, and return how many answers a second came.

    One session keeps its connection, as PyPI's does; nothing is stored, which only helps the baseline.
    """
    done, started = 0, time.perf_counter()
    with requests.Session() as session:
        for name in itertools.cycle(names):
            _ask(session, base_url, name)
            done += 1
            if (elapsed := time.perf_counter() - started) >= seconds:
                return done / elapsed
    raise ValueError("no names to ask about")


def _ask(session: requests.Session, base_url: str, name: str) -> str:
    response = session.get(
        f"{base_url}/domain-management/v1/tools/status",
        params={"domain": name},
        headers={"Fastly-Key": "bench"},
        timeout=10,
    )
    response.raise_for_status()
    status: str = response.json()["status"]
    return status

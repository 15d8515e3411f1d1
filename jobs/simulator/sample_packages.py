"""The packages of the sample registry, and who owns them."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from jobs.simulator.replies import stamp
from jobs.simulator.sample_words import PACKAGE_ENDS, PACKAGE_STARTS
from jobs.simulator.world import DEMO_START

PACKAGES = 330
CRITICAL_DOWNLOADS = 500_000


def packages_by_account(random: Random, interest: list[int]) -> list[list[dict[str, Any]]]:
    """Return a list of packages for each account, dealt by the weights in `interest`; one in six has co-owners."""
    owned: list[list[dict[str, Any]]] = [[] for _ in interest]
    for number in range(PACKAGES):
        wanted = random.choices((1, 2, 3), (84, 12, 4))[0]
        owners = dict.fromkeys(random.choices(range(len(interest)), interest, k=wanted))
        package = _package(random, number)
        for place, owner in enumerate(owners):
            role = "maintainer" if place else "owner"
            owned[owner].append(package | {"role": role, "other_owners": len(owners) - 1})
    return owned


def _package(random: Random, number: int) -> dict[str, Any]:
    row, column = divmod(number, len(PACKAGE_STARTS))
    name = f"{PACKAGE_STARTS[column]}-{PACKAGE_ENDS[row % len(PACKAGE_ENDS)]}"
    name += f"-{row}" if row >= len(PACKAGE_ENDS) else ""
    downloads = int(10 ** random.uniform(1, 6.2))
    return {
        "name": name,
        "purl": f"pkg:pypi/{name}",
        "critical": downloads > CRITICAL_DOWNLOADS,
        "downloads_30d": downloads,
        "last_release_at": stamp(DEMO_START - timedelta(days=random.expovariate(1 / 500))),
    }

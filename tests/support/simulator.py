"""The simulator as a process of its own, for tests that ask over real sockets."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.config import parse_endpoint
from tests.support import processes

STARTUP_SECONDS = 120.0


@dataclass(frozen=True)
class Simulator:
    """A running simulator: where it listens, and its controls."""

    endpoints: dict[str, str]
    clock_file: Path

    @property
    def settings(self) -> dict[str, Any]:
        """The product's settings that point at it."""
        return {
            "fastly_url": self.endpoints["fastly_url"],
            "fastly_key": "a key",
            "rdap_bootstrap_url": self.endpoints["rdap_bootstrap_url"],
            "dns_resolver": self.endpoints["dns"],
            "dns_parent_port": parse_endpoint(self.endpoints["parents"])[1],
            "allowed_endpoints": frozenset(parse_endpoint(self.endpoints[kind]) for kind in ("http", "parents")),
            "providers": (("rdap", "whois", "dns", "fastly"),),
            "provider_rate": 10_000.0,
        }

    @property
    def environ(self) -> dict[str, str]:
        """The same as environment variables, for processes."""
        return {
            "LAPSEWATCH_FASTLY_URL": self.endpoints["fastly_url"],
            "LAPSEWATCH_FASTLY_KEY": "a key",
            "LAPSEWATCH_RDAP_BOOTSTRAP_URL": self.endpoints["rdap_bootstrap_url"],
            "LAPSEWATCH_DNS_RESOLVER": self.endpoints["dns"],
            "LAPSEWATCH_DNS_PARENT_PORT": self.endpoints["parents"].rpartition(":")[2],
            "LAPSEWATCH_ALLOWED_ENDPOINTS": f"{self.endpoints['http']},{self.endpoints['parents']}",
            "LAPSEWATCH_PROVIDERS": "rdap whois dns fastly",
            "LAPSEWATCH_PROVIDER_RATE": "10000",
            "LAPSEWATCH_CLOCK_FILE": str(self.clock_file),
        }

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call `/control/<path>` and return what it says."""
        request = urllib.request.Request(
            f"{self.endpoints['control_url']}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)


@contextmanager
def running_simulator(folder: Path, arguments: Sequence[str] = ("--speed", "0")) -> Iterator[Simulator]:
    """Run the simulator on free ports; its clock stands still unless `arguments` say otherwise."""
    process = processes.start([sys.executable, "-m", "jobs.simulator", "--state-dir", folder, *arguments])
    try:
        published = folder / "endpoints.json"
        deadline = time.monotonic() + STARTUP_SECONDS
        while not published.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the simulator did not start")
            time.sleep(0.02)
        yield Simulator(json.loads(published.read_text()), folder / "clock.json")
    finally:
        processes.stop(process)

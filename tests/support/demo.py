"""The whole demo as a process tree of its own, for browser tests."""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from tests.support import processes
from tests.support.ports import free_port

START_SECONDS = 300.0


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, and the passwords of its staff by role."""

    url: str
    state_dir: Path
    passwords: dict[str, str]

    def sign_in(self, page: Page, role: str) -> None:
        """Sign in through the form."""
        page.goto(f"{self.url}/sign-in")
        page.get_by_label("E-mail").fill(f"{role}@demo.example")
        page.get_by_label("Password", exact=True).fill(self.passwords[role])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{self.url}/")

    def sign_out(self, page: Page) -> None:
        """Sign out through the button."""
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in*")


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """Run the demo with its state in `folder` on a free port, until the block ends."""
    port = free_port()
    log = (folder / "demo.log").open("wb")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LAPSEWATCH_")}
    process = processes.start(
        [sys.executable, "-m", "jobs", "demo", "--port", str(port), "--state-dir", folder / "state"],
        env=environ,
        stdout=log,
        stderr=log,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the demo did not start: {(folder / 'demo.log').read_text()[-3000:]}")
            time.sleep(0.2)
        staff = json.loads((folder / "state" / "sign-ins.json").read_text())
        yield Demo(url, folder / "state", {person["role"]: person["password"] for person in staff})
    finally:
        processes.stop(process)
        log.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/sign-in", timeout=30) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False

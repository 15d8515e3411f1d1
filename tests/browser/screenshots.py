"""`make screenshots`: renews the pictures in docs/images/ from a demo of its own, which it starts and stops.

The demo's clock is held still and moved by hand, two days at a time, so that every run tells the same story.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, FloatRect, Page, StorageState, ViewportSize, expect

from tests.support import processes
from tests.support.browser import chromium, new_page, why_missing
from tests.support.demo import Demo, running_demo

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SETTLED_WITHIN = 180.0
MOST_BYTES = 300_000

HELD_AT = 9
"""Hour of the first day at which the domain clock is held."""
STEP_DAYS = 2
LAST_DAY = 44
"""By then names that were in grace when the demo began have dropped, and some were caught."""
REVIEWED = {4: 2, 10: 2, 20: 1, 30: 2, 40: 1}
"""On which days the reviewer un-verifies how many cases; each time one more is kept as it is."""
SEEN_LAPSING = "(SELECT count(*) FROM registration_periods p WHERE p.domain_id = d.id) > 1"


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: who looks at what, how wide the window is, and how much of the page is kept, from where on."""

    name: str
    role: str
    path: str
    width: int = 1280
    height: int = 1000
    start: str = "body"
    dark: bool = False


class World:
    """The running demo from the inside: its clock, and what its database holds."""

    def __init__(self, demo: Demo) -> None:
        self.url = demo.url
        self._state_dir = demo.state_dir
        self._control = json.loads((demo.state_dir / "endpoints.json").read_text())["control_url"]

    def set_clock(self, **values: Any) -> datetime:
        """Move or hold the domain clock; return what it shows then."""
        reply = httpx.post(f"{self._control}/clock", json=values, trust_env=False).raise_for_status()
        return datetime.fromisoformat(reply.json()["now"])

    def advance(self, days: int) -> None:
        """Move the held clock on and wait until every check due by then is done."""
        now = self.set_clock(speed=0, advance_seconds=days * 86_400)
        wait("every check is done", lambda: self._due(now) == 0)

    def cases(self, where: str) -> list[tuple[int, str]]:
        """Return id and domain of the open cases that fit, the riskiest first."""
        query = f"""SELECT c.id, d.name FROM cases c JOIN domains d ON d.id = c.domain_id
            WHERE c.state = 'open' AND {where} ORDER BY c.risk DESC, c.id DESC"""
        return [(int(id_), str(name)) for id_, name in self._ask(query)]

    def unsettled(self) -> int:
        """Count the un-verifications that their source has not acknowledged."""
        return int(self._ask("SELECT count(*) FROM unverifications WHERE state IN ('queued', 'sent')")[0][0])

    def _due(self, now: datetime) -> int:
        text = now.replace(tzinfo=None).isoformat(" ", "microseconds")
        return int(self._ask("SELECT count(*) FROM domains WHERE next_check_at <= ?", text)[0][0])

    def _ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self._state_dir / 'lapsewatch.db'}?mode=ro", uri=True)) as db:
            return db.execute(query, values).fetchall()


def wait(what: str, holds: Callable[[], bool]) -> None:
    """Return once `holds()`; `TimeoutError` says what was waited for."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {SETTLED_WITHIN:g} s in vain until {what}")
        time.sleep(0.3)


class Desk:
    """Browser pages in which staff are signed in; everybody signs in once."""

    def __init__(self, browser: Browser, demo: Demo) -> None:
        self._browser = browser
        self._demo = demo
        self._signed_in: dict[str, StorageState] = {}

    @contextlib.contextmanager
    def page(self, role: str, **options: Any) -> Iterator[Page]:
        """Open a page as a member of staff with this role; `options` are Playwright's."""
        if role not in self._signed_in:
            with new_page(self._browser) as page:
                self._demo.sign_in(page, role)
                self._signed_in[role] = page.context.storage_state()
        with new_page(self._browser, storage_state=self._signed_in[role], **options) as page:
            yield page


def tell_story(world: World, desk: Desk) -> list[Shot]:
    """Let six weeks pass, in which a reviewer decides some cases; return the pictures to take at their end."""
    held = world.set_clock(speed=0)
    first = held.replace(hour=HELD_AT, minute=0, second=0, microsecond=0)
    world.set_clock(to=(first if first > held else first + timedelta(days=1)).isoformat())
    world.advance(0)
    decided = 0
    for day in range(STEP_DAYS, LAST_DAY + 1, STEP_DAYS):
        world.advance(STEP_DAYS)
        if day in REVIEWED:
            decided = review(world, desk, REVIEWED[day])
    case, name = world.cases(f"c.holder_change = 'dropped_and_caught' AND {SEEN_LAPSING}")[0]
    return shots(f"/cases/{case}", f"/cases/{decided}", f"/domains/{name}")


def review(world: World, desk: Desk, count: int) -> int:
    """Decide some of what is lost for good and keep one case as it is; return the id of the last one un-verified."""
    lost = world.cases("c.recommendation = 'unverify'")[:count]
    with desk.page("reviewer") as page:
        for case, _ in lost:
            approve(page, f"{world.url}/cases/{case}")
        for case, _ in world.cases("c.recommendation = 'review'")[-1:]:
            keep(page, f"{world.url}/cases/{case}")
    wait("the source has acknowledged", lambda: world.unsettled() == 0)
    return lost[-1][0]


def approve(page: Page, url: str) -> None:
    """Un-verify the addresses of a case, as a reviewer does."""
    page.goto(url)
    page.select_option("#approve-reason_code", "lapsed")
    page.fill("#approve-note", "Lost by every provider's word; the owner did not answer.")
    if page.locator("#approve-typed_count").count():
        label = page.locator("label[for=approve-typed_count]").inner_text()
        page.fill("#approve-typed_count", "".join(filter(str.isdigit, label)))
    page.get_by_role("button", name="Un-verify").click()
    expect(page.locator(".note-success")).to_be_visible()


def keep(page: Page, url: str) -> None:
    """Keep the addresses of a case verified, as a reviewer does."""
    page.goto(url)
    page.select_option("#override-reason_code", "owner_confirmed")
    page.fill("#override-note", "The owner showed the registrar's receipt.")
    page.get_by_role("button", name="Keep verified").click()
    expect(page.locator(".note-success")).to_be_visible()


def shots(case: str, decided: str, domain: str) -> list[Shot]:
    """List the pictures: every main screen, and the daily ones in the dark and in a small window."""
    return [
        Shot("overview", "reviewer", "/"),
        Shot("queue", "reviewer", "/cases"),
        Shot("case", "reviewer", case, height=1500),
        Shot("decided", "reviewer", decided, start="#accounts"),
        Shot("domain", "reviewer", domain),
        Shot("audit", "auditor", "/audit"),
        Shot("statistics", "auditor", "/statistics"),
        Shot("queue-dark", "reviewer", "/cases", dark=True),
        Shot("case-dark", "reviewer", case, height=1500, dark=True),
        Shot("queue-768", "reviewer", "/cases", width=768),
        Shot("case-768", "reviewer", case, width=768, height=1500),
    ]


def take(desk: Desk, url: str, shot: Shot, folder: Path) -> str:
    """Take one picture and return a line about it."""
    window = ViewportSize(width=shot.width, height=800)
    scheme = "dark" if shot.dark else "light"
    target = folder / f"{shot.name}.png"
    with desk.page(shot.role, viewport=window, color_scheme=scheme, reduced_motion="reduce") as page:
        reply = page.goto(f"{url}{shot.path}")
        if reply is None or not reply.ok:
            raise RuntimeError(f"{shot.path}: {reply and reply.status}")
        wide, tall = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        top = int(page.locator(shot.start).evaluate("element => element.getBoundingClientRect().top"))
        clip = FloatRect(x=0, y=top, width=shot.width, height=min(tall - top, shot.height))
        page.screenshot(path=target, full_page=True, clip=clip)
    size = target.stat().st_size
    if size > MOST_BYTES:
        raise RuntimeError(f"{target.name} has {size:,} bytes, more than {MOST_BYTES:,}")
    return f"{target.name:<20} {size:>8,} bytes" + (f"; {wide} px wide" if wide > shot.width else "")


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these, e.g. case")
    parser.add_argument("--folder", type=Path, default=IMAGES, help="where they go (default: docs/images)")
    given = parser.parse_args()
    if missing := why_missing():
        sys.exit(missing)
    given.folder.mkdir(parents=True, exist_ok=True)
    with processes.short_directory("lapsewatch-") as state, running_demo(state) as demo, chromium() as browser:
        world, desk = World(demo), Desk(browser, demo)
        for shot in tell_story(world, desk):
            if not given.names or shot.name in given.names:
                print(take(desk, world.url, shot, given.folder), flush=True)


if __name__ == "__main__":
    main()

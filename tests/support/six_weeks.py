"""Six weeks at the desk of a demo: its clock moved by hand, a reviewer who decides, somebody who keeps a list.

The demo's clock is slowed down and moved two days at a time, so that every run tells the same story.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests.support.browser import new_page
from tests.support.demo import Demo

SETTLED_WITHIN = 300.0
HELD_AT = 9
"""Hour of the first day at which the domain clock is held."""
STEP_DAYS = 2
LAST_DAY = 44
"""By then names that were in grace when the demo began have dropped, and some were caught."""
REVIEWED = {4: 2, 10: 2, 20: 1, 30: 2, 40: 1}
"""On which days the reviewer un-verifies how many cases; each time one more is kept as it is."""


class World:
    """The running demo from the inside: its clock, and what its database holds."""

    def __init__(self, demo: Demo) -> None:
        self.url = demo.url
        self._state_dir = demo.state_dir
        self._control = json.loads((demo.state_dir / "endpoints.json").read_text())["control_url"]

    def set_clock(self, **values: Any) -> datetime:
        """Move or hold the domain clock; return what it shows then."""
        reply = httpx.post(f"{self._control}/clock", json=values, timeout=60, trust_env=False).raise_for_status()
        return datetime.fromisoformat(reply.json()["now"])

    def advance(self, days: int) -> None:
        """Move the clock on and wait until every check due by then is done.

        It does not stand still meanwhile: what is due twice in a row must be due at two moments.
        """
        now = self.set_clock(speed=1, advance_seconds=days * 86_400)
        wait("every check is done", lambda: self._due(now) == 0)

    def cases(self, where: str) -> list[tuple[int, str]]:
        """Return id and domain of the open cases that fit, the riskiest first."""
        query = f"""SELECT c.id, d.name FROM cases c JOIN domains d ON d.id = c.domain_id
            WHERE c.state = 'open' AND {where} ORDER BY c.risk DESC, c.id DESC"""
        return [(int(id_), str(name)) for id_, name in self._ask(query)]

    def value(self, query: str) -> int:
        """Return the one number that a query asks for."""
        return int(self._ask(query)[0][0])

    def unsettled(self) -> int:
        """Count the un-verifications that their source has not acknowledged."""
        return self.value("SELECT count(*) FROM unverifications WHERE state IN ('queued', 'sent')")

    def _due(self, now: datetime) -> int:
        text = now.replace(tzinfo=None).isoformat(" ", "microseconds")
        return int(self._ask("SELECT count(*) FROM domains WHERE next_check_at <= ?", text)[0][0])

    def _ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self._state_dir / 'lapsewatch.db'}?mode=ro", uri=True, timeout=60)
        ) as db:
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


def six_weeks(world: World, desk: Desk) -> int:
    """Let six weeks pass, in which a reviewer decides some cases; return the id of the last one un-verified."""
    held = world.set_clock(speed=0)
    first = held.replace(hour=HELD_AT, minute=0, second=0, microsecond=0)
    world.set_clock(to=(first if first > held else first + timedelta(days=1)).isoformat())
    world.advance(0)
    decided = 0
    for day in range(STEP_DAYS, LAST_DAY + 1, STEP_DAYS):
        world.advance(STEP_DAYS)
        if day in REVIEWED:
            decided = review(world, desk, REVIEWED[day])
    return decided


def review(world: World, desk: Desk, count: int) -> int:
    """Decide some of what is lost for good and keep one case as it is; return the id of the last one un-verified."""
    lost = world.cases("c.recommendation = 'unverify'")[:count]
    with desk.page("reviewer") as page:
        for case, _ in lost:
            approve(page, f"{world.url}/cases/{case}")
            if "/bulk-actions/" in page.url:
                second(desk, page.url)
                wait("it is done", lambda: shows(page, page.url, page.get_by_text("Completed")))
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


def second(desk: Desk, url: str) -> None:
    """Approve what needs a second person, as an admin does."""
    with desk.page("admin") as page:
        page.goto(url)
        page.get_by_role("button", name="Approve").click()
        expect(page.locator(".note-success")).to_be_visible()


def shows(page: Page, url: str, wanted: Locator) -> bool:
    """Load the page again; whether it shows this."""
    page.goto(url)
    return wanted.count() > 0


def keep(page: Page, url: str) -> None:
    """Keep the addresses of a case verified, as a reviewer does."""
    page.goto(url)
    page.select_option("#override-reason_code", "owner_confirmed")
    page.fill("#override-note", "The owner showed the registrar's receipt.")
    page.get_by_role("button", name="Keep verified").click()
    expect(page.locator(".note-success")).to_be_visible()


def allow(desk: Desk, url: str, kind: str, value: str, reason: str) -> None:
    """Put something on the allow-list, as an admin does, and wait until its cases are closed."""
    with desk.page("admin") as page:
        page.goto(f"{url}/allow-list/new?kind={kind}&value={value}")
        page.get_by_label("Reason").fill(reason)
        page.get_by_role("button", name="See what it would match").click()
        page.get_by_role("button", name="Add to the allow-list").click()
        expect(page.locator(".note-success")).to_be_visible()


def prepare_fresh(world: World, page: Page, filters: str) -> None:
    """Take all cases of a filter; have those with old evidence checked, and take them again."""
    for _ in range(2):
        page.goto(f"{world.url}/cases?{filters}")
        page.get_by_role("button", name="of this filter").click()
        page.get_by_role("heading", name="Confirm").wait_for()
        if not (check := page.get_by_role("button", name="now", exact=False).filter(has_text="Check")).count():
            return
        check.click()
        world.advance(0)

"""`make screenshots`: renews the pictures in docs/images/ from a demo of its own, which it starts and stops."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize

from tests.support import processes
from tests.support.browser import chromium, why_missing
from tests.support.demo import running_demo
from tests.support.png import shrink
from tests.support.six_weeks import Desk, World, allow, prepare_fresh, second, shows, six_weeks, wait

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 150_000
SEEN_LAPSING = "(SELECT count(*) FROM registration_periods p WHERE p.domain_id = d.id) > 1"
APPLIED = """SELECT a.account_id FROM unverifications u JOIN addresses a ON a.id = u.address_id
    WHERE u.state = 'applied' ORDER BY u.id DESC LIMIT 1"""
LISTED = "c.recommendation = 'review' AND c.holder_change = 'none'"
BULK = "phase=available"
"""Which cases the bulk action of the pictures takes."""


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
    first: Callable[[Page], None] | None = None
    """What is done on the page before the picture is taken."""


@dataclass(frozen=True, slots=True)
class Studio:
    """Where pictures are taken: of which demo, into which folder, and which of them are wanted (all, if none)."""

    world: World
    desk: Desk
    folder: Path
    names: list[str]

    def take(self, shot: Shot) -> None:
        """Take one picture, unless it is not wanted, and print a line about it."""
        if self.names and shot.name not in self.names:
            return
        window = ViewportSize(width=shot.width, height=800)
        scheme = "dark" if shot.dark else "light"
        with self.desk.page(shot.role, viewport=window, color_scheme=scheme, reduced_motion="reduce") as page:
            reply = page.goto(f"{self.world.url}{shot.path}")
            if reply is None or not reply.ok:
                raise RuntimeError(f"{shot.path}: {reply and reply.status}")
            if shot.first:
                shot.first(page)
            wide, tall = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            )
            top = int(page.locator(shot.start).evaluate("element => element.getBoundingClientRect().top"))
            clip = FloatRect(x=0, y=top, width=shot.width, height=min(tall - top, shot.height))
            picture = page.screenshot(full_page=True, clip=clip)
        with self.desk.page(shot.role) as blank:
            picture = shrink(blank, picture)
        (self.folder / f"{shot.name}.png").write_bytes(picture)
        if len(picture) > MOST_BYTES:
            raise RuntimeError(f"{shot.name} has {len(picture):,} bytes, more than {MOST_BYTES:,}")
        print(
            f"{shot.name:<20} {len(picture):>8,} bytes" + (f"; {wide} px wide" if wide > shot.width else ""),
            flush=True,
        )

    def take_all_ways(self, shot: Shot) -> None:
        """Take a picture as it is, in the dark, and in a small window."""
        self.take(shot)
        self.take(replace(shot, name=f"{shot.name}-dark", dark=True))
        self.take(replace(shot, name=f"{shot.name}-768", width=768))


def screens(studio: Studio, decided: int) -> None:
    """Take what can be seen without doing anything: every main screen, the daily ones in the dark and small too."""
    world = studio.world
    case, name = world.cases(f"c.holder_change = 'dropped_and_caught' AND {SEEN_LAPSING}")[0]
    studio.take(Shot("overview", "reviewer", "/"))
    studio.take_all_ways(Shot("queue", "reviewer", "/cases"))
    studio.take(Shot("queue-filtered", "reviewer", "/cases?holder=any&sole=yes&sort=drop"))
    studio.take_all_ways(Shot("case", "reviewer", f"/cases/{case}", height=1500))
    studio.take(Shot("decided", "reviewer", f"/cases/{decided}", start="#history", height=900, first=unfold))
    studio.take(Shot("domain", "reviewer", f"/domains/{name}"))
    studio.take(Shot("account", "reviewer", f"/accounts/{world.value(APPLIED)}"))
    studio.take(Shot("allow-list", "admin", "/allow-list"))
    studio.take(Shot("policy", "admin", "/settings/policy", height=900, first=try_out))
    studio.take(Shot("audit", "auditor", "/audit"))
    studio.take(Shot("statistics", "auditor", "/statistics"))


def unfold(page: Page) -> None:
    """Open what became of each address, and the evidence that was frozen."""
    page.locator("#history details").evaluate_all("all => all.forEach((each) => { each.open = true; })")


def try_out(page: Page) -> None:
    """Ask what a policy that flags earlier and approves by itself would have done."""
    page.locator("#automatic").check()
    page.get_by_role("button", name="Show what these values would do").click()
    page.get_by_role("heading", name="Dry run").wait_for()


def bulk_action(studio: Studio) -> None:
    """Take the pictures of a bulk action in stages: its preview, the second person's, between stages, its result."""
    world, desk = studio.world, studio.desk
    with desk.page("reviewer") as page:
        prepare_fresh(world, page, BULK)
        path = page.url.removeprefix(world.url)
        if (accounts := page.locator("input[name=account_id]")).count():
            accounts.first.check()
            page.get_by_role("button", name="Use these ticks").click()
        studio.take_all_ways(Shot("bulk-preview", "reviewer", path))
        page.get_by_label("Reason").select_option("lapsed")
        page.get_by_label("Note").fill("Nobody has registered them again yet; the owners did not answer.")
        page.get_by_label("In stages").check()
        if page.locator("#typed_count").count():
            page.locator("#typed_count").fill(
                "".join(filter(str.isdigit, page.locator("label[for=typed_count]").inner_text()))
            )
        page.locator("form[action$='/confirm'] button").click()
        if page.get_by_role("heading", name="Second person").count():
            studio.take(Shot("bulk-second", "admin", path))
            second(desk, page.url)
        go_on = page.get_by_role("button", name="Go on with the next stage")
        for stage in range(2):
            wait("the stage is done", lambda: shows(page, f"{world.url}{path}", go_on))
            if stage == 1:
                wait("the source has acknowledged", lambda: world.unsettled() == 0)
                studio.take_all_ways(Shot("bulk-stage", "reviewer", path))
            go_on.click()
        wait("it is done", lambda: shows(page, f"{world.url}{path}", page.get_by_role("heading", name="Result")))
        wait("the source has acknowledged", lambda: world.unsettled() == 0)
        studio.take(Shot("bulk-result", "reviewer", path))


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
        studio = Studio(world, desk, given.folder, given.names)
        decided = six_weeks(world, desk)
        listed, name = world.cases(LISTED)[-1]
        allow(desk, world.url, "domain", name, "The owner renews by hand, and showed the invoice.")
        allow(desk, world.url, "suffix", "ac.uk", "Universities: their registrar renews all names in one batch.")
        wait(
            "its case is closed",
            lambda: world.value(f"SELECT count(*) FROM cases WHERE id = {listed} AND state = 'open'") == 0,
        )
        screens(studio, decided)
        bulk_action(studio)


if __name__ == "__main__":
    main()

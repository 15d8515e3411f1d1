"""The main job in a real browser: sign in, decide, see it applied, find it in the audit log, export the month."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from jobs.simulator.clock import DEMO_SPEED
from tests.support import browser as browsers
from tests.support.demo import Demo, running_demo
from tests.support.house import until
from tests.support.six_weeks import World

pytestmark = pytest.mark.browser

CASES_WITHIN = 300.0
APPLIED_WITHIN = 300.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@contextmanager
def quiet(demo: Demo) -> Iterator[None]:
    """Let the demo's time pass no faster than ours, so that no check changes a case while somebody decides it."""
    world = World(demo)
    world.advance(0)
    try:
        yield
    finally:
        world.set_clock(speed=DEMO_SPEED)


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def any_page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    with browsers.new_page(browser, java_script_enabled=request.param == "with JavaScript") as page:
        yield page


def reload_until(page: Page, url: str, selector: str, seconds: float) -> None:
    """Open `url` again and again until it shows `selector`."""
    deadline = time.monotonic() + seconds
    while True:
        page.goto(url)
        if page.locator(selector).count():
            return
        assert time.monotonic() < deadline, f"no {selector} on {url}: {page.inner_text('main')[:500]}"
        time.sleep(0.5)


def riskiest_case(demo: Demo, page: Page) -> tuple[str, str]:
    """Open the riskiest case and return its address and its domain."""
    reload_until(page, f"{demo.url}/cases", "table a[href^='/cases/']", CASES_WITHIN)
    page.locator("table a[href^='/cases/']").first.click()
    page.wait_for_url(re.compile(r"/cases/\d+$"))
    return page.url, page.get_by_role("heading", level=1).inner_text().split()[0]


def test_a_reviewer_approves_the_riskiest_case_and_the_source_applies_it(demo: Demo, any_page: Page) -> None:
    page = any_page
    demo.sign_in(page, "reviewer")
    riskiest_case(demo, page)
    with quiet(demo):
        case_url, domain = riskiest_case(demo, page)
        decide(page)
        expect(page.get_by_role("status").first).to_contain_text(domain)
    assert page.url != case_url, "after a decision comes the next case"
    reload_until(page, case_url, "text=/Applied|Verified again|Stale/i", APPLIED_WITHIN)
    assert page.get_by_text("seen in a browser test").count()
    demo.sign_out(page)
    demo.sign_in(page, "auditor")
    page.goto(f"{demo.url}/audit")
    case = f"case {case_url.rsplit('/', 1)[1]}"
    page.locator("tr", has_text="case.approved").filter(has_text=case).get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/audit/\d+"))
    expect(page.locator("main")).to_contain_text("case.approved")
    expect(page.locator("main")).to_contain_text(domain)


def decide(page: Page) -> None:
    """Un-verify what the case's page shows."""
    form = page.locator("form:has(input[name=kind][value=approve])")
    form.get_by_label("Reason").select_option("lapsed")
    form.get_by_label("Note").fill("seen in a browser test")
    if form.locator("input[name=typed_count]").count():
        count = re.search(r"Un-verify ([\d,]+)", page.locator("#consequence").inner_text())
        assert count
        form.locator("input[name=typed_count]").fill(count[1])
    form.get_by_role("button", name="Un-verify").click()


def figures(demo: Demo, page: Page) -> list[dict[str, str]]:
    page.goto(f"{demo.url}/statistics")
    with page.expect_download() as started:
        page.get_by_role("link", name="CSV").first.click()
    return list(csv.DictReader(io.StringIO(started.value.path().read_text())))


def test_the_months_figures_are_downloaded_as_csv(demo: Demo, page: Page) -> None:
    demo.sign_in(page, "reviewer")
    reload_until(page, f"{demo.url}/cases", "table a[href^='/cases/']", CASES_WITHIN)
    until("the demo has flagged some", lambda: int(figures(demo, page)[0]["flagged"]) > 20, every=1.0)
    rows = figures(demo, page)
    assert list(rows[0]) == [
        "month",
        "source",
        "domains_checked",
        "flagged",
        "approved",
        "overridden",
        "addresses_unverified",
        "stale",
        "rejected",
        "reverted",
        "median_hours_to_decision",
    ]
    assert rows[0]["source"] == "demo-index"


def test_no_page_of_the_loop_shows_a_raw_address(demo: Demo, page: Page) -> None:
    demo.sign_in(page, "admin")
    case_url, domain = riskiest_case(demo, page)
    with closing(sqlite3.connect(demo.state_dir / "lapsewatch.db")) as database:
        raw = [
            f"{local}@{host}" for local, host in database.execute("SELECT local_part, host FROM addresses") if local
        ]
    assert raw
    for url in (
        "/",
        "/cases",
        case_url.removeprefix(demo.url),
        "/domains",
        f"/domains/{domain}",
        "/audit",
        "/statistics",
    ):
        page.goto(demo.url + url)
        content = page.content()
        assert not [address for address in raw if address in content], url

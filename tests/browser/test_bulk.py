"""A bulk action on 5,000 cases in a real browser, from the filter to its revert, with a worker killed on the way."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import Select, func, select

from dashboard.audit.verify import verify
from dashboard.database import db, writing
from dashboard.models import Address, AuditEntry, BulkAction, Case, Decision, Role, Unverification
from dashboard.queue import JobName, enqueue
from tests import factories as make
from tests.bench import bulk as crowd
from tests.support import browser as browsers
from tests.support import house as houses
from tests.support import people
from tests.support.house import House, until

pytestmark = pytest.mark.browser

CASES = 5_000
ADDRESSES = CASES
EXCLUDED = "section[aria-labelledby=excluded-head]"
SHOWN = 300_000
"""Milliseconds within which a page must show what a worker does, on a machine that is busy with other things."""


@dataclass
class Browsers:
    """The pages of two members of staff, each in a browser of its own, and whether scripts run in them."""

    rita: Page
    ada: Page
    with_script: bool


@pytest.fixture
def house(tmp_path: Path, database_url: str, empty_valkey_url: str) -> Iterator[House]:
    with houses.running(tmp_path / "state", database_url, empty_valkey_url) as house:
        yield house


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def two(request: pytest.FixtureRequest, house: House, browser: Browser) -> Iterator[Browsers]:
    with_script = request.param == "with JavaScript"
    with house.app.app_context():
        staff = [
            people.make_staff(role, f"{name}@desk.test")
            for role, name in ((Role.REVIEWER, "rita"), (Role.ADMIN, "ada"))
        ]
    options = {"java_script_enabled": with_script, "base_url": house.url}
    with browsers.new_page(browser, **options) as rita, browsers.new_page(browser, **options) as ada:
        for page, person in zip((rita, ada), staff, strict=True):
            page.goto("/sign-in")
            page.get_by_label("E-mail").fill(person.email)
            page.get_by_label("Password", exact=True).fill(people.PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{house.url}/")
        yield Browsers(rita, ada, with_script)


def store(house: House) -> None:
    """Store the cases of the bulk action, one more that somebody else will claim, one that the filter leaves out."""
    with house.app.app_context():
        crowd.store(CASES + 1, each=1)
        with writing() as session:
            make.make_case(session, make.make_domain(session, "elsewhere.org", phase="hold"), risk=500)


def count(house: House, query: Select[int]) -> int:
    with house.app.app_context():
        return db.session.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def action(house: House, bulk_id: int = 1) -> BulkAction:
    with house.app.app_context():
        return db.session.get_one(BulkAction, bulk_id)


def shows(two: Browsers, page: Page, wanted: Locator) -> None:
    """Wait until the page shows this: by itself where scripts run, else by its own link."""
    if two.with_script:
        expect(wanted).to_be_visible(timeout=SHOWN)
        return

    def look() -> bool:
        if not wanted.is_visible() and page.get_by_role("link", name="Refresh").count():
            with page.expect_navigation():
                page.get_by_role("link", name="Refresh").click()
        return wanted.is_visible()

    until(f"{page.url} shows {wanted}", look, every=1.0)


def take_all_of_the_filter(rita: Page) -> None:
    """Filter the queue and take every case of the filter, across its pages."""
    rita.goto("/cases")
    rita.get_by_label("Phase", exact=True).select_option("redemption")
    rita.get_by_role("button", name="Filter", exact=True).click()
    rita.wait_for_url("**/cases?*phase=redemption*")
    expect(rita.locator("#queue")).not_to_contain_text("elsewhere.org")
    nothing_moves(rita)
    rita.get_by_role("button", name=f"all {CASES + 1:,} of this filter…").click()
    rita.wait_for_url("**/bulk-actions/1")


def nothing_moves(page: Page) -> None:
    """Wait until htmx has put everything that it asked for in its place."""
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


def confirm(page: Page, note: str, reason: str | None = None) -> None:
    if reason:
        page.get_by_label("Reason").select_option(reason)
    page.get_by_label("Note").fill(note)
    page.get_by_label(f"Type the number of addresses ({ADDRESSES:,})").fill("17")
    page.locator("form:has([name=typed_count]) button").click()
    expect(page.locator("#typed_count-error")).to_have_text(f"Type the number of addresses: {ADDRESSES:,}.")
    page.get_by_label("Type the number of addresses").fill(str(ADDRESSES))
    page.locator("form:has([name=typed_count]) button").click()
    expect(page.get_by_role("status").first).to_contain_text("A second person must approve it")


def approve(house: House, two: Browsers, bulk_id: int) -> None:
    """The second person finds the action in the list, sees what the author saw, and approves it."""
    ada, rita = two.ada, two.rita
    expect(rita.get_by_role("button", name=re.compile("Approve"))).to_have_count(0)
    ada.get_by_role("link", name="Bulk actions").click()
    ada.get_by_role("link", name=f"bulk action {bulk_id}", exact=False).click()
    ada.wait_for_url(f"**/bulk-actions/{bulk_id}")
    rita.wait_for_load_state()
    for part in ("#consequence", ".digest", EXCLUDED):
        assert ada.locator(part).inner_text() == rita.locator(part).inner_text()
    with house.held_worker():
        ada.get_by_role("button", name=re.compile("^Approve")).click()
        expect(ada.get_by_role("heading", name="Running")).to_be_visible()
        rita.goto(f"/bulk-actions/{bulk_id}")
        expect(rita.locator("#progress")).to_contain_text(f"0 of {CASES:,}")
        expect(rita.locator("#progress")).to_contain_text("It waits for a worker")
        if two.with_script:
            the_focus_stays(rita)


def the_focus_stays(page: Page) -> None:
    """The part that renews itself does not take the focus away from who is about to press its button."""
    page.get_by_role("button", name="Pause").focus()
    with page.expect_response("**/progress"):
        pass
    nothing_moves(page)
    expect(page.get_by_role("button", name="Pause")).to_be_focused()


def pause(house: House, page: Page) -> int:
    """Pause it while it runs; returns how many cases were done by then."""
    until("some cases are done", lambda: action(house).done_items)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="So far")).to_be_visible()
    paused = action(house)
    assert paused.state == "paused"
    assert 0 < paused.done_items < CASES
    expect(page.locator("main")).to_contain_text(f"{paused.done_items:,} cases of {CASES:,} done")
    return paused.done_items


def resume_and_kill(house: House, page: Page, done: int) -> None:
    """Let it go on, kill its worker at work, and let another one take it up."""
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status").first).to_contain_text("It goes on.")
    until("more is done", lambda: action(house).done_items > done)
    house.kill_worker()
    left = action(house)
    assert left.state == "running"
    assert left.done_items < CASES
    page.goto("/bulk-actions/1")
    expect(page.locator("#progress")).to_contain_text(f"{left.done_items:,} of {CASES:,} cases")
    house.start_worker()
    until("another worker took it up", lambda: resumed(house, left.round), every=1.0)


def test_five_thousand_cases_from_the_filter_to_the_revert_with_a_worker_killed_on_the_way(
    house: House, two: Browsers
) -> None:
    store(house)
    rita, ada = two.rita, two.ada
    ada.goto("/cases?phase=redemption")
    ada.locator("table a[href^='/cases/']").first.click()
    ada.wait_for_url(re.compile(r"/cases/\d+$"))
    ada.get_by_role("button", name="Claim").click()
    expect(ada.locator("#claim")).to_contain_text("You work on this case")
    house.start_worker(slow=True)

    take_all_of_the_filter(rita)
    shows(two, rita, rita.get_by_role("heading", name="Confirm"))
    words = f"Un-verify {ADDRESSES:,} addresses of {ADDRESSES:,} accounts in {CASES:,} cases."
    expect(rita.locator("#consequence")).to_contain_text(words)
    expect(rita.locator(EXCLUDED)).to_contain_text("1 case: Somebody else is working on it")
    confirm(rita, "Lost by every provider's word.", "lapsed")
    expect(rita.locator("main")).to_contain_text("You prepared this, so somebody else must approve it")
    approve(house, two, 1)
    resume_and_kill(house, rita, pause(house, rita))
    shows(two, rita, rita.get_by_role("heading", name="Result"))
    expect(rita.locator("main")).to_contain_text(f"{CASES:,} cases of {CASES:,} done: {ADDRESSES:,} addresses")
    nothing_is_lost_or_doubled(house)

    published(house, "unverify")
    token = house.source_token()
    assert house.answer_as_source(token) == ADDRESSES
    rita.reload()
    expect(rita.locator("main .states")).to_contain_text(f"Applied {ADDRESSES:,} addresses")
    the_file_names_every_address(rita)

    rita.get_by_role("button", name="Prepare taking it back").click()
    rita.wait_for_url("**/bulk-actions/2")
    shows(two, rita, rita.get_by_role("heading", name="Confirm"))
    expect(rita.locator("#consequence")).to_contain_text(f"Take back {CASES:,} decisions: {ADDRESSES:,} addresses")
    confirm(rita, "The provider was wrong.")
    approve(house, two, 2)
    shows(two, rita, rita.get_by_role("heading", name="Result"))
    expect(rita.locator("main")).to_contain_text(f"{CASES:,} cases of {CASES:,} done: {ADDRESSES:,} addresses")
    everything_is_as_before(house, token)
    rita.goto("/cases?phase=redemption")
    expect(rita.locator("#queue")).to_contain_text(f"{CASES + 1:,} cases")


def resumed(house: House, dead: int) -> bool:
    """Enqueue what the scheduler would, until the action has a worker again."""
    if action(house).round > dead:
        return True
    with house.app.app_context():
        enqueue(JobName.RESUME_BULK, unique="resume_bulk")
    return False


def published(house: House, kind: str) -> None:
    """Wait until the worker has published all of this kind."""
    rows = select(Unverification.id).where(Unverification.kind == kind, Unverification.seq.is_not(None))
    until("all is published", lambda: count(house, rows) == ADDRESSES)


def nothing_is_lost_or_doubled(house: House) -> None:
    """Every address has one row in the outbox, every case one decision and one entry in a chain that holds."""
    with house.app.app_context():
        entries = select(AuditEntry.object_id).where(AuditEntry.event == "case.approved")
        told = (select(Unverification.address_id), ADDRESSES), (select(Decision.case_id), CASES), (entries, CASES)
        for query, wanted in told:
            found = db.session.scalars(query).all()
            assert (len(found), len(set(found))) == (wanted, wanted)
        assert verify(db.session()).ok


def the_file_names_every_address(page: Page) -> None:
    with page.expect_download() as started:
        page.get_by_role("link", name="Every address as CSV").click()
    text = started.value.path().read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["why"] for row in rows if row["result"] == "excluded"] == ["claimed"]
    done = [row for row in rows if row["result"] == "done"]
    assert len({row["account"] for row in done}) == len(done) == ADDRESSES
    assert {row["address_state"] for row in done} == {"applied"}
    assert "user@" not in text


def everything_is_as_before(house: House, token: str) -> None:
    """The source verifies every address again; the cases are open, and the chain still holds."""
    published(house, "revert")
    assert count(house, select(Address.id).where(Address.verified)) == 1
    assert house.answer_as_source(token) == ADDRESSES
    assert count(house, select(Address.id).where(Address.verified)) == ADDRESSES + 1
    assert count(house, select(Case.id).where(Case.state == "open")) == CASES + 2
    assert count(house, select(Unverification.id)) == 2 * ADDRESSES
    with house.app.app_context():
        assert verify(db.session()).ok

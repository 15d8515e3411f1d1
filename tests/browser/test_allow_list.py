"""An entry closes a case and gives it back, in a real browser, with JavaScript and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from dashboard.database import writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import Role
from jobs.allow_list import settle
from tests.conftest import START, ManualClock
from tests.support import browser as browsers
from tests.support import people, site, story

# The pages are the same on both databases.
pytestmark = pytest.mark.browser
NAME = "lapsing-parcels.com"
EXPIRED = START.replace(month=9)


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def page(request: pytest.FixtureRequest, browser: Browser, app: Flask) -> Iterator[Page]:
    """A page on which an admin is signed in, with one open case of three addresses."""
    with app.app_context():
        with writing() as session:
            domain = story.add_domain(session, NAME)
            story.add_accounts(session, story.add_source(session), domain, count=3)
            ident = domain.id
        story.check(ident, [story.rdap(NAME, START, Phase.REDEMPTION, expires_at=EXPIRED)], START)
        email = people.make_staff(Role.ADMIN).email
    with (
        site.running(app) as url,
        browsers.new_context(browser, base_url=url, java_script_enabled=request.param == "with JavaScript") as (
            context,
            watch,
        ),
    ):
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password", exact=True).fill(people.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        yield page
        assert not watch.blocked


def work_off(app: Flask) -> None:
    """What the job does when the screen has enqueued it."""
    with app.app_context():
        settle()


def test_an_entry_closes_a_case_and_its_removal_opens_it_again(app: Flask, page: Page) -> None:
    page.goto("/cases")
    page.get_by_role("link", name=NAME).first.click()
    page.get_by_role("link", name="Allow-list this domain").first.click()
    expect(page.get_by_label("Name")).to_have_value(NAME)
    page.get_by_label("Reason").fill("The owner showed an invoice")
    page.get_by_role("button", name="See what it would match").click()
    expect(page.locator("#consequence")).to_contain_text(
        f"{NAME} would match 3 addresses of 1 domain. 1 open case would be closed."
    )
    page.get_by_role("button", name="Add to the allow-list").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{NAME} is on the allow-list")
    work_off(app)
    page.reload()
    page.locator("#closed").get_by_role("link", name=NAME).click()
    expect(page.locator(".head")).to_contain_text("Closed: allow-listed")
    page.get_by_role("link", name="an entry of the allow-list").click()
    page.get_by_label("Why it is removed").fill("It was a mistake")
    page.get_by_role("button", name="Remove from the allow-list").click()
    expect(page.get_by_role("status").first).to_contain_text("The entry was removed.")
    work_off(app)
    page.goto("/cases/1")
    expect(page.locator(".head")).to_contain_text("Open")
    expect(page.locator("main")).to_contain_text(f"allow-list entry {NAME} was removed")


def test_a_case_opens_again_when_its_entry_expires(app: Flask, page: Page, clock: ManualClock) -> None:
    page.goto(f"/allow-list/new?kind=domain&value={NAME}")
    page.get_by_label("Reason").fill("The owner renews by hand")
    page.get_by_label("Expires").fill("2026-11-20")
    page.get_by_role("button", name="See what it would match").click()
    page.get_by_role("button", name="Add to the allow-list").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{NAME} is on the allow-list")
    work_off(app)
    page.goto("/cases/1")
    expect(page.locator(".head")).to_contain_text("Closed: allow-listed")
    clock.advance(days=25)
    work_off(app)
    page.reload()
    expect(page.locator(".head")).to_contain_text("Open")
    expect(page.locator("main")).to_contain_text(f"allow-list entry {NAME}")


def test_an_address_is_revealed_for_a_reason_and_for_the_page(app: Flask, page: Page) -> None:
    page.goto("/accounts/1")
    expect(page.locator("main")).not_to_contain_text("secret0@")
    form = page.locator("details.reveal").first
    form.locator("summary").click()
    form.get_by_label("Reason").select_option("support")
    form.get_by_role("button", name="Reveal").click()
    expect(page.locator(".revealed")).to_have_text(f"secret0@{NAME}")
    expect(page.locator("h1")).to_have_text("user0")
    page.goto("/accounts/1")
    expect(page.locator("main")).not_to_contain_text("secret0@")

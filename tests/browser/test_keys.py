"""Triage by keys alone, in a real browser; and what happens to a claim when its page is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from dashboard.database import db
from dashboard.models import Case, CaseSkip, Claim, Decision, Role, SetAside
from tests.support import browser as browsers
from tests.support import people, site
from tests.support.house import until
from tests.web.test_decisions import make_lapsed_case

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Desk:
    app: Flask
    url: str
    cases: list[int]
    """The riskiest first."""

    def state(self, case_id: int) -> str:
        with self.app.app_context():
            return db.session.get_one(Case, case_id).state

    def claimed(self) -> dict[int, int]:
        with self.app.app_context():
            return {claim.case_id: claim.staff_id for claim in db.session.scalars(select(Claim))}


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    cases = [make_lapsed_case(app, risk=risk, name=f"case-{risk}.net") for risk in (500, 400, 300, 200, 100)]
    with app.app_context():
        for role in (Role.REVIEWER, Role.ADMIN):
            people.make_staff(role, f"{role}@desk.test")
    with site.running(app) as url:
        yield Desk(app, url, cases)


@pytest.fixture
def rita(desk: Desk, page: Page) -> Page:
    sign_in(page, desk, "reviewer@desk.test")
    return page


def sign_in(page: Page, desk: Desk, email: str) -> None:
    page.goto(f"{desk.url}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{desk.url}/")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def pick(page: Page, words: str) -> None:
    """Choose from the list that has the focus by typing the words.

    A list hears letters as one word only while less than a second passes between them; on a busy machine more may.
    """
    chosen = page.locator("select:focus option:checked")
    for _ in range(5):
        page.keyboard.type(words)
        if chosen.inner_text().startswith(words):
            return
        page.wait_for_timeout(1500)
    raise AssertionError(f"typing {words} chose {chosen.inner_text()}")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))


def test_five_cases_are_triaged_without_a_mouse(desk: Desk, rita: Page) -> None:
    first, second, third, fourth, fifth = desk.cases
    rita.goto(f"{desk.url}/cases")
    press(rita, "j")
    assert focused(rita) == "case-500.net"
    press(rita, "o")
    rita.wait_for_url(f"**/cases/{first}")
    press(rita, "c")
    expect(rita.locator("#claim")).to_contain_text("You work on this case")
    press(rita, "a")
    assert focused(rita) == "approve-reason_code"
    pick(rita, "The domain has lapsed")
    press(rita, "Tab", "Tab", "Enter")
    rita.wait_for_url(f"**/cases/{second}")
    assert desk.state(first) == "decided"
    assert desk.claimed() == {}

    press(rita, "v")
    assert focused(rita) == "override-reason_code"
    pick(rita, "The evidence is wrong")
    press(rita, "Tab")
    rita.keyboard.type("jkx: keys only write in a field")
    press(rita, "Tab", "Enter")
    rita.wait_for_url(f"**/cases/{third}")
    assert desk.state(second) == "decided"

    press(rita, "s", "Tab", "Tab")
    rita.locator("#snooze-note").focus()
    press(rita, "Tab", "Enter")
    rita.wait_for_url(f"**/cases/{fourth}")
    assert desk.state(third) == "snoozed"

    rita.goto(f"{desk.url}/cases")
    press(rita, "j", "x", "j", "x", "k")
    assert focused(rita) == "case-200.net"
    assert rita.locator("[name=case_id]:checked").count() == 2
    press(rita, "x")
    assert rita.locator("[name=case_id]:checked").count() == 1
    rita.get_by_role("button", name="Skip the ticked for me").press("Enter")
    expect(rita.get_by_role("status").first).to_contain_text("1 case out of your queue")
    rita.wait_for_load_state()
    press(rita, "j", "c")
    expect(rita.locator(f"#claim-{fourth}")).to_contain_text("You")
    with desk.app.app_context():
        assert db.session.scalars(select(CaseSkip.case_id)).all() == [fifth]
        assert db.session.scalars(select(Decision.kind).order_by(Decision.id)).all() == ["approve", "override"]
        assert len(db.session.scalars(select(SetAside)).all()) == 1


@pytest.mark.parametrize(("key", "field"), [("a", "approve-reason_code"), ("v", "override-reason_code")])
def test_a_key_in_the_queue_opens_the_case_at_the_place(desk: Desk, rita: Page, key: str, field: str) -> None:
    rita.goto(f"{desk.url}/cases")
    press(rita, "j", "j", key)
    rita.wait_for_url(re.compile(rf"/cases/{desk.cases[1]}#do-{key}$"))
    rita.wait_for_load_state()
    assert focused(rita) == field


def test_j_and_k_leaf_through_the_cases_of_the_queue(desk: Desk, rita: Page) -> None:
    rita.goto(f"{desk.url}/cases/{desk.cases[1]}")
    for key, at in (("j", 2), ("j", 3), ("k", 2)):
        press(rita, key)
        rita.wait_for_url(f"**/cases/{desk.cases[at]}")
    rita.get_by_role("link", name="Case before").click()
    rita.wait_for_url(f"**/cases/{desk.cases[1]}")


def test_search_and_help(desk: Desk, rita: Page) -> None:
    rita.goto(f"{desk.url}/cases")
    press(rita, "/")
    assert focused(rita) == "search-text"
    rita.keyboard.type("case-300.net?")
    assert not rita.locator("dialog[open]").count(), "in a field, keys only write"
    press(rita, "Backspace", "Enter")
    rita.wait_for_url("**/cases?state=all&domain=case-300.net")
    press(rita, "?")
    expect(rita.locator("#keys-help")).to_be_visible()
    press(rita, "j")
    assert "case-" not in focused(rita), "behind the help nothing moves"
    press(rita, "Escape")
    expect(rita.locator("#keys-help")).to_be_hidden()
    rita.get_by_role("link", name="Keys").click()
    expect(rita.locator("#keys-help")).to_be_visible()
    rita.get_by_role("button", name="Close").click()
    expect(rita.locator("#keys-help")).to_be_hidden()


def test_keys_do_nothing_once_they_are_switched_off(desk: Desk, rita: Page) -> None:
    rita.goto(f"{desk.url}/me")
    rita.get_by_role("button", name="Switch the shortcuts off").click()
    expect(rita.get_by_role("status").first).to_contain_text("Shortcuts are off.")
    rita.goto(f"{desk.url}/cases")
    press(rita, "j", "?", "/")
    assert focused(rita) not in {"case-500.net", "search-text"}
    assert rita.locator("dialog").count() == 0
    rita.get_by_role("link", name="Keys").click()
    rita.wait_for_url("**/me#keys")


def test_two_reviewers_see_each_other_at_once(desk: Desk, rita: Page, browser: Browser) -> None:
    case = desk.cases[0]
    with browsers.new_page(browser) as ada:
        sign_in(ada, desk, "admin@desk.test")
        ada.goto(f"{desk.url}/cases/{case}")
        expect(ada.locator("#claim")).to_contain_text("Nobody has claimed")
        rita.goto(f"{desk.url}/cases/{case}")
        rita.get_by_role("button", name="Claim").click()
        expect(rita.locator("#claim")).to_contain_text("You work on this case")
        assert len(desk.claimed()) == 1
        expect(ada.locator("#claim")).to_contain_text("reviewer@desk.test works on this case")
        ada.get_by_role("button", name="Take it over").click()
        expect(ada.locator("#claim")).to_contain_text("You work on this case")
        rita.locator("#approve-reason_code").select_option("lapsed")
        rita.get_by_role("button", name="Un-verify 1 address").click()
        expect(rita.get_by_role("heading", level=1)).to_have_text("Somebody else works on this case")
        expect(rita.locator("main")).to_contain_text("admin@desk.test")
    assert desk.state(case) == "open"


def test_a_page_that_is_left_lets_its_claim_run_out(desk: Desk, rita: Page) -> None:
    def ends() -> str:
        with desk.app.app_context():
            return f"{db.session.scalars(select(Claim.expires_at)).one():%H:%M:%S}"

    rita.goto(f"{desk.url}/cases/{desk.cases[0]}")
    rita.get_by_role("button", name="Claim").click()
    expect(rita.locator("#claim")).to_contain_text("You work on this case")
    assert ends() == "08:10:00"
    rita.goto(f"{desk.url}/")
    until("the claim runs out soon", lambda: ends() == "08:01:00")
    rita.goto(f"{desk.url}/cases/{desk.cases[0]}")
    until("the claim is renewed", lambda: ends() == "08:10:00")


def test_without_script_all_of_it_is_forms_and_links(desk: Desk, browser: Browser) -> None:
    first, second, *_ = desk.cases
    with browsers.new_page(browser, java_script_enabled=False) as page:
        sign_in(page, desk, "reviewer@desk.test")
        page.goto(f"{desk.url}/cases")
        page.get_by_role("button", name=f"Claim case {first}").click()
        expect(page.locator(f"#claim-{first}")).to_contain_text("You")
        page.get_by_label("Domain, package or e-mail address").fill("case-400.net")
        page.get_by_role("button", name="Find").click()
        page.wait_for_url("**/cases?*domain=case-400.net")
        page.get_by_role("link", name="case-400.net", exact=True).click()
        page.wait_for_url(f"**/cases/{second}")
        page.locator("summary", has_text="Snooze").click()
        page.get_by_role("button", name="Snooze").click()
        expect(page.get_by_role("status").first).to_contain_text("case-400.net: snoozed until")
        page.goto(f"{desk.url}/cases?state=snoozed&sort=drop")
        page.get_by_role("link", name="case-400.net", exact=True).click()
        page.get_by_role("button", name="Bring it back now").click()
        expect(page.get_by_role("status").first).to_contain_text("The case is back in the queue.")
        page.goto(f"{desk.url}/cases?tld=net&sort=age")
        page.locator("summary", has_text="Save this view").click()
        page.get_by_label("Name", exact=True).fill("Oldest .net")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("link", name="Oldest .net")).to_be_visible()
        page.get_by_role("link", name="Remove the filter TLD .net").click()
        page.wait_for_url("**/cases?sort=age")
    assert desk.state(second) == "open"

"""A day at the desk in a real browser: five cases by keys alone, two reviewers at once, decisions that hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import Case, CaseNote, Decision, DecisionKind, Role, SetAside, Unverification
from dashboard.services.reasons import Keeper, add_template
from dashboard.services.terms import end_terms
from tests.browser.test_keys import Desk, focused, pick, press, sign_in
from tests.conftest import START, ManualClock
from tests.support import browser as browsers
from tests.support import people, site, story
from tests.web.test_decisions import make_lapsed_case

pytestmark = pytest.mark.browser
DAY = timedelta(days=1)
Open = Callable[[str], Page]


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    cases = [make_lapsed_case(app, 3, risk, f"case-{risk}.net") for risk in (500, 400, 300, 200, 100)]
    with app.app_context():
        for role, name in ((Role.REVIEWER, "rita"), (Role.ADMIN, "ada")):
            people.make_staff(role, f"{name}@desk.test")
    with site.running(app) as url:
        yield Desk(app, url, cases)


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def signed_in(request: pytest.FixtureRequest, desk: Desk, browser: Browser) -> Iterator[Open]:
    """Opens a page in which somebody is signed in, with JavaScript and without."""
    with_script = request.param == "with JavaScript"
    first, second = (browsers.new_page(browser, java_script_enabled=with_script) for _ in range(2))
    with first as one, second as two:
        pages = iter((one, two))

        def open_page(name: str) -> Page:
            page = next(pages)
            sign_in(page, desk, f"{name}@desk.test")
            return page

        yield open_page


def tab_to(page: Page, wanted: str, key: str = "Tab") -> None:
    """Press Tab until the control with this id, or these words, has the focus."""
    for _ in range(80):
        if focused(page) == wanted:
            return
        page.keyboard.press(key)
    raise AssertionError(f"{wanted} is out of reach; the focus is at {focused(page)}")


def case_of(desk: Desk, number: int) -> Case:
    with desk.app.app_context():
        return db.session.get_one(Case, desk.cases[number])


def unverify(page: Page) -> None:
    press(page, "a")
    pick(page, "The domain has lapsed")
    tab_to(page, "Un-verify 3 addresses")
    press(page, "Enter")


def keep(page: Page, reason: str, until: str = "") -> None:
    press(page, "v")
    if until:
        tab_to(page, "override-until", "Shift+Tab")
        pick(page, until)
        tab_to(page, "override-reason_code")
    pick(page, reason)
    tab_to(page, "Keep verified")
    press(page, "Enter")


def test_five_cases_from_first_to_last_by_keys_alone(desk: Desk, page: Page) -> None:
    addresses = [f"**/cases/{case}" for case in desk.cases]
    sign_in(page, desk, "rita@desk.test")
    page.goto(f"{desk.url}/cases?tld=net")
    press(page, "j", "o")
    page.wait_for_url(addresses[0])
    press(page, "c")
    expect(page.locator("#claim")).to_contain_text("You work on this case")

    unverify(page)
    page.wait_for_url(addresses[1])
    press(page, "u")
    page.wait_for_url(addresses[0])
    expect(page.locator("#status")).to_contain_text("3 addresses withdrawn before the source knew")
    unverify(page)
    page.wait_for_url(addresses[1])

    keep(page, "The owner has shown", "for 30 days")
    page.wait_for_url(addresses[2])
    expect(page.locator("#status")).to_contain_text("stay verified until 2026-12-01")

    press(page, "s")
    tab_to(page, "snooze-note")
    press(page, "Tab", "Enter")
    page.wait_for_url(addresses[3])

    press(page, "n")
    page.keyboard.type("@ada, do you know this one?")
    press(page, "Tab", "Enter")
    page.wait_for_url(f"{addresses[3]}#notes")
    expect(page.locator("#status")).to_contain_text("ada@desk.test will see it")
    keep(page, "The evidence is wrong")
    page.wait_for_url(addresses[4])

    press(page, "s")
    tab_to(page, "Escalate to the admins")
    press(page, "Enter")
    tab_to(page, "escalate-note")
    page.keyboard.type("Too large for me")
    press(page, "Tab", "Enter")
    page.wait_for_url(re.compile(r"/cases(\?.*)?$"))

    five_are_settled(desk)


def five_are_settled(desk: Desk) -> None:
    """One un-verified, two kept (one for a term), one snoozed with a note, one escalated; the undone one is gone."""
    states = [case_of(desk, number).state for number in range(5)]
    assert states == ["decided", "decided", "snoozed", "decided", "escalated"]
    with desk.app.app_context():
        assert db.session.scalars(select(CaseNote.body)).all() == ["@ada, do you know this one?"]
        assert len(db.session.scalars(select(SetAside.id)).all()) == 2
        kinds = db.session.scalars(select(Decision.kind).where(Decision.reverted_at.is_(None)).order_by(Decision.id))
        assert kinds.all() == ["approve", "override", "override"]
        waiting = select(Unverification.id).where(Unverification.state == "queued")
        assert len(db.session.scalars(waiting).all()) == 3


def test_five_cases_from_first_to_last_by_forms_and_links_without_script(desk: Desk, browser: Browser) -> None:
    addresses = [f"**/cases/{case}" for case in desk.cases]
    with browsers.new_page(browser, java_script_enabled=False) as page:
        sign_in(page, desk, "rita@desk.test")
        page.goto(f"{desk.url}/cases?tld=net")
        page.get_by_role("link", name="case-500.net", exact=True).click()
        page.wait_for_url(addresses[0])
        page.get_by_role("button", name="Claim").click()
        expect(page.locator("#claim")).to_contain_text("You work on this case")

        press_unverify(page)
        page.wait_for_url(addresses[1])
        page.get_by_role("button", name="Undo").click()
        page.wait_for_url(addresses[0])
        expect(page.locator("#status")).to_contain_text("3 addresses withdrawn before the source knew")
        press_unverify(page)
        page.wait_for_url(addresses[1])

        press_keep(page, "owner_confirmed", until="30")
        page.wait_for_url(addresses[2])
        expect(page.locator("#status")).to_contain_text("stay verified until 2026-12-01")

        page.locator("summary", has_text="Snooze").click()
        page.get_by_role("button", name="Snooze").click()
        page.wait_for_url(addresses[3])

        page.locator("#note-body").fill("@ada, do you know this one?")
        page.locator("form:has(#note-body) button").click()
        page.wait_for_url(f"{addresses[3]}#notes")
        expect(page.locator("#status")).to_contain_text("ada@desk.test will see it")
        press_keep(page, "provider_wrong")
        page.wait_for_url(addresses[4])

        page.locator("summary", has_text="Escalate to the admins").click()
        page.locator("#escalate-note").fill("Too large for me")
        page.locator("form:has(#escalate-note) button").click()
        page.wait_for_url(re.compile(r"/cases(\?.*)?$"))
    five_are_settled(desk)


def press_unverify(page: Page) -> None:
    page.locator("#approve-reason_code").select_option("lapsed")
    page.get_by_role("button", name="Un-verify 3 addresses").click()


def press_keep(page: Page, reason: str, until: str = "facts") -> None:
    page.locator("#override-until").select_option(until)
    page.locator("#override-reason_code").select_option(reason)
    page.get_by_role("button", name="Keep verified").click()


def test_of_two_reviewers_the_slower_learns_who_was_faster_and_when(desk: Desk, signed_in: Open) -> None:
    rita, ada = signed_in("rita"), signed_in("ada")
    for page in (rita, ada):
        page.goto(f"{desk.url}/cases/{desk.cases[0]}")
        page.locator("#approve-reason_code").select_option("lapsed")
    rita.get_by_role("button", name="Un-verify 3 addresses").click()
    rita.wait_for_url(f"**/cases/{desk.cases[1]}")
    with ada.expect_response(lambda reply: reply.request.method == "POST") as reply:
        ada.get_by_role("button", name="Un-verify 3 addresses").click()
    assert reply.value.status == 409
    expect(ada.get_by_role("heading", level=1)).to_have_text("Somebody was faster")
    expect(ada.locator("main")).to_contain_text("rita@desk.test decided this case just now (2026-11-01 08:00:00 UTC)")
    ada.get_by_role("link", name="See the case as it is now").click()
    expect(ada.locator("#history")).to_contain_text("decided just now by rita@desk.test")
    with desk.app.app_context():
        assert len(db.session.scalars(select(Decision.id)).all()) == 1


def check(desk: Desk, number: int, after: timedelta, phase: Phase = Phase.REDEMPTION) -> None:
    with desk.app.app_context():
        domain = db.session.get_one(Case, desk.cases[number]).domain
        ident, name = domain.id, domain.name
        db.session.rollback()
        now = START + after
        said = [story.rdap(name, now, phase, expires_at=START - 40 * DAY), story.fastly(name, now, phase)]
        story.check(ident, said, now)


def test_a_decision_to_keep_outlives_checks_and_ends_with_new_facts_or_its_term(
    desk: Desk, signed_in: Open, clock: ManualClock
) -> None:
    page = signed_in("rita")
    for number, until in ((0, "facts"), (1, "30")):
        check(desk, number, timedelta(minutes=1))
        page.goto(f"{desk.url}/cases/{desk.cases[number]}")
        page.locator("#override-reason_code").select_option("owner_confirmed")
        page.locator("#override-until").select_option(until)
        page.get_by_role("button", name="Keep verified").click()
        expect(page.locator("#status")).to_contain_text(
            f"case-{500 - number * 100}.net: 3 addresses of 3 accounts stay"
        )
    for hour in range(1, 21):
        check(desk, 0, timedelta(hours=hour))
        check(desk, 1, timedelta(hours=hour))
    page.goto(f"{desk.url}/cases/{desk.cases[0]}")
    expect(page.locator(".head")).to_contain_text("Decided")
    check(desk, 0, 2 * DAY, Phase.PENDING_DELETE)
    page.reload()
    expect(page.locator(".head")).to_contain_text("Open")
    expect(page.locator("#why")).to_contain_text("The phase changed from redemption to pending delete")
    check(desk, 1, 29 * DAY)
    clock.advance(days=31)
    with desk.app.app_context(), writing() as session:
        assert end_terms(session, clock.now()) == (1, 1)
    page.goto(f"{desk.url}/cases/{desk.cases[1]}")
    expect(page.locator("#why")).to_contain_text("The decision to keep it held until 2026-12-01")


def test_a_part_of_the_addresses_with_a_template_and_the_way_back(desk: Desk, signed_in: Open) -> None:
    with desk.app.app_context():
        admin = people.make_staff(Role.ADMIN)
    keeper = Keeper(admin.identity.actor, admin.id, START)
    with desk.app.app_context(), writing() as session:
        add_template(session, DecisionKind.APPROVE, "No answer", "Asked the owner twice.", keeper)
    page = signed_in("rita")
    page.goto(f"{desk.url}/cases/{desk.cases[0]}")
    ticks = page.get_by_role("checkbox", name="Un-verify v•••t@case-500.net")
    ticks.nth(0).check()
    ticks.nth(1).check()
    page.get_by_label("Only the ticked ones").check()
    page.locator("#approve-template").select_option(label="No answer")
    page.locator("#approve-reason_code").select_option("lapsed")
    page.locator("#approve-form").get_by_role("button", name="Un-verify").click()
    page.wait_for_url(f"**/cases/{desk.cases[1]}")
    expect(page.locator("#status")).to_contain_text("case-500.net: 2 addresses of 2 accounts will be un-verified")
    with desk.app.app_context():
        assert db.session.scalars(select(Decision.note)).all() == ["Asked the owner twice."]
        assert len(db.session.scalars(select(Unverification.id)).all()) == 2
    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(f"**/cases/{desk.cases[0]}")
    expect(page.locator("#status")).to_contain_text("2 addresses withdrawn before the source knew")
    assert case_of(desk, 0).state == "open"

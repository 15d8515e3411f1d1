"""A part of a page that renews itself does not take the button away that somebody is just pressing."""

from __future__ import annotations

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from dashboard.models import Role
from tests.support import bulk, people, site

pytestmark = pytest.mark.browser


def test_a_press_that_lasts_longer_than_the_part_below_it_is_a_click(app: Flask, page: Page) -> None:
    with app.app_context():
        bulk_id = bulk.running(bulk.lapsed(3))
        admin = people.make_staff(Role.ADMIN)
    with site.running(app) as url:
        page.goto(f"{url}/sign-in")
        page.get_by_label("E-mail").fill(admin.email)
        page.get_by_label("Password", exact=True).fill(people.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/bulk-actions/{bulk_id}")
        page.get_by_role("button", name="Pause").hover()
        page.mouse.down()
        for _ in range(2):
            with page.expect_response("**/progress"):
                pass
        page.mouse.up()
        expect(page.get_by_role("heading", name="So far")).to_be_visible()
        page.goto("about:blank")

"""No screen breaks a rule of WCAG 2.2 AA that a machine can check: axe-core looks at all of them, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, Page

from dashboard.models import Role
from tests.support import browser as browsers
from tests.support import every_page, people, site
from tests.support.every_page import World

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
FEWEST_PAGES = 25
POSTED: tuple[tuple[str, dict[str, str]], ...] = (
    ("/sign-in", {"email": "nobody", "password": "wrong"}),
    ("/accounts/search", {"text": "user0"}),
    ("/accounts/search", {"text": "nobody at all"}),
    ("/allow-list/preview", {"kind": "suffix", "value": "com", "reason": "A look", "expires": ""}),
    ("/allow-list/preview", {"kind": "domain", "value": "com", "reason": "", "expires": ""}),
    ("/cases/1/decision", {"kind": "approve", "version": "0", "shown_count": "1", "reason_code": "lapsed"}),
    ("/cases/1/decision", {"kind": "approve", "version": "1", "shown_count": "1", "reason_code": ""}),
    ("/bulk-actions/prepare", {"kind": "approve", "scope": "filter", "shown_count": "3"}),
    ("/bulk-actions/prepare", {"kind": "override", "scope": "filter", "phase": "redemption"}),
    ("/bulk-actions/1/revert", {}),
    ("/bulk-actions/2/approve", {"version": "0", "digest": ""}),
    ("/bulk-actions/stop-all", {}),
)
"""Pages that answer a form: results, mistakes, conflicts; the previews that their author can confirm."""
SUBMIT = """([path, fields]) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = path;
    for (const [name, value] of Object.entries(fields)) {
        const input = document.createElement("input");
        [input.type, input.name, input.value] = ["hidden", name, value];
        form.append(input);
    }
    document.body.append(form);
    form.submit();
}"""


@dataclass(frozen=True)
class Console:
    """The console with something on every screen, and who may see all of it."""

    app: Flask
    url: str
    world: World
    email: str


@pytest.fixture
def console(app: Flask) -> Iterator[Console]:
    with app.app_context():
        world = every_page.build()
        admin = people.make_staff(Role.ADMIN)
    with site.running(app) as url:
        yield Console(app, url, world, admin.email)


def violations(page: Page) -> list[str]:
    """Open what is folded away, and return every violation as a line."""
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(f"axe.run(document, {json.dumps(OPTIONS)})")["violations"]
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}".replace("\n", " ")
        for each in found
        for node in each["nodes"]
    ]


def sign_in(page: Page, console: Console) -> None:
    page.goto(f"{console.url}/sign-in")
    page.get_by_label("E-mail").fill(console.email)
    page.get_by_label("Password", exact=True).fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{console.url}/")


def submit(page: Page, path: str, fields: dict[str, str]) -> None:
    token = page.locator("input[name=csrf_token]").first.input_value()
    with page.expect_navigation():
        page.evaluate(SUBMIT, [path, {**fields, "csrf_token": token}])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_screen_violates_wcag_22_aa(console: Console, browser: Browser, scheme: str) -> None:
    seen: dict[str, list[str]] = {}
    with browsers.new_page(browser, color_scheme=scheme, reduced_motion="reduce") as page:
        for path in ("/sign-in", "/setup"):
            page.goto(console.url + path)
            seen[path] = violations(page)
        sign_in(page, console)
        for path in every_page.pages(console.app, console.world):
            if is_screen(page, console.url + path):
                seen[path] = violations(page)
        for path, fields in POSTED:
            page.goto(f"{console.url}/accounts")
            submit(page, path, fields)
            seen[f"POST {path} {fields}"] = violations(page)
            if page.locator("form[action$='/confirm']").count():
                form = {name: page.locator(f"[name={name}]").first.input_value() for name in ("version", "digest")}
                submit(page, f"{page.url}/confirm", form)
                seen[f"POST {page.url} {fields}"] = violations(page)
    assert len(seen) >= FEWEST_PAGES
    lines = [f"{path}\n    {line}" for path, found in seen.items() for line in found]
    assert not lines, "\n".join(lines)


def is_screen(page: Page, url: str) -> bool:
    """Open `url` where it is a whole page: not a file, nor a part that htmx asks for."""
    reply = page.request.get(url, max_redirects=0)
    if not reply.body().startswith(b"<!DOCTYPE html>"):
        return False
    page.goto(url)
    return True


def test_the_look_finds_what_is_wrong(page: Page) -> None:
    page.set_content('<html lang="en"><title>t</title><main><img src="data:,"><input></main></html>')
    assert {line.split(":")[0] for line in violations(page)} == {"image-alt", "label"}

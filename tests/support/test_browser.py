from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.support.browser import chromium, executable, is_loopback, new_context, new_page, why_missing
from tests.support.require import require

PAGE = b"<!doctype html><title>Desk</title><h1>Cases</h1><script>document.title += ' ' + (6 * 7)</script>"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *arguments: object) -> None:
        """Be quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.browser
def test_a_loopback_page_is_rendered(page: Page, address: str) -> None:
    page.goto(address)
    assert page.title() == "Desk 42"
    assert page.get_by_role("heading", name="Cases").is_visible()


@pytest.mark.browser
def test_a_page_without_javascript(browser: Browser, address: str) -> None:
    with new_page(browser, java_script_enabled=False) as page:
        page.goto(address)
        assert page.title() == "Desk"


@pytest.mark.browser
@pytest.mark.parametrize("outside", ["http://host.invalid/", "http://192.0.2.1/", "https://host.invalid/a.js"])
def test_nothing_leaves_the_machine(browser: Browser, address: str, outside: str) -> None:
    with new_context(browser) as (context, watch):
        page = context.new_page()
        page.goto(address)
        page.evaluate("url => fetch(url).catch(() => null)", outside)
        with pytest.raises(Error):
            page.goto(outside)
        assert watch.blocked == [outside, outside]


@pytest.mark.browser
def test_a_page_that_asks_outside_fails_its_test(browser: Browser, address: str) -> None:
    def ask_outside() -> None:
        with new_page(browser) as page:
            page.goto(address)
            page.evaluate("() => fetch('http://host.invalid/').catch(() => null)")

    with pytest.raises(AssertionError, match=r"host\.invalid"):
        ask_outside()


@pytest.mark.browser
def test_errors_of_scripts_and_console_are_noted(browser: Browser, address: str) -> None:
    with new_context(browser) as (context, watch):
        page = context.new_page()
        page.goto(address)
        with context.expect_event("console"), context.expect_event("weberror"):
            page.evaluate("() => { console.error('seen'); setTimeout(() => { throw new Error('thrown') }, 0) }")
        assert any("seen" in error for error in watch.errors)
        assert any("thrown" in error for error in watch.errors)


def test_asyncio_works_again_once_the_browser_is_closed() -> None:
    require("chromium")

    async def answer() -> int:
        return 42

    def ask() -> int:
        return asyncio.run(answer())

    # Not in this thread: the module's own browser, if it runs, holds the loop here.
    results: list[int] = []

    def scenario() -> None:
        with chromium() as browser:
            assert browser.is_connected()
        results.append(ask())

    thread = threading.Thread(target=scenario)
    thread.start()
    thread.join()
    assert results == [42]


def test_only_the_named_browser_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPSEWATCH_CHROMIUM", "no-such-browser")
    assert executable() is None
    assert "LAPSEWATCH_CHROMIUM" in str(why_missing())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://localhost/a", True),
        ("http://[::1]:8000/", True),
        ("data:image/svg+xml,x", True),
        ("about:blank", True),
        ("http://127.0.0.1.host.invalid/", False),
        ("http://192.0.2.1/", False),
        ("http://localhost@host.invalid/", False),
        ("file:///etc/passwd", False),
    ],
)
def test_what_counts_as_this_machine(url: str, *, expected: bool) -> None:
    assert is_loopback(url) is expected

"""The system's Chromium, driven by Playwright, with nothing but loopback within its reach."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect, sync_playwright

VARIABLE = "LAPSEWATCH_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    # The browser's own errands go nowhere either: no other name or address resolves.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
]

PATIENCE = 90_000
"""Milliseconds within which a page does what it will do at all, on a machine that is busy with other things."""
expect.set_options(timeout=PATIENCE)


def executable() -> Path | None:
    """The browser named by `LAPSEWATCH_CHROMIUM`, else the system's; None where there is none."""
    named = os.environ.get(VARIABLE)
    found = next(filter(None, map(shutil.which, [named] if named else NAMES)), None)
    return Path(found) if found else None


def why_missing() -> str | None:
    """Why no browser can be had, with what to do about it; None when one can."""
    return None if executable() else f"Chromium was not found (apt-get install chromium, or name one in {VARIABLE})"


def is_loopback(url: str) -> bool:
    """Whether `url` stays on this machine; `data:`, `blob:` and `about:` do."""
    parts = urlsplit(url)
    if parts.scheme in {"data", "blob", "about"} or parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium without a window.

    Until the end Playwright's event loop counts as running in this thread, so `asyncio.run` fails in it.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), headless=True, args=ARGUMENTS, timeout=2 * PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass  # no slots: Playwright hangs its wrappers on the object whose methods it calls
class Watch:
    """What a context's pages did wrong: requests that would have left the machine; errors in console or script."""

    blocked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Stop what leaves the machine and note every error from here on."""
        context.route("**/*", self._filter)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def _filter(self, route: Route) -> None:
        if is_loopback(route.request.url):
            route.fallback()
        else:
            self.blocked.append(route.request.url)
            route.abort()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)


@contextlib.contextmanager
def new_context(browser: Browser, **options: Any) -> Iterator[tuple[BrowserContext, Watch]]:
    """A fresh profile at the desk's size; `options` are Playwright's (`java_script_enabled=False`, `color_scheme`)."""
    settings: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "service_workers": "block", **options}
    context = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    watch = Watch()
    watch.attach(context)
    try:
        yield context, watch
    finally:
        context.close()


@contextlib.contextmanager
def new_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page in a profile of its own; an attempt to leave the machine fails at the end."""
    with new_context(browser, **options) as (context, watch):
        yield context.new_page()
        assert not watch.blocked, f"the page asked other hosts: {watch.blocked}"

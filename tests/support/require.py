"""What a test needs beyond Python packages: a missing program skips the test, except where it was demanded.

`LAPSEWATCH_REQUIRE=postgres,chromium` demands these two; `CI=true` demands everything.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

# need -> why it was missing
missing: dict[str, str] = {}


def demanded(need: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether tests that need `need` may not be skipped."""
    named = {each.strip() for each in environ.get("LAPSEWATCH_REQUIRE", "").split(",")}
    return need in named or environ.get("CI", "").lower() == "true"


def lacking(need: str, why: str) -> None:
    """Skip the running test because `need` is missing, or fail it where it was demanded."""
    missing[need] = why
    if demanded(need):
        pytest.fail(f"{need} is required here, but {why}", pytrace=False)
    pytest.skip(f"no {need}: {why}")


def require(need: str) -> None:
    """Skip or fail the running test unless `postgres` or `chromium` can be used on this machine."""
    from tests.support import browser, postgres

    why = {"postgres": postgres.why_missing, "chromium": browser.why_missing}[need]()
    if why:
        lacking(need, why)


def notices() -> list[str]:
    """A line for each program that was missed, for the closing summary."""
    return [f"Not tested with {need}: {why}." for need, why in sorted(missing.items())]

"""Single values: any text gives a value or a reason, and times come out as UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.services.importing import values
from dashboard.services.importing.values import BadRowError

READERS: list[Callable[[str, str], Any]] = [
    values.identifier,
    values.shown_name,
    values.boolean,
    values.certain,
    values.moment,
    values.count,
    values.purl,
    values.mailbox,
]


def reason(read: Callable[[str, str], Any], text: str) -> str | None:
    """Why `text` is refused, or None."""
    try:
        read(text, "column")
    except BadRowError as error:
        return str(error)
    return None


@given(st.text())
@pytest.mark.parametrize("read", READERS)
def test_any_text_gives_a_value_or_a_reason(read: Callable[[str, str], Any], text: str) -> None:
    assert reason(read, text) != ""


@given(st.emails())
def test_no_reason_repeats_an_address(email: str) -> None:
    assert all(email not in (reason(read, email) or "") for read in READERS)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_a_time_becomes_the_same_moment_in_utc(naive: datetime, offset: int) -> None:
    time = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    stored = values.moment(time.isoformat(), "at")
    assert stored is not None
    assert datetime.fromisoformat(stored).replace(tzinfo=UTC) == time


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2026-05-14T18:40:05Z", "2026-05-14 18:40:05.000000"),
        ("2026-05-14t18:40:05z", "2026-05-14 18:40:05.000000"),
        ("2026-05-14 18:40:05.25+02:00", "2026-05-14 16:40:05.250000"),
        ("2026-05-14T18:40:05.123456789Z", "2026-05-14 18:40:05.123456"),
        ("2024-02-29T00:00:00Z", "2024-02-29 00:00:00.000000"),
        ("", None),
    ],
)
def test_times_of_rfc_3339_are_taken(text: str, stored: str | None) -> None:
    assert values.moment(text, "at") == stored


@pytest.mark.parametrize(
    "text",
    [
        "2026-W01-1T00:00:00Z",
        "20260514T184005Z",
        "2026-05-14T184005.0Z",
        "2026-05-14T18:40Z",
        "2026-05-14T24:00:00Z",
        "2023-02-29T00:00:00Z",
        "2026-05-14T18:40:05",
        "2026-05-14",
        "2026-05-14T18:40:05+0200",
        "٢٠٢٦-05-14T18:40:05Z",
        "now",
        "1684000000",
    ],
)
def test_other_forms_of_time_are_not(text: str) -> None:
    with pytest.raises(BadRowError):
        values.moment(text, "at")

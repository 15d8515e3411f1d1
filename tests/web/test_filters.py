from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.web.filters import domain, number, relative


@pytest.mark.parametrize(
    ("delta", "words"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-59), "just now"),
        (timedelta(minutes=1), "in 1 minute"),
        (timedelta(hours=-5), "5 hours ago"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=59), "in 59 days"),
        (timedelta(days=-61), "2 months ago"),
        (timedelta(days=-731), "2 years ago"),
        (timedelta(days=400_000), "in 1,095 years"),
    ],
)
def test_a_distance_in_time(delta: timedelta, words: str) -> None:
    assert relative(delta) == words


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_a_domain_never_brings_markup_with_it(name: str) -> None:
    html = str(domain(name))
    stripped = html.replace('<span class="domain-name">', "").replace('<span class="alabel mono">', "")
    stripped = stripped.replace('<span class="tag tag-warn">mixed scripts</span>', "").replace("</span>", "")
    assert "<" not in stripped
    assert '"' not in stripped


def test_numbers_have_their_thousands_apart() -> None:
    assert number(1234567) == "1,234,567"
    assert number(None) == "unknown"
    assert number(0) == "0"

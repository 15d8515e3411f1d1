from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import Marker
from dashboard.queries.paging import Count, capped_count, cut, int_pair, whole


@given(st.text(max_size=30))
def test_any_text_is_a_cursor_or_none(text: str) -> None:
    pair = int_pair(text)
    assert pair is None or text.count(".") == 1
    assert pair is None or all(0 <= number < 2**63 for number in pair)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_cursor_of_ours_is_read_back(risk: int, ident: int) -> None:
    assert int_pair(f"{risk}.{ident}") == (risk, ident)


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "1e3", "\u0661", str(2**63), "1" * 40])
def test_what_is_no_whole_number_of_the_database(text: str | None) -> None:
    assert whole(text) is None


@given(st.lists(st.integers(), unique=True, max_size=60), st.integers(1, 10))
def test_walking_forth_and_back_meets_every_row_once(numbers: list[int], size: int) -> None:
    ordered = sorted(numbers)
    forth: list[int] = []
    cursor: str | None = None
    while True:
        rows = [n for n in ordered if cursor is None or n > int(cursor)]
        page = cut(rows[: size + 1], size, str, after=cursor is not None, before=False)
        forth += page.rows
        if page.next is None:
            break
        cursor = page.next
    assert forth == ordered
    back: list[int] = list(page.rows)
    while page.previous is not None:
        rows = [n for n in reversed(ordered) if n < int(page.previous)]
        page = cut(rows[: size + 1], size, str, after=False, before=True)
        back = [*page.rows, *back]
    assert back == ordered


def test_a_count_stops_at_its_cap(context: Flask) -> None:
    with writing() as session:
        session.add_all(Marker(name=f"m{number}", value="x") for number in range(12))
    rows = select(Marker.name)
    assert str(capped_count(db.session(), rows, cap=20)) == "12"
    assert str(capped_count(db.session(), rows, cap=12)) == "12"
    assert str(capped_count(db.session(), rows, cap=11)) == "11+"
    assert str(Count(10_000, capped=True)) == "10,000+"

"""Cells that a spreadsheet shows as they are."""

from __future__ import annotations

import pytest

from dashboard.lifecycle.spreadsheets import neutral_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\uff0b1"]
)
def test_what_begins_a_formula_gets_an_apostrophe(text: str) -> None:
    assert neutral_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "pypi", "a=b", "1-2", "a•••e@host.com"])
def test_other_text_stays(text: str) -> None:
    assert neutral_cell(text) == text

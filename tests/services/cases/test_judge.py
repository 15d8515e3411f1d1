"""The canonical form of frozen evidence."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from dashboard.services.cases.judge import canonical

keys = st.from_regex(r"[a-z0-9_]{1,8}", fullmatch=True)
# As deep as frozen evidence is; integers that RFC 8785 can tell apart, and text that a database takes.
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(keys, values))
def test_it_is_what_rfc_8785_says(document: dict[str, Any]) -> None:
    assert canonical(document) == rfc8785.dumps(document)


@pytest.mark.parametrize("value", [0.5, -2.5e300, 1e21, 1.0, [1, 2.0], {"a": [-0.0]}])
def test_fractions_too(value: object) -> None:
    assert canonical({"at": "12:30:09.5", "value": value}) == rfc8785.dumps({"at": "12:30:09.5", "value": value})  # type: ignore[dict-item]

"""Ids seen twice are found, in memory or spilled."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.services.importing import repeats
from dashboard.services.importing.repeats import Seen, marks_of


@pytest.mark.parametrize("spill_at", [5, 10**6])
def test_repeats_and_distinct_ids_are_counted_whether_spilled_or_not(
    spill_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "SPILL_AT", spill_at)

    @settings(deadline=None)  # it opens files
    @given(st.lists(st.lists(st.text(max_size=2))))
    def check(batches: list[list[str]]) -> None:
        with Seen(tmp_path) as seen:
            for batch in batches:
                seen.add(marks_of(batch))
            counts = Counter(each for batch in batches for each in batch)
            assert seen.distinct() == len(counts)
            assert seen.repeated() == {hash(each) for each, times in counts.items() if times > 1}

    check()
    assert list(tmp_path.iterdir()) == []

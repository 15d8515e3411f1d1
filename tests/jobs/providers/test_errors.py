from __future__ import annotations

from dashboard.lifecycle.evidence import MAX_TEXT, ErrorKind
from jobs.providers.errors import Malformed, ProviderError


def test_every_kind_of_error_has_exactly_one_class() -> None:
    kinds = [cls.kind for cls in ProviderError.__subclasses__()]
    assert sorted(kinds) == sorted(ErrorKind)


def test_a_detail_from_outside_is_bounded_and_printable() -> None:
    error = Malformed("a\x1b[31m\r\n" + "x" * 1000)
    assert len(error.detail) == MAX_TEXT
    assert error.detail.startswith("a[31mx")

"""Reading what somebody wants on the list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.hosts import reduce_host
from dashboard.services.allow_list.files import FileError, _lines
from dashboard.services.allow_list.values import EntryError, Named, read_named, read_wanted
from tests.conftest import START


@pytest.mark.parametrize(
    ("kind", "text", "value", "domain"),
    [
        ("domain", " Bücher.example.net. ".replace("example.", ""), "xn--bcher-kva.net", "xn--bcher-kva.net"),
        ("HOST", "users.noreply.github.com", "users.noreply.github.com", "github.com"),
        ("suffix", "*.ac.uk", "ac.uk", None),
        ("suffix", ".students.ox.ac.uk", "students.ox.ac.uk", "ox.ac.uk"),
        ("suffix", "museum", "museum", None),
        ("mx", "aspmx.l.google.com", "google.com", "google.com"),
    ],
)
def test_names_are_read_in_their_stored_form(kind: str, text: str, value: str, domain: str | None) -> None:
    named = read_named(kind, text)
    assert (named.value, named.domain) == (value, domain)


@given(st.text(max_size=60), st.sampled_from(["domain", "host", "suffix", "mx"]))
def test_whatever_is_typed_is_a_stored_form_or_said_to_be_wrong(text: str, kind: str) -> None:
    try:
        named = read_named(kind, text)
    except EntryError:
        return
    assert "@" not in named.value
    assert read_named(kind, named.value) == named
    assert named.domain is None or named.domain == reduce_host(named.value).domain


@given(st.binary(max_size=200))
def test_no_file_breaks_the_reader(content: bytes) -> None:
    try:
        lines = list(_lines(b"kind,value,reason,expires\n" + content))
    except FileError:
        return
    assert [line for line, _ in lines] == sorted({line for line, _ in lines})


def test_a_reason_is_bounded_and_a_day_is_to_come() -> None:
    wanted = read_wanted("domain", "a.net", " because ", "2026-11-02", START)
    assert wanted.named == Named(wanted.named.kind, "a.net", "a.net")
    assert wanted.reason == "because"
    for reason, expires in (("x" * 1001, ""), ("x", "2026-11-01"), ("x", "0000-00-00"), ("x\0", "")):
        with pytest.raises(EntryError):
            read_wanted("domain", "a.net", reason, expires, START)

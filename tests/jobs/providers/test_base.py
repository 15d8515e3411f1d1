from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers.base import require_echo, require_name
from jobs.providers.errors import Malformed, ProviderError, Unsupported, WrongDomain


@pytest.mark.parametrize("name", ["example.com", "xn--mnchen-3ya.de", "a.co.uk", "_odd.name.net", "com"])
def test_a_name_in_a_label_form_may_be_asked(name: str) -> None:
    assert require_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Example.com",
        "exa mple.com",
        "a/../b.com",
        "a.com?x=1",
        "münchen.de",
        ".com",
        "a..b",
        "a.com\n",
        "x" * 254,
    ],
)
def test_what_could_change_a_url_or_query_is_not_asked(name: str) -> None:
    with pytest.raises(Unsupported):
        require_name(name)


@pytest.mark.parametrize(
    "echo", ["xn--mnchen-3ya.de", "XN--MNCHEN-3YA.DE", "xn--mnchen-3ya.de.", " münchen.de ", "MÜNCHEN.de"]
)
def test_the_echo_may_differ_in_case_dot_and_script(echo: str) -> None:
    require_echo(echo, "xn--mnchen-3ya.de")


@pytest.mark.parametrize("echo", ["example.org", "example.com.evil.net", "exämple.com", "\u202e.com", "xn--.com"])
def test_another_name_is_the_wrong_domain(echo: str) -> None:
    with pytest.raises(WrongDomain):
        require_echo(echo, "example.com")


@pytest.mark.parametrize("echo", [None, "", "  ", 7, ["example.com"]])
def test_no_name_at_all_is_malformed(echo: object) -> None:
    with pytest.raises(Malformed):
        require_echo(echo, "example.com")


@given(st.text())
def test_any_echo_is_accepted_or_a_typed_error(echo: str) -> None:
    try:
        require_echo(echo, "example.com")
    except ProviderError:
        return
    assert echo.strip().rstrip(".").lower() == "example.com" or not echo.isascii()

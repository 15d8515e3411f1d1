from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.lifecycle.hosts import (
    Unchecked,
    mask,
    mixed_script,
    reduce_host,
    split_email,
    to_unicode,
    under_private_suffix,
)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("Example.COM", "example.com"),
        ("mail.example.com.", "example.com"),
        (" a.b.example.co.uk ", "example.co.uk"),
        ("users.noreply.github.com", "github.com"),
        ("someone.github.io", "someone.github.io"),  # a private suffix
        ("mail.someone.uk.com", "someone.uk.com"),
        ("straße.de", "xn--strae-oqa.de"),  # non-transitional: not strasse.de
        ("BÜCHER.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("例え。jp", "xn--r8jz45g.jp"),
        ("\uff45\uff58\uff0ecom", "ex.com"),
        ("a.公司.cn", "a.xn--55qx5d.cn"),
        ("☃.net", "xn--n3h.net"),
        ("my_host.example.com", "example.com"),
        ("www.ck", "www.ck"),
    ],
)
def test_a_host_reduces_to_its_registrable_domain(host: str, domain: str) -> None:
    verdict = reduce_host(host)
    assert (verdict.domain, verdict.unchecked) == (domain, None)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("com", Unchecked.PUBLIC_SUFFIX),
        ("co.uk", Unchecked.PUBLIC_SUFFIX),
        ("uk.com", Unchecked.PUBLIC_SUFFIX),
        ("公司.cn", Unchecked.PUBLIC_SUFFIX),
        ("192.0.2.1", Unchecked.IP_LITERAL),
        ("[192.0.2.1]", Unchecked.IP_LITERAL),
        ("[IPv6:2001:db8::1]", Unchecked.IP_LITERAL),
        ("localhost", Unchecked.SPECIAL_USE),
        ("mail.localhost", Unchecked.SPECIAL_USE),
        ("corp.test", Unchecked.SPECIAL_USE),
        ("no.invalid", Unchecked.SPECIAL_USE),
        ("shop.EXAMPLE", Unchecked.SPECIAL_USE),
        ("printer.local", Unchecked.SPECIAL_USE),
        ("abc.onion", Unchecked.SPECIAL_USE),
        ("box.home.arpa", Unchecked.SPECIAL_USE),
        ("x.alt", Unchecked.SPECIAL_USE),
        ("wiki.internal", Unchecked.SPECIAL_USE),
        ("", Unchecked.INVALID),
        (".", Unchecked.INVALID),
        ("a..com", Unchecked.INVALID),
        ("-a.com", Unchecked.INVALID),
        ("a b.com", Unchecked.INVALID),
        ("a\x00.com", Unchecked.INVALID),
        ("under_score.com", Unchecked.INVALID),
        ("1.2.3", Unchecked.INVALID),
        ("a" * 64 + ".com", Unchecked.INVALID),
        ("a." * 130 + "com", Unchecked.INVALID),
    ],
)
def test_a_host_without_a_domain_says_why(host: str, reason: Unchecked) -> None:
    verdict = reduce_host(host)
    assert (verdict.domain, verdict.unchecked) == (None, reason)


@given(st.text() | st.from_regex(r"[a-zA-Z0-9é☃_.\-]{1,40}", fullmatch=True))
@example("\ud800.com")
@example("xn--.com")
def test_any_text_gets_a_verdict_that_is_bounded_and_stable(text: str) -> None:
    verdict = reduce_host(text)
    assert (verdict.domain is None) == (verdict.unchecked is not None)
    assert len(verdict.host) <= 255
    if verdict.domain:
        assert verdict.domain.isascii()
        assert verdict.domain == verdict.domain.lower()
        assert ("." + verdict.host).endswith("." + verdict.domain)
        assert reduce_host(verdict.domain).domain == verdict.domain
        assert to_unicode(verdict.domain)


def test_unicode_is_shown_for_valid_labels_only() -> None:
    assert to_unicode("xn--bcher-kva.de") == "bücher.de"
    assert to_unicode("xn--n3h.net") == "xn--n3h.net"
    assert to_unicode("xn--.com") == "xn--.com"


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        ("paypal.com", False),
        ("p\u0430ypal.com", True),  # Cyrillic
        ("пример.com", False),
        ("日本語カナabc.jp", False),
        ("한국abc.kr", False),
        ("\u03b1bc.com", True),
        ("shop-24.de", False),
    ],
)
def test_mixed_scripts_are_told(name: str, *, mixed: bool) -> None:
    domain = reduce_host(name).domain
    assert domain is not None
    assert mixed_script(domain) is mixed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("alice@example.com", ("alice", "example.com")),
        (" bob+tag@Example.com ", ("bob+tag", "Example.com")),
        ('"a b@c"@example.com', ('"a b@c"', "example.com")),
        ("ünï@bücher.de", ("ünï", "bücher.de")),
    ],
)
def test_an_address_is_split_at_its_last_at(text: str, parts: tuple[str, str]) -> None:
    assert split_email(text) == parts


@pytest.mark.parametrize(
    "text", ["", "nobody", "@host.com", "local@", "a b@host.com", "a@ho st.com", "a\n@b.com", "x" * 320 + "@a.com"]
)
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z@ ]+$"):
        split_email(text)


@given(st.from_regex(r"[A-Z0-9]{8,20}", fullmatch=True))
def test_the_reason_never_contains_the_address(secret: str) -> None:
    for text in (secret, f"{secret} x@host.com", f"@{secret}", f"{secret}@", f"x@{secret} y"):
        with pytest.raises(ValueError, match=r"^[a-z@ ]+$") as caught:
            split_email(text)
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("local", "masked"),
    [
        ("alice", "a•••e"),
        ("dave", "d•••e"),
        ("bob", "b•••"),
        ("al", "•••"),
        ("a", "•••"),
        (None, "•••"),
        ("x\u202ealicex", "x•••x"),
    ],
)
def test_a_masked_address_keeps_its_host_and_little_else(local: str | None, masked: str) -> None:
    assert mask(local, "host.com") == f"{masked}@host.com"


@pytest.mark.parametrize("domain", ["a.github.io", "victim.uk.com"])
def test_a_name_under_a_private_suffix_is_not_the_registrys(domain: str) -> None:
    assert under_private_suffix(domain)


@pytest.mark.parametrize("domain", ["example.com", "a.co.uk", "a.com.br", "github.com", "a.unknown-tld"])
def test_a_name_under_a_registrys_own_suffix_is(domain: str) -> None:
    assert not under_private_suffix(domain)

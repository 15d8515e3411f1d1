from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers.whois.charset import decode_reply


@pytest.mark.parametrize(
    ("text", "encoding", "tld"),
    [
        ("Titular: Muñoz", "utf-8", "cl"),
        ("ドメイン名", "iso2022_jp", "jp"),
        ("ドメイン名", "euc_jp", "jp"),
        ("域名", "gb18030", "cn"),
        ("도메인이름", "euc_kr", "kr"),
        ("Жизнь", "koi8_r", "ru"),
        ("Жизнь", "cp1251", "by"),
        ("Encoding: iso-8859-2\nŁódź", "iso8859_2", "zz"),
        ("charset=windows-1251\nЖизнь", "cp1251", "zz"),
        ("Muñoz", "latin-1", "cl"),
    ],
)
def test_the_characters_come_out(text: str, encoding: str, tld: str) -> None:
    assert decode_reply(text.encode(encoding), tld) == text


def test_a_mark_in_front_is_dropped() -> None:
    assert decode_reply("\ufeffNo match".encode(), "zz") == "No match"


@pytest.mark.parametrize(
    "declared", ["charset=base64", "encoding: rot13", "encoding: utf-99", "charset=unicode-escape"]
)
def test_a_declared_encoding_that_is_none_is_passed_over(declared: str) -> None:
    assert decode_reply(f"{declared}\n".encode() + b"\xff", "zz") == f"{declared}\n\xff"


@given(st.binary(max_size=200), st.sampled_from(["jp", "cn", "kr", "ru", "zz"]))
def test_any_bytes_are_text(body: bytes, tld: str) -> None:
    assert isinstance(decode_reply(body, tld), str)

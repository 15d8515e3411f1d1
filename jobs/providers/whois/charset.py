"""Which characters a WHOIS reply is written in: the protocol does not say (RFC 3912, section 4)."""

from __future__ import annotations

import re

_DECLARED = re.compile(rb"(?:charset|encoding|encoded (?:with|in))[\s:=]+[\"']?([A-Za-z0-9_-]{3,20})", re.IGNORECASE)
_KNOWN = re.compile(
    r"(?:iso[-_]?(?:8859|2022)|windows-?125|cp125|koi8|euc|gb|big5|shift|utf-?8|latin|tis)", re.IGNORECASE
)
_ESCAPE = b"\x1b$"

_OF_TLD = {
    "jp": ("iso2022_jp", "euc_jp", "shift_jis"),
    "cn": ("gb18030",),
    "xn--fiqs8s": ("gb18030",),
    "xn--fiqz9s": ("gb18030",),
    "tw": ("big5",),
    "hk": ("big5",),
    "kr": ("euc_kr",),
    "xn--3e0b707e": ("euc_kr",),
    "ru": ("koi8_r",),
    "su": ("koi8_r",),
    "xn--p1ai": ("koi8_r",),
    "ua": ("koi8_u",),
    "by": ("cp1251",),
    "bg": ("cp1251",),
    "kz": ("cp1251",),
    "gr": ("iso8859_7",),
    "il": ("iso8859_8",),
    "tr": ("iso8859_9",),
    "th": ("tis_620",),
    **dict.fromkeys(("pl", "cz", "sk", "hu", "ro", "hr", "si", "rs"), ("iso8859_2",)),
}


def decode_reply(body: bytes, tld: str) -> str:
    """Return a reply as text; never fails, since the last resort (Latin-1) reads any byte.

    Tried in turn: UTF-16 by its mark (editors save it), ISO 2022 by its escapes, UTF-8, what the reply declares, what
    the TLD's server is known for.
    """
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    if _ESCAPE in body:
        return body.decode("iso2022_jp", "replace")
    for name in ("utf-8-sig", *_declared(body), *_OF_TLD.get(tld, ())):
        try:
            return body.decode(name)
        except (LookupError, UnicodeError):
            continue
    return body.decode("latin-1")


def _declared(body: bytes) -> tuple[str, ...]:
    """Return the encoding that a reply says it has, where it is one of text."""
    found = _DECLARED.search(body)
    name = found[1].decode("ascii") if found else ""
    return (name,) if _KNOWN.match(name) else ()

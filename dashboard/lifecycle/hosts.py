"""The part after the @: normalised, reduced to its registrable domain, and shown safely."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import idna
from publicsuffixlist import PublicSuffixList

MAX_HOST = 253
MAX_LABEL = 63
MAX_INPUT = 1024
"""Characters; more than any host takes in any spelling."""
MAX_ADDRESS = 320
"""64 octets, an @ and 255 octets: the most RFC 5321 allows in its parts."""

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # IDNA's other full stops (UTS 46)
_SPECIAL = (
    # RFC 6761, 6762, 7686, 8375, 9476 and ICANN's reservation of .internal (2024)
    *("localhost", "test", "invalid", "example", "local", "onion", "home.arpa", "alt", "internal"),
)


class Unchecked(StrEnum):
    """Why a host has no domain to check."""

    PUBLIC_SUFFIX = "public_suffix"
    IP_LITERAL = "ip_literal"
    SPECIAL_USE = "special_use"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class HostVerdict:
    """A host as stored: lower-case A-labels, and either its registrable domain or the reason why there is none."""

    host: str
    domain: str | None
    unchecked: Unchecked | None


@cache
def _suffixes() -> PublicSuffixList:
    """Load the list once, ICANN *and* private sections: under `uk.com` a name lapses as it does under `com`."""
    return PublicSuffixList()


def reduce_host(host: str) -> HostVerdict:
    """Normalise `host` (UTS 46, non-transitional) and find its registrable domain; never raises.

    An invalid host comes back lower-cased, printable and bounded, so that it can be stored and shown.
    """
    text = host.strip()
    literal = _ip_literal(text)
    if literal is not None:
        return HostVerdict(literal, None, Unchecked.IP_LITERAL)
    name = _to_ascii(text)
    if name is None:
        shown = "".join(ch for ch in text.lower() if ch.isprintable())[:MAX_HOST]
        return HostVerdict(shown, None, Unchecked.INVALID)
    if any(name == special or name.endswith(f".{special}") for special in _SPECIAL):
        return HostVerdict(name, None, Unchecked.SPECIAL_USE)
    domain = _suffixes().privatesuffix(name)
    if domain is None:
        return HostVerdict(name, None, Unchecked.PUBLIC_SUFFIX)
    if "_" in domain:  # fine in a host below, never in a registration
        return HostVerdict(name, None, Unchecked.INVALID)
    return HostVerdict(name, domain, None)


@cache
def _icann_suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)


def under_private_suffix(domain: str) -> bool:
    """Whether a domain hangs on a private suffix (`a.github.io`): the TLD's registry knows nothing of it."""
    return _icann_suffixes().privatesuffix(domain) != domain


def _ip_literal(text: str) -> str | None:
    """Return the literal's canonical text for `[192.0.2.1]`, `[IPv6:..]` or a bare address, else None."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    inner = inner[5:] if inner[:5].lower() == "ipv6:" else inner
    if not inner[-1:].isdigit() and ":" not in inner:
        return None  # the library takes longer to say so than all else here
    try:
        return f"[{ipaddress.ip_address(inner)}]"
    except ValueError:
        return None


def _to_ascii(text: str) -> str | None:
    """Return the lower-case A-label form without a trailing dot, or None where `text` is no host name."""
    if len(text) > MAX_INPUT:
        return None
    try:
        mapped = text.lower() if text.isascii() else idna.uts46_remap(text, std3_rules=False, transitional=False)
        labels = [_a_label(label) for label in _DOTS.split(mapped.removesuffix("."))]
    except (idna.IDNAError, UnicodeError):
        return None
    name = ".".join(labels)
    # An all-digit last label is a mistyped address, never a top-level domain (RFC 3696).
    if len(name) > MAX_HOST or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        return None
    return name


def _a_label(label: str) -> str:
    """Encode one mapped label; names from before IDNA 2008 (emoji) exist and lapse too, so they keep their code."""
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:
        return "xn--" + label.encode("punycode").decode("ascii")


def to_unicode(domain: str) -> str:
    """Show A-labels in Unicode; a label that is not valid IDNA 2008 stays as it is, so nothing can hide in it."""
    return ".".join(_u_label(label) for label in domain.split("."))


def _u_label(label: str) -> str:
    """Decode one label, or leave it."""
    if not label.startswith("xn--"):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


_TOGETHER = (
    # Scripts written together in one language (UTS 39, "highly restrictive")
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
)


def mixed_script(domain: str) -> bool:
    """Whether a label mixes scripts that no language writes together (Latin with a look-alike from Cyrillic)."""
    return any(_mixed(label) for label in to_unicode(domain).split("."))


def _mixed(label: str) -> bool:
    """Judge one label by the script words of its characters' names."""
    scripts = {_script(ch) for ch in label if ch.isalpha()} - {""}
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER)


def _script(character: str) -> str:
    """Return the script by the Unicode name's first word; "" for characters that many scripts share."""
    word = unicodedata.name(character, "").partition(" ")[0]
    return {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "KATAKANA-HIRAGANA": "", "MODIFIER": ""}.get(word, word)


def split_email(text: str) -> tuple[str, str]:
    """Split an address at its last @ into `(local, host)`, tolerant of everything a mailbox may be called.

    Raises ValueError with a reason that never contains the address (it goes to logs and reject files).
    """
    local, at, host = text.strip().rpartition("@")
    reasons = {
        "no @ sign": not at,
        "nothing before the @": not local,
        "nothing after the @": not host,
        "longer than an address can be": len(text) > MAX_ADDRESS,
        "control characters": not text.strip().isprintable(),
        "spaces after the @": any(ch.isspace() for ch in host),
        "spaces before the @": any(ch.isspace() for ch in local) and not local.startswith('"'),
    }
    for reason, applies in reasons.items():
        if applies:
            raise ValueError(reason)
    return local, host


def mask(local: str | None, host: str) -> str:
    """Show an address without giving it away: `a•••e@host`; of short local parts less or nothing is shown."""
    known = "".join(ch for ch in local or "" if ch.isprintable())
    first = known[0] if len(known) > 2 else ""
    last = known[-1] if len(known) > 3 else ""
    return f"{first}•••{last}@{host}"

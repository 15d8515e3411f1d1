"""What is kept of a raw WHOIS reply: the registration, not the persons in it."""

from __future__ import annotations

import re

from jobs.providers.whois.labels import Role, role_of
from jobs.providers.whois.lines import Field, Line, split_field, split_lines, walk

TAKEN_OUT = "[redacted]"

_EMAIL = re.compile(r"[^\s@<>:;,()]{1,64}@[^\s@<>:;,()]{1,253}")
_PHONE = re.compile(r"(?<![\w.:-])\+\s?\d[\d ()./-]{5,}\d")
_KEPT_LABELS = re.compile(
    r"^(?:dnssec|ds(?: data| record)?|dnskey|nsstat|nslastaa|free.date|outzone|delete|date.(?:to|out).\w+|source"
    r"|(?:sponsoring )?registrar (?:iana id|url)|whois server|query.datetime|version)\b",
    re.IGNORECASE,
)


def redacted(text: str) -> bytes:
    """Return the reply as UTF-8 without contact data.

    Kept are remarks, headings, and the lines of domain, states, dates, registrar and name servers; every other value
    is taken out, known or not, and mail addresses and telephone numbers everywhere.
    """
    lines = split_lines(text)
    return "\n".join(_without_repeats([_shown(line, field) for line, field in walk(lines)])).encode()


def redacted_answer(text: str) -> bytes:
    """Return a reply that holds no registration ("not found") as UTF-8, without mail addresses and telephones."""
    return _masked(text).encode()


def _shown(line: Line, field: Field | None) -> str:
    if line.is_remark:
        return _masked(line.text) if _is_harmless(line.text.lstrip("%#;> ")) else TAKEN_OUT
    if field is None:
        bare = split_field(line.text)
        is_heading = bool(bare and not bare[1]) or role_of(line.text) is not Role.OTHER
        return line.text if is_heading and len(line.text) < 60 else TAKEN_OUT
    if field.role not in {Role.OTHER, Role.CONTACT, Role.SECTION} or _KEPT_LABELS.match(field.label):
        return _masked(line.text)
    return f"{field.label}: {TAKEN_OUT}" if field.label in line.text else TAKEN_OUT


def _is_harmless(remark: str) -> bool:
    """Whether a remark is none of those that hide a contact's data: `% Registrant: NAME`."""
    bare = split_field(remark)
    return bare is None or not bare[1] or role_of(bare[0]) is not Role.CONTACT


def _masked(text: str) -> str:
    return _PHONE.sub(TAKEN_OUT, _EMAIL.sub(TAKEN_OUT, text))


def _without_repeats(shown: list[str]) -> list[str]:
    return [
        text for number, text in enumerate(shown) if text != TAKEN_OUT or shown[number - 1 : number] != [TAKEN_OUT]
    ]

"""What a WHOIS server says in plain sentences: that it has no such name, that it refuses, or that it is out of order.

Every phrase is anchored at the start of a line (stripped of marks and codes), so that terms of use, which talk of
limits, names not found and refusals all the time, do not speak for the domain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

from dashboard.lifecycle.evidence import ErrorKind
from jobs.providers.whois import wordings
from jobs.providers.whois.lines import Line

MAX_SENTENCE = 160
"""Characters of a line that can still be an answer rather than a part of the terms of use."""

MAX_PARAGRAPH = 4
"""Lines that may stand together and still be answers, each by itself; of a longer paragraph only the first counts."""

_NAME = re.compile(r"(?<![\w@.-])(?:[\w-]{1,63}\.)+(?:[^\W\d_]{2,24}|xn--[\w-]+)\.?(?![\w@-])")
_ASIDE = re.compile(r"\b(?:https?://|(?:www|whois|rdap|web-whois)\.)\S+", re.IGNORECASE)
_CODES = wordings.any_of(
    r"[\W_]+",
    r"(?:error|whois error|info|notice|result|warning|response|status|answer|message)\b[\s:.#-]*",
    r"-?\d{1,4}\b[\s:.-]+",
)
_LEAD = re.compile(f"^{_CODES}+")
_MANNERS = re.compile(
    r"^(?:(?:sorry|unfortunately|but|we are sorry|we re sorry|desole|lo sentimos|regret\w*|there is|there are)\b ?)+"
)
_SPARED = re.compile(r"\b(?:have|has|did|was) not (?:yet )?(?:exceed|reach|been exceeded|been reached)")
_TROUBLES = (
    (wordings.THROTTLED, ErrorKind.THROTTLED),
    (wordings.REFUSED, ErrorKind.REFUSED),
    (wordings.BROKEN, ErrorKind.SERVER_ERROR),
    (wordings.INVALID, ErrorKind.UNSUPPORTED),
)


_GOES_ON = frozenset({"is", "are", "was", "were", "has", "have", "still", "currently", "available", "free"})


class Verdict(StrEnum):
    """What a sentence says of the name."""

    ABSENT = "absent"
    TAKEN = "taken"
    RESERVED = "reserved"


def sentences(lines: Sequence[Line]) -> list[str]:
    """Return the lines that may be an answer: not those within long paragraphs, which are terms of use.

    In lower case, without marks in front and accents; names of domains stand as NAME.
    """
    found = ((line, canonical(line.text)) for line in lines if line.follows_blank or line.paragraph <= MAX_PARAGRAPH)
    return [text for line, text in found if text and len(text) <= MAX_SENTENCE and not _is_a_rest(line, text)]


def _is_a_rest(line: Line, text: str) -> bool:
    """Whether a line in a remark ends the sentence above it: `% whether a domain name / % is still available`."""
    return line.is_remark and not line.follows_blank and (" " not in text or text.split(maxsplit=1)[0] in _GOES_ON)


def canonical(text: str) -> str:
    """Return a line as a sentence: lower case, no marks, codes and accents; names of domains stand as NAME."""
    bare = _LEAD.sub("", without_accents(text.lower())).replace('"', "").replace("'", "").rstrip(" .!*<;")
    named = _NAME.sub("NAME", re.sub(r"[<>\[\]()“”«»„]", " ", bare))
    return _MANNERS.sub("", " ".join(re.sub(r"[,:_]", " ", named).split()))


def without_accents(text: str) -> str:
    """Return a text with its letters bare."""
    if text.isascii():
        return text
    bare = "".join(ch for ch in unicodedata.normalize("NFD", text) if not unicodedata.combining(ch))
    return unicodedata.normalize("NFC", bare)


def names_in(text: str) -> list[str]:
    """Return the domain names that a line mentions, in lower case."""
    return [match.rstrip(".") for match in _NAME.findall(text.lower())]


def subjects_in(text: str) -> list[str]:
    """Return the domain names that a line is about: without those of servers and pages that it names besides."""
    return names_in(_ASIDE.sub(" ", text))


def verdict_of(sentence: str) -> Verdict | None:
    """Return what one sentence says of the name, or None."""
    if wordings.NOT_FOUND.match(sentence) and wordings.HELD_BACK.search(sentence):
        return Verdict.RESERVED
    if wordings.NOT_FOUND.match(sentence) and not wordings.NEVER_NOT_FOUND.search(sentence):
        return Verdict.ABSENT
    if wordings.RESERVED.match(sentence):
        return Verdict.RESERVED
    return Verdict.TAKEN if wordings.TAKEN.match(sentence) else None


def state_of(sentence: str) -> str | None:
    """Return the state that a sentence tells of the name, or None: `brelwick.nl is in quarantine`."""
    told = wordings.STATE.match(sentence)
    return told[1] if told else None


def trouble_of(sentence: str) -> ErrorKind | None:
    """Return the kind of fault that a sentence reports, or None."""
    if _SPARED.search(sentence):
        return None
    kind = next((kind for pattern, kind in _TROUBLES if pattern.search(sentence)), None)
    if kind is None or (wordings.LEGAL.search(sentence) and not wordings.PLAIN.match(sentence)):
        return None
    return kind

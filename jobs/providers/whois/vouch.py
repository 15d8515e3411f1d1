"""What may stand beside a "no such name": an answer that frees a name must have nothing else of substance in it.

The other way round than looking for faults, whose wordings nobody can list: each statement of the reply has to be
one that servers send with every answer (their terms, their banner, a date, a link). Whatever speaks of the service's
state, or cannot be read, makes the reply a fault; that costs a second look-up, and the reverse somebody's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jobs.providers.whois.labels import DATED, Role
from jobs.providers.whois.lines import Line, walk
from jobs.providers.whois.notices import is_fault_abroad
from jobs.providers.whois.phrases import canonical, without_accents
from jobs.providers.whois.statements import (
    ABSENT,
    CODE,
    FORMS,
    IN_DOUBT,
    READ_ELSEWHERE,
    RULES,
    SERVICE,
    SIGNS,
    TERMS,
    UNEXCUSED,
)
from jobs.providers.whois.vocabulary import VOCABULARY
from jobs.providers.whois.wordings import NOT_FOUND

MIN_WRAPPED = 40
"""Characters of a line from which the next one may go on with its sentence."""

MIN_FULL = 58
"""Characters of a line that is as long as its server's lines get."""

_ANSWER = frozenset({Role.DOMAIN, Role.STATUS, Role.STATE, Role.NAMESERVER, Role.REGISTRAR, Role.REFERRAL}) | DATED
"""Labels of an answer's own lines: only their values have to be vouched for."""

_HEADINGS = frozenset({"% Error"})
"""What a server writes above every "no such name"."""

_END = re.compile(r"(?<=[.!?])\s+")
_ENDS = re.compile(r"[.!?:]\W*$")
_MAILBOX = re.compile(r"\S+@\S+")
_WORD = re.compile(r"[^\W\d_]{3,}|[^\x00-\u024f]{2,}")
_LINK = re.compile(r"https?\b\S*(?: //\S*)?|NAME/\S*")
_OF_TLD = re.compile(r"\.\w+")
_OF_LABEL = re.compile(r"\bfor [\w-]+$")
_OF_REGISTRY = re.compile(r"\b(?:registry|database|nic)\b| to \w+$")
_NAMED = re.compile(r"https?://\S+|[\w-]+(?:\.[\w-]+)+")
MIN_LONG = 13
"""Words from which a sentence is one of terms by its words alone, and not by its wording."""

MIN_FOREIGN = 10
"""Words of a sentence that is one of terms even where half of them are strange."""

MIN_NAMED = 6
"""Words of a statement from which one in four may be strange: names of registries and firms."""

MAX_ABSENT = 40
"""No "no such name" is so long: there strange words are names of registries, or trouble."""


def unvouched(lines: Sequence[Line]) -> str | None:
    """Return the first statement beside a "no such name" that no server sends with a good answer, or None."""
    return next((text for text in _statements(lines) if not _is_vouched(text)), None)


def _statements(lines: Sequence[Line]) -> Iterator[str]:
    """Yield the sentences that are not read as data; a long line's sentence may go on below."""
    parts: list[str] = []
    for line, field in walk(list(lines)):
        if field is not None and field.role in _ANSWER and field.label in line.text:
            yield field.value
            continue
        if parts and (line.follows_blank or not _goes_on(parts[-1], line.text)):
            yield from _END.split(" ".join(parts))
            parts = []
        if line.text in _HEADINGS:
            continue
        parts.append(line.text.strip("%#;*<>& "))
    yield from _END.split(" ".join(parts))


def _goes_on(above: str, text: str) -> bool:
    """Whether a line is the rest of the one above: that one is full, or breaks off, and no new sentence begins."""
    if _ENDS.search(above) or len(above) < MIN_WRAPPED:
        return False
    return len(above) >= MIN_FULL or not text.lstrip("%#;* ")[:1].isupper()


def _is_vouched(text: str) -> bool:
    """Whether one statement is of those that come with every answer."""
    text = _MAILBOX.sub(" ", text)
    said = canonical(text).rstrip(" .)]")
    if SIGNS.search(text) or UNEXCUSED.search(said):
        return False
    if FORMS.search(said):
        return True
    absent = NOT_FOUND.match(said)
    if absent is not None:
        return _is_plainly_absent(said, text, absent.end())
    if RULES.search(said) or (len(said.split()) >= MIN_LONG and TERMS.search(said)):
        return True
    if SERVICE.search(" ".join(_NAMED.sub(" ", text.lower()).split())) or CODE.search(said):
        return False
    return _is_readable(said, text)


def _is_plainly_absent(said: str, text: str, end: int) -> bool:
    """Whether a "no such name" says that and no more."""
    rest = ABSENT.sub(" ", said)
    if SERVICE.search(rest) or CODE.search(rest) or IN_DOUBT.search(said):
        return False
    return (not said.isascii() and not _WORD.search(said, end)) or _is_readable(
        _OF_LABEL.sub(" ", rest), text, MAX_ABSENT
    )


def _is_readable(said: str, text: str, many: int = MIN_NAMED) -> bool:
    """Whether the words are those of banners, but for some names."""
    if not said.isascii() and READ_ELSEWHERE.search(said):
        return True
    words = _WORD.findall(_LINK.sub(" NAME ", _OF_TLD.sub(" ", said)).replace("NAME", " the "))
    strange = [word for word in words if word not in VOCABULARY]
    if many == MAX_ABSENT and not _OF_REGISTRY.search(said):
        return not strange
    if len(words) >= max(many, MIN_FOREIGN):
        return 2 * len(strange) <= len(words) and not is_fault_abroad(said)
    if len(words) >= many:
        return 4 * len(strange) <= len(words)
    # A name has capitals within; in a line of capitals nothing tells it from a word.
    return not strange or (len(strange) < len(words) and not text.isupper() and all(_named(w, text) for w in strange))


def _named(word: str, text: str) -> bool:
    found = re.search(re.escape(word), without_accents(text), re.IGNORECASE)
    return found is not None and any(ch.isupper() for ch in found[0][1:])

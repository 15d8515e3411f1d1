"""From a WHOIS text to labelled lines. RFC 3912 gives no grammar; five ways of writing cover what servers send.

`label: value`, `[label] value`, `label` and `value` in columns, a heading with its values on the lines below, and
prose (`Record expires on 2030-01-31`). Lines that begin with `%`, `#`, `;` or `>>` are remarks: never data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.providers.whois.labels import DATED, Role, is_generic, role_of

MAX_LINES = 3000
MAX_LINE = 1000

_BRACKET = re.compile(r"^(?:[a-z]{1,2}\.?\s+)?\[([^\]]{1,60})\]\s*(.*)$", re.IGNORECASE)
_COLON = re.compile(r"^([^:]{1,70}?)[\s.]*+:(?!//)\s*(.*)$")
_COLUMNS = re.compile(r"^([^\W\d][^\t]{1,40}?)(?:\t+| {2,}|#?\s*+(?:\. ?){3,}+:? *)(\S.*)$")
_PROSE = re.compile(r"^([^\d:]{4,60}?(?: on| at| until| date)?)[\s.:]+((?:[A-Za-z]{3} )?[A-Za-z]{0,3} ?\d.*)$")
_NESTED = re.compile(r"^([A-Za-z][A-Za-z -]{2,30}):(.*)$")
_HEADING = re.compile(r"^\W{0,3}\s*([^\W\d][^:\d]{2,50}?)\s*:?$")
_REMARKS = frozenset("%#;")
_BOXED = re.compile(r"\[ .{50,} ?\]$")
_WORDY = re.compile(r"\w")
_NAMES_OF_REGISTRAR = frozenset(
    {"name", "organization", "organisation", "org", "organization name", "registrar", "registrar name"}
)
_ADORNED = re.compile(r"^(?:(?:\*{2,}|-{2,}|={2,})\s*|\d{1,2}[a-z]?[.)]\s+)")


@dataclass(frozen=True, slots=True)
class Field:
    """One labelled value; `role` is what its label means where it stands."""

    role: Role
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its indentation.

    `follows_blank`: nothing, or a line without a word, stands before it. `paragraph`: how many lines stand together.
    """

    text: str
    indent: int
    is_remark: bool
    follows_blank: bool
    paragraph: int = 1


def split_lines(text: str) -> list[Line]:
    """Return the lines that are not empty, bounded in number and length."""
    lines: list[Line] = []
    paragraph: list[tuple[str, int, bool]] = []
    for raw in text.replace("\r\n", "\n").replace("\r", "\n").split("\n", MAX_LINES)[:MAX_LINES]:
        stripped = raw.strip()
        is_remark = stripped[:1] in _REMARKS or stripped.startswith(">>") or _BOXED.match(stripped) is not None
        if paragraph and (is_remark != paragraph[-1][2] or not _WORDY.search(stripped)):
            lines.extend(_paragraph(paragraph))
            paragraph = []
        if _WORDY.search(stripped):
            indent = len(raw.expandtabs()) - len(raw.lstrip().expandtabs())
            paragraph.append((stripped[:MAX_LINE], indent, is_remark))
    return lines + _paragraph(paragraph)


def _paragraph(parts: list[tuple[str, int, bool]]) -> list[Line]:
    return [Line(*part, follows_blank=number == 0, paragraph=len(parts)) for number, part in enumerate(parts)]


def read_fields(lines: list[Line]) -> list[Field]:
    """Return the labelled values in their order."""
    return [field for _, field in walk(lines) if field is not None]


def walk(lines: list[Line]) -> Iterator[tuple[Line, Field | None]]:
    """Yield each line with the value it holds, None for remarks, headings and loose text."""
    reader = _Reader(lines)
    for number, line in enumerate(lines):
        yield line, reader.read(line, number)


class _Reader:
    """Walks the lines, remembering which heading and which object's block they stand under."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        self._heading: str | None = None
        self._heading_indent = 0
        self._items = 0
        self._in_contact = False
        self._last: Field | None = None
        self._last_indent = 0

    def read(self, line: Line, number: int) -> Field | None:
        """Return the value in line `number`; lines are read in their order."""
        if line.is_remark:
            self._remark(line)
            self._last = None
            return None
        if line.follows_blank and (self._items or self._heading is None):
            self._heading, self._in_contact = None, False
        found = split_field(line.text)
        return self._loose(line, number) if found is None else self._labelled(line, number, *found)

    def _remark(self, line: Line) -> None:
        """Some servers write their headings as remarks; an object's block ends there all the same."""
        words = line.text.lstrip("%#; ")
        self._heading = None
        if words and len(words) < 60 and role_of(words) is Role.CONTACT:
            self._in_contact = True

    def _labelled(self, line: Line, number: int, label: str, value: str) -> Field | None:
        role = role_of(label)
        if not value:
            if self._begins_section(line, number, role):
                self._open(label, role, line)
            return None
        if line.follows_blank and self._heading is None:
            self._in_contact = role is Role.CONTACT
        if self._heading is not None:
            is_outside = line.follows_blank and role is not Role.OTHER and line.indent <= self._heading_indent
            if is_outside or line.indent < self._heading_indent:
                self._heading, self._in_contact = None, role is Role.CONTACT
            self._items += 1
        self._last, self._last_indent = Field(self._placed(role, label), label, value), line.indent
        return self._last

    def _placed(self, role: Role, label: str) -> Role:
        """Return what a role means where it stands: a contact's own dates and states are not the domain's."""
        heading = role_of(self._heading) if self._heading else None
        if heading is Role.REGISTRAR:
            if label.strip().lower() in _NAMES_OF_REGISTRAR:
                return Role.REGISTRAR
            return Role.OTHER if is_generic(label) else role
        if heading is Role.DOMAIN and label.strip().lower() == "name":
            return Role.DOMAIN
        if heading is Role.NAMESERVER and role is Role.OTHER:
            return Role.NAMESERVER
        return Role.CONTACT if self._in_contact and is_generic(label) else role

    def _loose(self, line: Line, number: int) -> Field | None:
        """Read a line without a label of its own: a value under a heading, a heading, or prose."""
        prose = _prose(line.text)
        if prose is not None:
            return prose
        last = self._last
        if last is not None and last.role is Role.NAMESERVER and line.indent > self._last_indent:
            return Field(Role.NAMESERVER, last.label, line.text)
        heading = _HEADING.match(line.text)
        role = role_of(heading[1]) if heading else Role.OTHER
        if heading and role is not Role.OTHER and self._begins_section(line, number, role):
            self._open(heading[1], role, line)
            return None
        if self._heading is None:
            return None
        self._items += 1
        return Field(role_of(self._heading), self._heading, line.text)

    def _begins_section(self, line: Line, number: int, role: Role) -> bool:
        """Whether a label without a value is a heading rather than a field that was left empty."""
        if number + 1 >= len(self._lines):
            return False
        following = self._lines[number + 1]
        if following.is_remark:
            return line.follows_blank
        if role is Role.OTHER and self._heading is not None and line.indent > self._heading_indent:
            return False
        if following.indent > line.indent or split_field(following.text) is None:
            return True
        return line.follows_blank and not following.follows_blank

    def _open(self, label: str, role: Role, line: Line) -> None:
        self._heading, self._heading_indent, self._items = label, line.indent, 0
        self._in_contact = role is Role.CONTACT


def split_field(text: str) -> tuple[str, str] | None:
    """Split a line into label and value (empty for a bare label), or None when it has no label."""
    bracket = _BRACKET.match(text)
    if bracket:
        return bracket[1], bracket[2].strip()
    bare = _ADORNED.sub("", text)
    colon = _COLON.match(bare)
    if colon and _is_label(colon[1]):
        return _nested(colon[1], colon[2].strip())
    columns = _COLUMNS.match(bare)
    if columns and not columns[1].endswith(".") and role_of(columns[1]) not in {Role.OTHER, Role.SECTION}:
        return columns[1], columns[2].strip()
    return None


def _nested(label: str, value: str) -> tuple[str, str]:
    """Undo RWhois's `class:attribute:value` (RFC 2167)."""
    inner = _NESTED.match(value) if label.lower() in {"domain", "network"} else None
    if inner and role_of(inner[1]) is not Role.OTHER:
        return inner[1], inner[2].strip()
    if value.startswith(("!", "|-")):  # YAML's tags and block marks: the value is on the lines below
        return label, ""
    return label, value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _is_label(text: str) -> bool:
    """Whether what stands before a colon is a label: words, neither a sentence, a clock nor the scheme of a link."""
    if len(text.split()) > 7 or not any(ch.isalpha() for ch in text):
        return False
    lowered = text.lower()
    return not lowered.endswith(("http", "https", "ftp", "mailto")) and not _ends_in_clock(text)


def _ends_in_clock(text: str) -> bool:
    return text[-1].isdigit() and any(ch.isdigit() for ch in text[:-1]) and role_of(text) in DATED | {Role.OTHER}


def _prose(text: str) -> Field | None:
    """Read `Record expires on DATE`; a bare `Last updated on` is the database's own time."""
    match = _PROSE.match(text)
    if match is None:
        return None
    role = role_of(match[1])
    if role not in DATED or (role is Role.CHANGED and match[1].lower().startswith("last")):
        return None
    return Field(role, match[1], match[2])

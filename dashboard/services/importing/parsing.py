"""A block of lines becomes chunks of checked rows and a list of bad ones: pure, so a second process can do it."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dashboard.services.importing.chunk import Chunk
from dashboard.services.importing.csv_rows import LineParser
from dashboard.services.importing.lines import Block, Flaw
from dashboard.services.importing.repeats import marks_of
from dashboard.services.importing.values import BadRowError

CHUNK_ROWS = 10_000
CHUNK_ITEMS = 15_000
"""An account line may carry many items; a chunk's transaction must stay short."""

_ADDRESS = re.compile(r"([^\s,;:\"'<>@\\]{1,64})@([A-Za-z0-9.-]{1,253})")
_LOOKED_AT = 4096

Bad = tuple[int, str] | tuple[int, str, str, str]
"""A bad row's line, the reason, and where an address was seen in it, its local part and host."""


@dataclass(frozen=True, slots=True)
class Sheaf:
    """A chunk as it is spooled, and the marks of the ids in it."""

    packed: bytes
    accounts: array[int]
    addresses: array[int]


@dataclass(slots=True)
class Parsed:
    """What was made of a block: `rows` data rows, some of them bad; `notices` as of now."""

    rows: int = 0
    sheaves: list[Sheaf] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    notices: tuple[str, ...] = ()


def sheaf_of(chunk: Chunk) -> Sheaf:
    """Pack a chunk and mark its ids."""
    return Sheaf(chunk.packed(), marks_of(chunk.accounts), marks_of([address[1] for address in chunk.addresses]))


@dataclass(frozen=True, slots=True)
class BlockParser:
    """Parses blocks line by line; where chunks end depends on the file alone, so that a second run cuts alike."""

    parse: LineParser
    notices: Callable[[], tuple[str, ...]]

    def __call__(self, block: Block) -> Parsed:
        """Parse a block; nothing in it can make this fail."""
        parsed = Parsed()
        for chunk in self._chunks(block, parsed.bad):
            parsed.rows += chunk.rows
            parsed.sheaves.append(sheaf_of(chunk))
        parsed.notices = self.notices()
        return parsed

    def _chunks(self, block: Block, bad: list[Bad]) -> Iterator[Chunk]:
        chunk = Chunk()
        for number, line in block.lines():
            if not line:
                continue
            if chunk.rows == CHUNK_ROWS or chunk.items > CHUNK_ITEMS:
                yield chunk
                chunk = Chunk()
            chunk.rows += 1
            self._parse(number, line, chunk, bad)
        if chunk.rows:
            yield chunk

    def _parse(self, number: int, line: str | Flaw, chunk: Chunk, bad: list[Bad]) -> None:
        if isinstance(line, Flaw):
            bad.append((number, line.reason))
            return
        try:
            self.parse(number, line, chunk)
        except BadRowError as error:
            found = _ADDRESS.search(line, 0, _LOOKED_AT)
            bad.append((number, str(error), found[1], found[2]) if found else (number, str(error)))

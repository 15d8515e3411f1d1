"""Blocks of whole lines of a byte stream, bounded in length, whatever bytes come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

MAX_LINE = 1024 * 1024
"""Bytes; a longer line is skipped, never held in memory."""
BLOCK = 1000 * 1024
"""Bytes read at a time: up to 10,000 rows of accounts."""
_BOM = b"\xef\xbb\xbf"


class Readable(Protocol):
    """A binary stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a line could not be read as text."""

    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, joined by line feeds; `first` is the number of their first. None: one line that is too long."""

    first: int
    text: bytes | None

    def lines(self) -> Iterator[tuple[int, str | Flaw]]:
        """Yield the lines with their numbers; decoding them together is many times faster than one by one."""
        if self.text is None:
            return iter([(self.first, Flaw(f"longer than {MAX_LINE:,} bytes"))])
        together = _decode(self.text) if len(self.text) <= MAX_LINE else Flaw("")
        apart = map(_decode, self.text.split(b"\n")) if isinstance(together, Flaw) else together.split("\n")
        return zip(count(self.first), apart, strict=False)

    def after_first(self) -> Iterator[Block]:
        """Yield what is left without the first line, if anything is."""
        _, newline, rest = (self.text or b"").partition(b"\n")
        if newline:
            yield Block(self.first + 1, rest)


class Blocks:
    """Iterates over the blocks of a stream, lines numbered from 1, and keeps the SHA-256 of all that was read.

    Where a block ends depends on the stream's bytes alone, not on how they trickle in.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of what was read so far."""
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[Block]:
        """Yield every line without its end; the last one needs none."""
        number = 1
        for text in self._texts():
            yield Block(number, text)
            number += 1 if text is None else text.count(b"\n") + 1

    def _texts(self) -> Iterator[bytes | None]:
        carry, skipping = b"", False
        for read, last in self._read():
            rest = read
            if skipping:
                _, newline, rest = read.partition(b"\n")
                if newline:
                    skipping = False
                    yield None
            if skipping:
                continue
            head, newline, carry = (carry + rest).rpartition(b"\n")
            if last and carry:
                head, newline, carry = head + newline + carry, b"\n", b""
            if newline:
                yield head
            if len(carry) > MAX_LINE:
                carry, skipping = b"", True
        if skipping:
            yield None

    def _read(self) -> Iterator[tuple[bytes, bool]]:
        """Yield what is read, and whether it is the last."""
        read = self._full().removeprefix(_BOM)
        while read:
            following = self._full()
            yield read, not following
            read = following

    def _full(self) -> bytes:
        """Read a whole block, or what is left of the stream."""
        read = bytearray()
        while len(read) < BLOCK and (more := self._stream.read(BLOCK - len(read))):
            read += more
        self._sha256.update(read)
        return bytes(read)


def _decode(raw: bytes) -> str | Flaw:
    """Decode one or more lines; a carriage return before the line feed belongs to the line's end."""
    if b"\0" in raw:
        return Flaw("has a NUL byte")
    if len(raw) > MAX_LINE:
        return Flaw(f"longer than {MAX_LINE:,} bytes")
    try:
        return raw.replace(b"\r\n", b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return Flaw("is not UTF-8")

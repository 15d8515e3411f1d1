"""Lines of a byte stream, bounded in length, whatever bytes come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_LINE = 1024 * 1024
"""Bytes; a longer line is skipped, never held in memory."""
BLOCK = 256 * 1024
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


class Lines:
    """Iterates over `(number, text or Flaw)`, numbers from 1, and keeps the SHA-256 of all that was read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._sha256 = hashlib.sha256()
        self._number = 0

    @property
    def digest(self) -> str:
        """The SHA-256 (hex) of what was read so far."""
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[tuple[int, str | Flaw]]:
        """Yield every line without its end; the last one needs none."""
        carry, skipping = b"", False
        for block in self._blocks():
            rest = block
            if skipping:
                _, newline, rest = block.partition(b"\n")
                if not newline:
                    continue
                skipping = False
                yield self._too_long()
            head, newline, carry = (carry + rest).rpartition(b"\n")
            if newline:
                yield from self._split(head)
            if len(carry) > MAX_LINE:
                carry, skipping = b"", True
        if skipping:
            yield self._too_long()
        elif carry:
            yield from self._split(carry)

    def _blocks(self) -> Iterator[bytes]:
        first = True
        while block := self._stream.read(BLOCK):
            self._sha256.update(block)
            yield block.removeprefix(_BOM) if first else block
            first = False

    def _too_long(self) -> tuple[int, Flaw]:
        self._number += 1
        return self._number, Flaw(f"longer than {MAX_LINE:,} bytes")

    def _split(self, head: bytes) -> Iterator[tuple[int, str | Flaw]]:
        """Split whole lines; decoding them together is many times faster than one by one."""
        together = _decode(head) if len(head) <= MAX_LINE else Flaw("")
        lines = map(_decode, head.split(b"\n")) if isinstance(together, Flaw) else together.split("\n")
        for line in lines:
            self._number += 1
            yield self._number, line


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

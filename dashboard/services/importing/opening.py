"""Opening a file to import: which format, packed or not, from disk or from a pipe."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, cast

from dashboard.services.importing.lines import Readable
from dashboard.services.importing.result import ImportRefusedError

DAMAGED = (EOFError, OSError, zlib.error)
"""What reading a cut-off or damaged file raises."""
_GZIP_MAGIC = b"\x1f\x8b"


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: `stream` gives the unpacked bytes, `position` how many packed ones were used of `size`."""

    name: str
    stream: Readable
    format: Format
    size: int | None
    position: Callable[[], int]


def format_of(path: Path) -> tuple[Format, bool]:
    """Tell the format and whether the file is packed, by its name; `ImportRefusedError` names what is accepted."""
    packed = path.suffix.lower() == ".gz"
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    if suffix not in {".csv", ".ndjson"}:
        raise ImportRefusedError(f"{path.name}: the name must end in .csv, .ndjson, .csv.gz or .ndjson.gz")
    return Format(suffix[1:]), packed


@contextmanager
def opened(source: Path | IO[bytes]) -> Iterator[Opened]:
    """Open a path, or look at the first bytes of a stream to see what it is."""
    if not isinstance(source, Path):
        yield _sniffed(source)
        return
    form, packed = format_of(source)
    try:
        file = source.open("rb")
    except OSError as error:
        raise ImportRefusedError(f"{source.name}: {error.strerror}") from None
    with file:
        yield Opened(source.name, _unpacked(file) if packed else file, form, source.stat().st_size, file.tell)


def _sniffed(stream: IO[bytes]) -> Opened:
    start = stream.read(len(_GZIP_MAGIC))
    text: Readable = _Rejoined(start, stream)
    if start == _GZIP_MAGIC:
        text = _unpacked(text)
    try:
        start = text.read(64)
    except DAMAGED:
        raise ImportRefusedError("standard input: is a damaged gzip stream") from None
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    form = Format.NDJSON if first == b"{" else Format.CSV
    return Opened("standard input", _Rejoined(start, text), form, None, lambda: 0)


def _unpacked(stream: Readable) -> Readable:
    return cast("Readable", gzip.GzipFile(fileobj=cast("IO[bytes]", stream)))


class _Rejoined:
    """A stream whose start was read already."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Return the start first."""
        start, self._start = self._start[:size], self._start[size:]
        return start + self._rest.read(size - len(start)) if len(start) < size else start

"""A bounded number of checked rows on their way into the database, and the spool file in which they wait.

The tuples' fields stand in the order given below. A time is UTC text.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

Row = Sequence[Any]


@dataclass(slots=True)
class Chunk:
    """What is merged in one transaction; `rows` counts the data rows of the file that it stands for.

    accounts: external id -> (username, two_factor, last_active_at, account_created_at);
    addresses: (line, external_id, account, local_part, host, domain, unchecked, verified, verified_at, is_primary,
    state_token); packages: purl -> (name, critical, downloads_30d, last_release_at);
    owners: (line, account, purl, role, other_owners); events: (account, kind, at).
    """

    rows: int = 0
    accounts: dict[str, Row] = field(default_factory=dict)
    addresses: list[Row] = field(default_factory=list)
    packages: dict[str, Row] = field(default_factory=dict)
    owners: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    @property
    def items(self) -> int:
        """How many things other than accounts the chunk holds."""
        return len(self.addresses) + len(self.owners) + len(self.events)

    def packed(self) -> bytes:
        """Return the chunk as one line of JSON."""
        return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def unpacked(cls, line: bytes) -> Self:
        """Return what was packed."""
        return cls(**orjson.loads(line))


class Spool:
    """Chunks in an anonymous file: nothing of it outlives the process, and memory stays flat."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115  closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, packed: bytes) -> None:
        """Put a chunk (`Chunk.packed`) at the end."""
        self._file.write(packed)

    def __iter__(self) -> Iterator[Chunk]:
        """Read the chunks from the first on; the next one is unpacked while the database stores this one."""
        self._file.seek(0)
        with ThreadPoolExecutor(1, "spool") as beside:
            following = beside.submit(self._next)
            while (chunk := following.result()) is not None:
                following = beside.submit(self._next)
                yield chunk

    def _next(self) -> Chunk | None:
        line = self._file.readline()
        return Chunk.unpacked(line) if line else None

    def rewrite(self, chunks: Iterator[Chunk]) -> None:
        """Replace the content by `chunks`, which may be made from the present one."""
        other = Spool(self._directory)
        for chunk in chunks:
            other.add(chunk.packed())
        self._file.close()
        self._file = other._file

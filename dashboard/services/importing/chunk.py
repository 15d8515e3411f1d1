"""A bounded number of checked rows on their way into the database, and the spool file in which they wait.

The tuples' fields stand in the order given below. A time is UTC text.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

CHUNK_ROWS = 5_000
CHUNK_ITEMS = 10_000
"""An account line may carry many items; a chunk's transaction must stay short."""

Row = Sequence[Any]


@dataclass(slots=True)
class Chunk:
    """Rows merged in one transaction; `upto` counts the file's data rows up to and with its last one.

    accounts: external id -> (username, two_factor, last_active_at, account_created_at);
    addresses: (line, external_id, account, local_part, host, domain, unchecked, verified, verified_at, is_primary,
    state_token); packages: purl -> (name, critical, downloads_30d, last_release_at);
    owners: (line, account, purl, role, other_owners); events: (account, kind, at).
    """

    upto: int = 0
    accounts: dict[str, Row] = field(default_factory=dict)
    addresses: list[Row] = field(default_factory=list)
    packages: dict[str, Row] = field(default_factory=dict)
    owners: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    @property
    def items(self) -> int:
        """How many things other than accounts the chunk holds."""
        return len(self.addresses) + len(self.owners) + len(self.events)


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

    def add(self, chunk: Chunk) -> None:
        """Put a chunk at the end; JSON keeps it on one line."""
        self._file.write(orjson.dumps(chunk, option=orjson.OPT_APPEND_NEWLINE))

    def __iter__(self) -> Iterator[Chunk]:
        """Read the chunks from the first on."""
        self._file.seek(0)
        for line in self._file:
            yield Chunk(**orjson.loads(line))

    def rewrite(self, chunks: Iterator[Chunk]) -> None:
        """Replace the content by `chunks`, which may be made from the present one."""
        other = Spool(self._directory)
        for chunk in chunks:
            other.add(chunk)
        self._file.close()
        self._file = other._file

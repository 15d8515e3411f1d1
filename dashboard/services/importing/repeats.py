"""Which ids occur twice in a file of any length, in bounded memory.

Only a 64-bit hash of each id is kept, in buckets that spill to anonymous files. Python's string hash is keyed anew in
each process, so a file cannot be made to collide.
"""

from __future__ import annotations

import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

BUCKETS = 64
SPILL_AT = 1_000_000
"""Hashes held in memory (8 MB)."""


class Seen:
    """Collects ids; afterwards tells how many distinct ones there were and which hashes came more than once."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._buckets = [array("q") for _ in range(BUCKETS)]
        self._files: list[IO[bytes]] = []
        self._held = 0

    def add(self, ids: Iterable[str]) -> None:
        """Note `ids`."""
        buckets, held = self._buckets, 0
        for mark in map(hash, ids):
            buckets[mark & 63].append(mark)
            held += 1
        self._held += held
        if self._held >= SPILL_AT:
            self._spill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def _spill(self) -> None:
        if not self._files:
            self._files = [tempfile.TemporaryFile(dir=self._directory) for _ in range(BUCKETS)]  # noqa: SIM115  closed by __exit__
        for bucket, file in zip(self._buckets, self._files, strict=True):
            bucket.tofile(file)
            del bucket[:]
        self._held = 0

    def _whole(self) -> Iterator[array[int]]:
        """Yield each bucket with what was spilled of it."""
        for number, bucket in enumerate(self._buckets):
            whole = array("q", bucket)
            if self._files:
                file = self._files[number]
                file.seek(0)
                whole.frombytes(file.read())
            yield whole

    def distinct(self) -> int:
        """How many different ids were added."""
        return sum(len(set(bucket)) for bucket in self._whole())

    def repeated(self) -> frozenset[int]:
        """The hashes of ids that were added more than once."""
        found: set[int] = set()
        for bucket in self._whole():
            if len(set(bucket)) < len(bucket):
                found.update(mark for mark, times in Counter(bucket).items() if times > 1)
        return frozenset(found)

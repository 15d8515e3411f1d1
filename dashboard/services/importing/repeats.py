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
SPILL_AT = 65_536
"""Hashes held in memory (half a megabyte)."""


def marks_of(ids: Iterable[str]) -> array[int]:
    """Return the hashes of ids: the same ones in this process and in those forked from it."""
    return array("q", map(hash, ids))


class Seen:
    """Collects ids; afterwards tells how many distinct ones there were and which hashes came more than once."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._held = array("q")
        self._files: list[IO[bytes]] = []

    def add(self, marks: array[int]) -> None:
        """Note ids by their marks (`marks_of`)."""
        self._held.extend(marks)
        if len(self._held) >= SPILL_AT:
            self._spill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def _spill(self) -> None:
        """Sort what is held into the files, so that equal ids meet in one of them."""
        if not self._files:
            self._files = [tempfile.TemporaryFile(dir=self._directory) for _ in range(BUCKETS)]  # noqa: SIM115  closed by __exit__
        buckets = [array("q") for _ in self._files]
        for mark in self._held:
            buckets[mark % BUCKETS].append(mark)
        for bucket, file in zip(buckets, self._files, strict=True):
            bucket.tofile(file)
        self._held = array("q")

    def _buckets(self) -> Iterator[array[int]]:
        """Yield all that was added, in parts that share no id."""
        if not self._files:
            yield self._held
            return
        self._spill()
        for file in self._files:
            file.seek(0)
            yield array("q", file.read())

    def distinct(self) -> int:
        """How many different ids were added."""
        return sum(len(set(bucket)) for bucket in self._buckets())

    def repeated(self) -> frozenset[int]:
        """The hashes of ids that were added more than once."""
        found: set[int] = set()
        for bucket in self._buckets():
            if len(set(bucket)) < len(bucket):
                found.update(mark for mark, times in Counter(bucket).items() if times > 1)
        return frozenset(found)

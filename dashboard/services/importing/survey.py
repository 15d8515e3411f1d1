"""The first pass: read and judge every row of a file before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from dashboard.services.importing.beside import mapped
from dashboard.services.importing.chunk import Chunk, Row, Spool
from dashboard.services.importing.lines import Block
from dashboard.services.importing.parsing import BlockParser, Sheaf, sheaf_of
from dashboard.services.importing.rejects import MAX_REJECTED_SHARE, Rejects
from dashboard.services.importing.repeats import Seen
from dashboard.services.importing.result import ImportRefusedError

Judge = Callable[[Chunk, Rejects], None]
"""Takes out of a chunk what the database speaks against, and rejects it."""

Progress = Callable[[], None]
"""Told after every block."""


class Survey:
    """What is collected of a file: good rows in `spool`, bad ones in `rejects`, distinct ids."""

    def __init__(self, directory: Path | None, rejects_path: Path) -> None:
        self._stack = ExitStack()
        self.spool = self._stack.enter_context(Spool(directory))
        self.rejects = self._stack.enter_context(Rejects(rejects_path))
        self.accounts = self._stack.enter_context(Seen(directory))
        self.addresses = self._stack.enter_context(Seen(directory))
        self.rows = 0
        self.notices: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read(self, blocks: Iterable[Block], parse: BlockParser, judge: Judge | None, progress: Progress) -> None:
        """Read all rows; `ImportRefusedError` when too many are bad."""
        for parsed in mapped(parse, blocks):
            self.rows += parsed.rows
            for bad in parsed.bad:
                self.rejects.add(*bad)
            for sheaf in parsed.sheaves:
                self._add(sheaf if judge is None else judged(sheaf, judge, self.rejects))
            self.notices |= dict.fromkeys(parsed.notices)
            progress()
        self._drop_repeats()
        self._refuse_bad_file()

    def _add(self, sheaf: Sheaf) -> None:
        self.accounts.add(sheaf.accounts)
        self.addresses.add(sheaf.addresses)
        self.spool.add(sheaf.packed)

    def _drop_repeats(self) -> None:
        repeated = self.addresses.repeated()
        if repeated:
            self.spool.rewrite(self._without(repeated))

    def _without(self, repeated: frozenset[int]) -> Iterator[Chunk]:
        """Yield the chunks with the first of each repeated address only."""
        first: dict[str, int] = {}
        for chunk in self.spool:
            kept: list[Row] = []
            for address in chunk.addresses:
                line, ident = address[0], address[1]
                if hash(ident) not in repeated or ident not in first:
                    kept.append(address)
                    if hash(ident) in repeated:
                        first[ident] = line
                else:
                    self.rejects.add(line, f"address_id was on line {first[ident]} already", address[3], address[4])
            chunk.addresses = kept
            yield chunk

    def _refuse_bad_file(self) -> None:
        bad, rows = self.rejects.count, self.rows
        if bad > rows * MAX_REJECTED_SHARE:
            raise ImportRefusedError(
                f"{bad:,} of {rows:,} rows are bad, more than {MAX_REJECTED_SHARE:.0%}: nothing was imported; "
                f"see {self.rejects.path}"
            )


def judged(sheaf: Sheaf, judge: Judge, rejects: Rejects) -> Sheaf:
    """Return the sheaf without what the database speaks against."""
    chunk = Chunk.unpacked(sheaf.packed)
    judge(chunk, rejects)
    return sheaf_of(chunk)

"""The first pass: read and judge every row of a file before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from dashboard.services.importing.chunk import CHUNK_ITEMS, CHUNK_ROWS, Chunk, Row, Spool
from dashboard.services.importing.csv_rows import LineParser
from dashboard.services.importing.lines import Flaw
from dashboard.services.importing.rejects import MAX_REJECTED_SHARE, Rejects
from dashboard.services.importing.repeats import Seen
from dashboard.services.importing.result import ImportRefusedError
from dashboard.services.importing.values import BadRowError

Judge = Callable[[Chunk, Rejects], None]
"""Takes out of a chunk what the database speaks against, and rejects it."""

_ADDRESS = re.compile(r"([^\s,;:\"'<>@\\]{1,64})@([A-Za-z0-9.-]{1,253})")
_LOOKED_AT = 4096


class Survey:
    """What is collected of a file: good rows in `spool`, bad ones in `rejects`, distinct ids."""

    def __init__(self, directory: Path | None, rejects_path: Path) -> None:
        self._stack = ExitStack()
        self.spool = self._stack.enter_context(Spool(directory))
        self.rejects = self._stack.enter_context(Rejects(rejects_path))
        self.accounts = self._stack.enter_context(Seen(directory))
        self.addresses = self._stack.enter_context(Seen(directory))
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def read(
        self,
        lines: Iterable[tuple[int, str | Flaw]],
        parse: LineParser,
        judge: Judge,
        progress: Callable[[], None],
    ) -> None:
        """Read all rows; `ImportRefusedError` when too many are bad."""
        for chunk in self._chunks(lines, parse):
            judge(chunk, self.rejects)
            self.accounts.add(chunk.accounts)
            self.addresses.add([address[1] for address in chunk.addresses])
            self.spool.add(chunk)
            progress()
        self._drop_repeats()
        self._refuse_bad_file()

    def _chunks(self, lines: Iterable[tuple[int, str | Flaw]], parse: LineParser) -> Iterator[Chunk]:
        """Cut the file into chunks; where they end depends on the file alone, so that a second run cuts alike."""
        chunk, ends = Chunk(), CHUNK_ROWS
        for number, line in lines:
            if not line:
                continue
            self.rows += 1
            self._parse(number, line, parse, chunk)
            if self.rows == ends or len(chunk.addresses) + len(chunk.owners) + len(chunk.events) > CHUNK_ITEMS:
                chunk.upto = self.rows
                yield chunk
                chunk, ends = Chunk(), self.rows + CHUNK_ROWS
        chunk.upto = self.rows
        yield chunk

    def _parse(self, number: int, line: str | Flaw, parse: LineParser, chunk: Chunk) -> None:
        if isinstance(line, Flaw):
            self.rejects.add(number, line.reason)
            return
        try:
            parse(number, line, chunk)
        except BadRowError as error:
            found = _ADDRESS.search(line, 0, _LOOKED_AT)
            self.rejects.add(number, str(error), *(found.groups() if found else ()))

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

"""Bad rows: counted, and written to a file that only its owner can read, addresses masked."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from dashboard.lifecycle.hosts import mask
from dashboard.lifecycle.spreadsheets import neutral_cell

MAX_REJECTED_SHARE = 0.05


class Rejects:
    """The rejects file of one import: `line,reason,address`. Made at the first bad row; an older one is replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None
        path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, line: int, reason: str, local: str | None = None, host: str | None = None) -> None:
        """Note that `line` is bad; the address, if given, is masked before it is written."""
        if self._file is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._file = os.fdopen(os.open(self.path, flags, 0o600), "w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(("line", "reason", "address"))
        self.count += 1
        address = neutral_cell(mask(local, host)) if host else ""
        csv.writer(self._file).writerow((line, reason, address))

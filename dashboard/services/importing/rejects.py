"""Bad rows: counted, and written to a file that only its owner can read, addresses masked."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from dashboard.lifecycle.hosts import mask
from dashboard.lifecycle.spreadsheets import neutral_cell
from dashboard.services.importing.result import ImportRefusedError

HEADER = ("line", "reason", "address")
MAX_REJECTED_SHARE = 0.05


class Rejects:
    """The rejects file of one import: `line,reason,address`. Made at the first bad row; an older one is replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: IO[str] | None = None
        try:
            _remove_older(path)
        except OSError as error:
            raise ImportRefusedError(f"{path}: {error.strerror}") from None

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
            self._file = self._made()
        self.count += 1
        address = neutral_cell(mask(local, host)) if host else ""
        csv.writer(self._file).writerow((line, reason, address))

    def _made(self) -> IO[str]:
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise ImportRefusedError(f"{self.path}: {error.strerror}") from None
        file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        csv.writer(file).writerow(HEADER)
        return file


def _remove_older(path: Path) -> None:
    """Remove the rejects of an earlier import; any other file at `path` was named by mistake."""
    if not path.exists():
        return
    start = ",".join(HEADER).encode()
    with path.open("rb") as file:
        if file.read(len(start)) != start:
            raise ImportRefusedError(
                f"{path}: is not a rejects file, so it is not replaced; name another with --rejects"
            )
    path.unlink()

"""What an import says: its progress, its result, or why it was refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ImportRefusedError(ValueError):
    """The file as a whole cannot be imported; nothing was changed. The message names what and where."""


class Stage(StrEnum):
    """What an import is doing."""

    READING = "reading"
    STORING = "storing"


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: bytes while reading (`total` is None for a pipe), rows while storing."""

    stage: Stage
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    `rows` are data rows of the file, `rejected` among them included; `accounts` and `addresses` are distinct ones in
    it; `changed` counts rows added or altered in the database by this run, `domains_new` domains now due.
    `resumed_from` is the number of rows that an earlier, killed run had already stored, else None.
    """

    digest: str
    rows: int
    accounts: int
    addresses: int
    domains_new: int
    changed: int
    rejected: int
    resumed_from: int | None
    notices: tuple[str, ...]

    @property
    def unchanged(self) -> bool:
        """Whether everything in the file was known already."""
        return self.changed == 0 and self.domains_new == 0 and self.resumed_from is None

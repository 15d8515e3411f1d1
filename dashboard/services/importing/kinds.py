"""The kinds of file, and the parser that each needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from dashboard.services.importing.csv_rows import (
    ACCOUNTS,
    ACCOUNTS_OPTIONAL,
    PACKAGES,
    Columns,
    LineParser,
    account_lines,
    package_lines,
)
from dashboard.services.importing.lines import Flaw, Lines
from dashboard.services.importing.ndjson_rows import AccountObjects
from dashboard.services.importing.opening import Format, Opened
from dashboard.services.importing.result import ImportRefusedError


class Kind(StrEnum):
    """What a file holds."""

    ACCOUNTS = "accounts"
    PACKAGES = "packages"


@dataclass(frozen=True, slots=True)
class Rows:
    """The data rows of a file and how to read them; `notices` and `digest` are complete once all were read."""

    numbered: Iterator[tuple[int, str | Flaw]]
    parse: LineParser
    notices: Callable[[], tuple[str, ...]]
    digest: Callable[[], str]


def rows_of(kind: Kind, file: Opened) -> Rows:
    """Read the header, if there is one, and choose the parser; `ImportRefusedError` when it cannot be read."""
    lines = Lines(file.stream)
    numbered = iter(lines)
    if file.format is Format.CSV:
        columns = _columns(kind, file.name, numbered)
        parse = account_lines(columns) if kind is Kind.ACCOUNTS else package_lines(columns)
        return Rows(numbered, parse, lambda: columns.notices, lambda: lines.digest)
    if kind is Kind.PACKAGES:
        raise ImportRefusedError(f"{file.name}: packages come as .csv; in .ndjson they stand with their account")
    objects = AccountObjects()
    return Rows(numbered, objects, lambda: objects.notices, lambda: lines.digest)


def _columns(kind: Kind, name: str, numbered: Iterator[tuple[int, str | Flaw]]) -> Columns:
    _, header = next(numbered, (1, ""))
    if isinstance(header, Flaw):
        raise ImportRefusedError(f"{name}: line 1, the header, {header.reason}")
    if not header.strip():
        raise ImportRefusedError(f"{name}: is empty or has no header")
    required, optional = (ACCOUNTS, ACCOUNTS_OPTIONAL) if kind is Kind.ACCOUNTS else (PACKAGES, ())
    try:
        return Columns(header, required, optional)
    except ImportRefusedError as error:
        raise ImportRefusedError(f"{name}: {error}") from None

"""The kinds of file, and the parser that each needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from dashboard.services.importing.csv_rows import (
    ACCOUNTS,
    ACCOUNTS_OPTIONAL,
    PACKAGES,
    Columns,
    account_lines,
    package_lines,
)
from dashboard.services.importing.lines import Block, Blocks, Flaw
from dashboard.services.importing.ndjson_rows import AccountObjects
from dashboard.services.importing.opening import Format, Opened
from dashboard.services.importing.parsing import BlockParser
from dashboard.services.importing.result import ImportRefusedError


class Kind(StrEnum):
    """What a file holds."""

    ACCOUNTS = "accounts"
    PACKAGES = "packages"


@dataclass(frozen=True, slots=True)
class Rows:
    """The blocks of data rows of a file and how to parse them; `digest` is complete once all were read."""

    blocks: Iterator[Block]
    parse: BlockParser
    digest: Callable[[], str]


def rows_of(kind: Kind, file: Opened) -> Rows:
    """Read the header, if there is one, and choose the parser; `ImportRefusedError` when it cannot be read."""
    blocks = Blocks(file.stream)
    rest = iter(blocks)
    if file.format is Format.CSV:
        first = next(rest, Block(1, b""))
        columns = _columns(kind, file.name, first)
        parse = account_lines(columns) if kind is Kind.ACCOUNTS else package_lines(columns)
        return Rows(
            chain(first.after_first(), rest), BlockParser(parse, lambda: columns.notices), lambda: blocks.digest
        )
    if kind is Kind.PACKAGES:
        raise ImportRefusedError(f"{file.name}: packages come as .csv; in .ndjson they stand with their account")
    objects = AccountObjects()
    return Rows(rest, BlockParser(objects, lambda: objects.notices), lambda: blocks.digest)


def _columns(kind: Kind, name: str, first: Block) -> Columns:
    _, header = next(first.lines())
    if isinstance(header, Flaw):
        raise ImportRefusedError(f"{name}: line 1, the header, {header.reason}")
    if not header.strip():
        raise ImportRefusedError(f"{name}: is empty or has no header")
    required, optional = (ACCOUNTS, ACCOUNTS_OPTIONAL) if kind is Kind.ACCOUNTS else (PACKAGES, ())
    try:
        return Columns(header, required, optional)
    except ImportRefusedError as error:
        raise ImportRefusedError(f"{name}: {error}") from None

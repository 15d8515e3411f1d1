"""Rows of CSV files: one address a row, or one account's package a row.

A record is one line: a line break inside quotes is refused, so that a stray quote costs one row and not the rest.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from itertools import product
from operator import itemgetter

from dashboard.services.importing import values
from dashboard.services.importing.chunk import Chunk
from dashboard.services.importing.result import ImportRefusedError
from dashboard.services.importing.values import BadRowError

ACCOUNTS = (
    "account_id",
    "username",
    "two_factor",
    "last_active_at",
    "address_id",
    "email",
    "verified",
    "verified_at",
    "primary",
)
ACCOUNTS_OPTIONAL = ("account_created_at", "state_token", "host")
PACKAGES = ("account_id", "name", "purl", "downloads_30d", "last_release_at")
MAX_COLUMNS = 256

LineParser = Callable[[int, str, Chunk], None]
"""Parses a line (its number, its text) into the chunk, or raises `BadRowError` and leaves the chunk as it was."""


def split_line(line: str) -> list[str]:
    """Split a line into its fields (RFC 4180)."""
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader((line,), strict=True))
    except csv.Error:
        raise BadRowError("the quotes do not match") from None


class Columns:
    """Finds the wanted columns in a header, in whatever order, among others."""

    def __init__(self, header: str, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        names = [name.strip() for name in _header_fields(header)]
        required = [name for name in required if not (name == "email" and "host" in names)]
        wanted = (*required, *(name for name in (*optional, "email") if name in names and name not in required))
        _refuse_header(names, required)
        self.width = len(names)
        self.notices = tuple(
            f"column {_shown(name)} is not known and was ignored" for name in names if name not in wanted
        )
        self._present = frozenset(wanted)
        self._names = names

    def picker(self, order: Sequence[str]) -> Callable[[list[str]], tuple[str, ...]]:
        """Return what puts a row's fields into `order`; the caller appends one empty field for absent columns."""
        return itemgetter(*(self._names.index(name) if name in self._present else self.width for name in order))

    def fields(self, line: str) -> list[str]:
        """Split a row and append the empty field that stands for absent columns."""
        fields = split_line(line)
        if len(fields) != self.width:
            raise BadRowError(f"has {len(fields)} fields where the header has {self.width}")
        fields.append("")
        return fields


def _header_fields(header: str) -> list[str]:
    try:
        names = split_line(header)
    except BadRowError as error:
        raise ImportRefusedError(f"line 1, the header: {error}") from None
    if len(names) > MAX_COLUMNS:
        raise ImportRefusedError(f"line 1, the header: has more than {MAX_COLUMNS} columns")
    return names


def _refuse_header(names: list[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in names]
    if missing:
        raise ImportRefusedError(f"line 1, the header: missing {', '.join(missing)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ImportRefusedError(f"line 1, the header: {_shown(twice[0])} stands there more than once")


def _shown(name: str) -> str:
    """Return a column's name bounded and printable."""
    return "".join(ch if ch.isprintable() else "\ufffd" for ch in name[:64]) or "(without a name)"


Flags = tuple[bool | None, bool, bool]


def _flags(factor: str, verified: str, primary: str) -> Flags:
    """Read two_factor, verified and primary; where `primary` is unknown it is none."""
    return (
        values.boolean(factor, "two_factor"),
        values.certain(verified, "verified"),
        values.boolean(primary, "primary") or False,
    )


FLAGS = {words: _flags(*words) for words in product(("true", "false", ""), ("true", "false"), ("true", "false", ""))}
"""All there are; one look-up is quicker than three."""


def account_lines(columns: Columns) -> LineParser:
    """Return the parser of account rows."""
    pick, fields_of = columns.picker((*ACCOUNTS, *ACCOUNTS_OPTIONAL)), columns.fields
    identifier, moment = values.identifier, values.moment

    def parse(number: int, line: str, chunk: Chunk) -> None:
        account, user, factor, active, address, email, verified, verified_at, primary, created, token, host = pick(
            fields_of(line)
        )
        local, name, domain, unchecked = values.mailbox(email, host)
        flags = FLAGS.get((factor, verified, primary)) or _flags(factor, verified, primary)
        row = (
            number,
            identifier(address, "address_id"),
            identifier(account, "account_id"),
            local,
            name,
            domain,
            unchecked,
            flags[1],
            moment(verified_at, "verified_at"),
            flags[2],
            identifier(token, "state_token") if token else None,
        )
        chunk.accounts[account] = (
            values.shown_name(user, "username") or account,
            flags[0],
            moment(active, "last_active_at"),
            moment(created, "account_created_at"),
        )
        chunk.addresses.append(row)

    return parse


def package_lines(columns: Columns) -> LineParser:
    """Return the parser of package rows."""
    pick, fields_of = columns.picker(PACKAGES), columns.fields

    def parse(number: int, line: str, chunk: Chunk) -> None:
        account, name, purl, downloads, released = pick(fields_of(line))
        owner = (number, values.identifier(account, "account_id"), values.purl(purl, "purl"), None, None)
        chunk.packages[purl] = (
            values.shown_name(name, "name") or purl[: values.MAX_NAME],
            None,
            values.count(downloads, "downloads_30d"),
            values.moment(released, "last_release_at"),
        )
        chunk.owners.append(owner)

    return parse

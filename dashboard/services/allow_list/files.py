"""The allow-list as a CSV file: `kind,value,reason,expires`, taken in with bad lines named, given out neutralised."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Data, Event
from dashboard.audit.record import record
from dashboard.lifecycle.spreadsheets import neutral_cell
from dashboard.models import AllowListEntry
from dashboard.services.allow_list.values import EntryError, Wanted, read_wanted

HEADER = ("kind", "value", "reason", "expires")
MOST_LINES = 10_000
CHUNK = 500


class FileError(ValueError):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out, by its number in the file (the header is line 1), and what is wrong with it."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file: entries added, lines whose entry was there already, and bad lines."""

    added: int
    present: int
    bad: Sequence[BadLine]


def import_entries(session: Session, content: bytes, actor: Actor, staff_id: int, now: datetime) -> Imported:
    """Add the entries of a file; bad lines are left out and named, the others are added. `FileError` for no CSV."""
    bad: list[BadLine] = []
    wanted = list(_read(content, bad, now))
    values = _new(session, {(each.named.kind, each.named.value): each for each in wanted}, staff_id, now)
    ids: list[int] = []
    for start in range(0, len(values), CHUNK):
        rows = insert(AllowListEntry).values(values[start : start + CHUNK]).returning(AllowListEntry.id)
        ids += session.scalars(rows)
    data: Data = {"added": len(ids), "present": len(wanted) - len(ids), "rejected": len(bad), "ids": sorted(ids)}
    digest = hashlib.sha256(content).hexdigest()
    record(session, Event.ALLOW_LIST_IMPORTED, actor=actor, object_type="file", object_id=digest, data=data, now=now)
    return Imported(len(ids), len(wanted) - len(ids), bad)


def export_rows(entries: Iterable[Sequence[str]]) -> str:
    """Write rows of `HEADER` as CSV, each cell neutralised for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows([neutral_cell(cell) for cell in row] for row in entries)
    return out.getvalue()


def _read(content: bytes, bad: list[BadLine], now: datetime) -> Iterator[Wanted]:
    for line, cells in _lines(content):
        if len(cells) != len(HEADER):
            bad.append(BadLine(line, f"{len(cells)} cells where {len(HEADER)} are wanted: {', '.join(HEADER)}."))
            continue
        kind, value, reason, expires = map(_plain, cells)
        try:
            yield read_wanted(kind, value, reason, expires, now)
        except EntryError as error:
            bad.append(BadLine(line, str(error)))


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield every line that is not empty, with its number; a cell over several lines counts from where it began."""
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        first = next(reader, [])
        if tuple(cell.strip().lower() for cell in first) != HEADER:
            raise FileError(f"The first line must be: {','.join(HEADER)}")
        began = reader.line_num + 1
        for count, cells in enumerate(reader):
            if count >= MOST_LINES:
                raise FileError(f"The file has more than {MOST_LINES:,} lines; split it.")
            if any(cell.strip() for cell in cells):
                yield began, cells
            began = reader.line_num + 1
    except UnicodeDecodeError:
        raise FileError("The file is not UTF-8 text.") from None
    except csv.Error as error:
        raise FileError(f"The file is no CSV: {error}.") from None


def _plain(cell: str) -> str:
    """Take the apostrophe away again that an export puts before what would begin a formula."""
    return cell[1:] if cell.startswith("'") and neutral_cell(cell[1:]) == cell else cell


def _new(
    session: Session, wanted: dict[tuple[str, str], Wanted], staff_id: int, now: datetime
) -> list[dict[str, object]]:
    """Return the rows to insert: what is not on the list yet, each once."""
    names = sorted({value for _, value in wanted})
    present: set[tuple[str, str]] = set()
    for start in range(0, len(names), CHUNK):
        chunk = names[start : start + CHUNK]
        query = select(AllowListEntry.kind, AllowListEntry.value).where(
            AllowListEntry.value.in_(chunk), AllowListEntry.ended_at.is_(None)
        )
        present |= {(row.kind, row.value) for row in session.execute(query)}
    return [
        {
            "kind": each.named.kind.value,
            "value": each.named.value,
            "domain": each.named.domain,
            "reason": each.reason,
            "created_by": staff_id,
            "created_at": now,
            "expires_at": each.expires_at,
            "hits": 0,
            "settled_through": 0,
        }
        for key, each in wanted.items()
        if key not in present
    ]

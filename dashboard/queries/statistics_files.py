"""The monthly figures as files: CSV that a spreadsheet cannot take for formulas, and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple

from dashboard.lifecycle.spreadsheets import neutral_cell
from dashboard.queries.statistics import COLUMNS, MonthRow


def to_csv(rows: Sequence[MonthRow]) -> str:
    """Return the rows as CSV (RFC 4180) under a header; an unknown median is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, rows))
    return text.getvalue()


def to_json(rows: Sequence[MonthRow]) -> str:
    """Return the rows as a JSON list of objects; an unknown median is null."""
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def _cells(row: MonthRow) -> list[object]:
    return [neutral_cell(value) if isinstance(value, str) else value for value in astuple(row)]


FORMATS: Mapping[str, Callable[[Sequence[MonthRow]], str]] = {"csv": to_csv, "json": to_json}

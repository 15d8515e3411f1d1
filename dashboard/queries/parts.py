"""Things of several tables that a page shows together, read in one statement: few rows of each, in common columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, cast, literal, null, select, union_all
from sqlalchemy.orm import Session

Part = Select[*tuple[Any, ...]]
Columns = Mapping[str, Any]
"""The columns that all parts of a statement have, by name, with their types."""


def part(columns: Columns, name: str, **given: Any) -> Part:
    """Select one part, with what is `given` in its columns; the rest stays empty.

    PostgreSQL wants to know the types of the empty ones too.
    """
    values = (cast(null(), kind) if given.get(key) is None else given[key] for key, kind in columns.items())
    named = (value.label(key) for key, value in zip(columns, values, strict=True))
    return select(literal(name).label("part"), *named)


def read_parts(session: Session, *parts: Part) -> Mapping[str, Sequence[Row[Any]]]:
    """Read the parts in one statement, by name; each may have a limit of its own. Rows come in no certain order."""
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(union_all(*(select(each.subquery()) for each in parts))):
        found[row.part].append(row)
    return found

"""Count look-ups and their failures, by day, provider and server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.lifecycle.evidence import ErrorKind, Provider
from dashboard.models import ProviderCount

ASKED = "-"
"""The `error` under which all look-ups are counted, failed ones included."""


def count_look_ups(
    session: Session,
    now: datetime,
    asked: Mapping[tuple[Provider, str], int],
    failed: Mapping[tuple[Provider, str, ErrorKind], int],
) -> None:
    """Add a job's counts to the day's."""
    day = now.date().isoformat()
    keys = {(provider.value, server[:253], ASKED): count for (provider, server), count in asked.items()}
    keys |= {
        (provider.value, server[:253], error.value): count for (provider, server, error), count in failed.items()
    }
    rows = [
        {"day": day, "provider": provider, "server": server, "error": error, "count": count}
        for (provider, server, error), count in sorted(keys.items())
    ]
    if not rows:
        return
    insert = dialect_insert(session)
    statement = insert(ProviderCount)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "provider", "server", "error"],
            set_={"count": ProviderCount.count + statement.excluded.count},
        ),
        rows,
    )

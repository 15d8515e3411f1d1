"""Write that due times were served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.models import Check


def write_checks(session: Session, checks: Sequence[dict[str, Any]]) -> None:
    """Write one row a domain and due time.

    A domain can be made due a second time for the very instant that was served before, where the clock stands still
    or is coarse: its row stays as it is. To fail on it would keep the domain from ever being checked again.
    """
    if checks:
        insert = dialect_insert(session)
        session.execute(insert(Check).on_conflict_do_nothing(index_elements=["domain_id", "due_at"]), checks)

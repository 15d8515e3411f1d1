"""The versions of the policy as the screen shows them, each with what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.lifecycle.policy import DEFAULTS, Policy, differences, from_values
from dashboard.models import PolicyVersion, Staff

LAST = 50


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """One version: who put it in force, when and why, and each value that it changed, before and after, as JSON."""

    policy: Policy
    by: str
    at: datetime
    note: str
    changes: dict[str, tuple[Any, Any]]

    @property
    def version(self) -> int:
        """Its number."""
        return self.policy.version


def versions(session: Session) -> list[ShownVersion]:
    """Return the last versions, the newest first; the defaults, version 1, nobody put in force."""
    rows = session.execute(
        select(PolicyVersion, Staff.email)
        .join(Staff, Staff.id == PolicyVersion.staff_id)
        .order_by(PolicyVersion.version.desc())
        .limit(LAST + 1)
    ).all()
    policies = [from_values(row.values, row.version) for row, _ in rows]
    every = [*policies, DEFAULTS]
    changed = [differences(before, after) for after, before in pairwise(every)]
    shown = zip(rows, policies, changed, strict=True)
    return [ShownVersion(policy, email, row.created_at, row.note, each) for (row, email), policy, each in shown][
        :LAST
    ]


def in_force_since(session: Session, since: datetime) -> list[Policy]:
    """Return every policy that was in force at some time after `since`, the oldest first."""
    rows = session.execute(select(PolicyVersion).order_by(PolicyVersion.version)).scalars().all()
    every = [(since, DEFAULTS), *((row.created_at, from_values(row.values, row.version)) for row in rows)]
    ended = [later[0] for _, later in pairwise(every)]
    return [policy for (_, policy), end in zip(every, [*ended, None], strict=True) if end is None or end > since]

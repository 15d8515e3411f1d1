"""Read the policy in force, and put another version in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.database import dialect_insert
from dashboard.lifecycle.policy import DEFAULTS, Policy, differences, from_values, problems, to_values
from dashboard.models import PolicyVersion

MAX_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a change: the policy now in force.

    `conflict`: somebody else changed it first; `problems`: what is wrong with which value or with the `note`;
    `unchanged`: the values are those in force. In all three nothing was written.
    """

    policy: Policy
    conflict: bool = False
    unchanged: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether a new version was written."""
        return not (self.conflict or self.unchanged or self.problems)


def current(session: Session) -> Policy:
    """Return the policy in force; one small query, so that nothing old is ever acted on."""
    query = select(PolicyVersion.version, PolicyVersion.values).order_by(PolicyVersion.version.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return DEFAULTS if row is None else from_values(row.values, row.version)


def lock_current(session: Session) -> Policy:
    """Return the policy in force and keep it so until the end of the transaction; the defaults need no lock."""
    newest = select(PolicyVersion.version).order_by(PolicyVersion.version.desc()).limit(1).with_for_update()
    while (locked := session.scalar(newest)) is not None:
        policy = current(session)
        if policy.version == locked:
            return policy  # else another version came while this one waited for the lock
    return DEFAULTS


def change(
    session: Session,
    wanted: Policy,
    note: str,
    actor: Actor,
    staff_id: int,
    now: datetime,
    *,
    expected_version: int,
) -> Changed:
    """Put `wanted` in force as the version after `expected_version`, which must still be the one in force."""
    before = lock_current(session)
    if before.version != expected_version:
        return Changed(before, conflict=True)
    if wrong := _wrong(wanted, note):
        return Changed(before, problems=wrong)
    after = replace(wanted, version=expected_version + 1)
    if to_values(after) == to_values(before):
        return Changed(before, unchanged=True)
    if not _insert(session, after, note, staff_id, now):
        return Changed(current(session), conflict=True)
    _audit(session, before, after, actor, now)
    return Changed(after)


def _wrong(wanted: Policy, note: str) -> dict[str, str]:
    found = problems(wanted)
    if not note.strip():
        found["note"] = "Say why: it stands in the history and in the audit log's reach for ever."
    elif len(note) > MAX_NOTE:
        found["note"] = f"At most {MAX_NOTE:,} characters."
    return found


def _insert(session: Session, policy: Policy, note: str, staff_id: int, now: datetime) -> bool:
    """Insert the version; False when another transaction took its number, which the primary key decides."""
    insert = dialect_insert(session)
    statement = insert(PolicyVersion).values(
        version=policy.version, values=to_values(policy), note=note.strip(), staff_id=staff_id, created_at=now
    )
    done = statement.on_conflict_do_nothing(index_elements=["version"]).returning(PolicyVersion.version)
    return session.scalar(done) is not None


def _audit(session: Session, before: Policy, after: Policy, actor: Actor, now: datetime) -> None:
    record(
        session,
        Event.POLICY_CHANGED,
        actor=actor,
        object_type="policy",
        object_id=str(after.version),
        data={"changes": {name: [_text(old), _text(new)] for name, (old, new) in differences(before, after).items()}},
        now=now,
    )


def _text(value: Any) -> str:
    """Write a value as text: an audit entry holds no fractions."""
    return str(value).lower() if isinstance(value, bool) else str(value)

"""Slows down guessing: failures are counted by name and by network address, a minute a row. Wall clock.

An attempt is counted *before* it is judged and given back when it succeeds, so that many at once cannot slip through
between look and count. Over the limit an attempt is refused without being judged or counted: waiting
ends by itself. Names and addresses are kept as keyed digests only, and for an hour.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.audit.events import Data, Event
from dashboard.audit.record import NewEntry, record_many, subject
from dashboard.database import dialect_insert
from dashboard.models import SignInThrottle

WINDOW = timedelta(minutes=15)
KEPT = timedelta(hours=1)
ANONYMOUS = Actor(ActorKind.ANONYMOUS, "-")


class Way(StrEnum):
    """The ways in that can be guessed at."""

    PASSWORD = "password"  # noqa: S105  a name, not a secret
    SETUP_CODE = "setup_code"
    API_TOKEN = "api_token"  # noqa: S105  a name, not a secret


@dataclass(frozen=True, slots=True)
class Key:
    """What failures are counted by, and how many a window are let through."""

    digest: str
    limit: int


def name_key(email: str) -> Key:
    """Count by the name somebody signs in with."""
    return Key(subject("throttle:name", email), 5)


def network_key(way: Way, address: str | None) -> Key:
    """Count by network address; a household's or a lab's IPv6 addresses (/64) count as one."""
    return Key(subject(f"throttle:{way.value}", _network(address)), 100 if way is Way.API_TOKEN else 30)


def wait_for(session: Session, keys: Sequence[Key], now: datetime) -> timedelta | None:
    """Return how long to wait until an attempt is judged again, None when it is judged now. Only reads."""
    return max((wait for key in keys if (wait := _wait(session, key, now, key.limit))), default=None)


def begin_attempt(session: Session, keys: Sequence[Key], now: datetime) -> timedelta | None:
    """Count an attempt as failed until `give_back`; return the time to wait when there were too many already."""
    for key in keys:
        _count(session, key.digest, now, 1)
    wait = max((wait for key in keys if (wait := _wait(session, key, now, key.limit + 1))), default=None)
    if wait is not None:
        give_back(session, keys, now)
    return wait


def give_back(session: Session, keys: Sequence[Key], begun: datetime) -> None:
    """Take back what `begin_attempt` counted at `begun`: the attempt succeeded."""
    for key in keys:
        _count(session, key.digest, begun, -1)


def count_failure(session: Session, way: Way, now: datetime) -> None:
    """Note a failed attempt for the audit log, which tells of it when the minute is over (`record_failures`)."""
    _count(session, way.value, now, 1)


def forget(session: Session, key: Key) -> None:
    """Start again at zero for `key`."""
    session.execute(delete(SignInThrottle).where(SignInThrottle.key == key.digest))


def record_failures(session: Session, now: datetime) -> int:
    """Write one audit entry for each past minute and way in with failures; return how many. Clears old rows.

    Call it last in a transaction, as everything that records. Sign-in attempts do, and notes of a session's use;
    periodic work may too.
    """
    past = (
        delete(SignInThrottle)
        .where(SignInThrottle.key.in_([way.value for way in Way]), SignInThrottle.minute < _minute(now))
        .returning(SignInThrottle.key, SignInThrottle.minute, SignInThrottle.failures)
    )
    failed = sorted((minute, way, failures) for way, minute, failures in session.execute(past))
    session.execute(delete(SignInThrottle).where(SignInThrottle.minute < now - KEPT))
    record_many(session, [_entry(*each) for each in failed], now)
    return len(failed)


def _entry(minute: datetime, way: str, failures: int) -> NewEntry:
    data: Data = {"way": way, "failures": failures}
    return NewEntry(Event.STAFF_SIGN_IN_FAILED, ANONYMOUS, "minute", minute.strftime("%Y-%m-%dT%H:%MZ"), data)


def _wait(session: Session, key: Key, now: datetime, limit: int) -> timedelta | None:
    """Return the time until fewer than `limit` failures lie within the window, None when that is so already."""
    rows = session.execute(
        select(SignInThrottle.minute, SignInThrottle.failures)
        .where(SignInThrottle.key == key.digest, SignInThrottle.minute > now - WINDOW)
        .order_by(SignInThrottle.minute)
    ).all()
    left, free_at = sum(failures for _, failures in rows), None
    for minute, failures in rows:
        if left < limit:
            break
        left -= failures
        free_at = minute + WINDOW
    return free_at - now if free_at else None


def _count(session: Session, digest: str, now: datetime, change: int) -> None:
    """Add `change` to the failures of `digest` in this minute; the row stays locked until the transaction ends."""
    same = (SignInThrottle.key == digest, SignInThrottle.minute == _minute(now))
    if change < 0:
        less = update(SignInThrottle).where(*same, SignInThrottle.failures > 0)
        session.execute(less.values(failures=SignInThrottle.failures + change))
        return
    insert = dialect_insert(session)
    row = insert(SignInThrottle).values(key=digest, minute=_minute(now), failures=change)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["key", "minute"], set_={"failures": SignInThrottle.failures + change}
        )
    )


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def _network(address: str | None) -> str:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))

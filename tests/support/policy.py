"""Put a policy in force in a test, and a history of counts behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.audit.actor import system
from dashboard.lifecycle.policy import Policy
from dashboard.models import LapseCount, Staff
from dashboard.services.policy import change, current
from tests.conftest import START
from tests.support import story

ADMIN = "ada@desk.test"


def set_policy(session: Session, now: datetime = START, **values: Any) -> Policy:
    """Change some values of the policy in force."""
    before = current(session)
    staff = session.scalar(select(Staff).where(Staff.email == ADMIN)) or story.add_staff(session, ADMIN)
    wanted = replace(before, **values)
    done = change(session, wanted, "for the test", system("tests"), staff.id, now, expected_version=before.version)
    assert done.done, done
    return done.policy


def add_history(session: Session, days: int = 31, now: datetime = START) -> None:
    """Let counting have begun so many days ago: from 30 on there is a baseline."""
    session.add(LapseCount(hour=now - timedelta(days=days), provider="rdap", tld="com", checked=1000, lapsed=0))
    session.flush()

"""What a row's strip is drawn from: phases that were seen, and the registration before anybody looked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import LifecycleEvent
from dashboard.queries.history import phase_spans
from tests import factories as make
from tests.conftest import START

DAY = timedelta(days=1)


def spans(
    registered_at: datetime | None, expires_at: datetime | None
) -> list[tuple[datetime, datetime | None, Phase]]:
    with writing() as session:
        domain = make.make_domain(session, "strip.net")
        domain.registered_at, domain.expires_at = registered_at, expires_at
        session.add(
            LifecycleEvent(
                domain_id=domain.id,
                key="phase@1",
                kind="phase",
                at=START,
                summary="",
                detail={"old": "unknown", "new": "redemption"},
            )
        )
        domain_id = domain.id
    return [(span.start, span.end, span.phase) for span in phase_spans(db.session(), [domain_id])[domain_id]]


SEEN = (START, None, Phase.REDEMPTION)


@pytest.mark.parametrize(
    ("registered_at", "expires_at", "before"),
    [
        (START - 900 * DAY, START - 50 * DAY, [(START - 900 * DAY, START - 50 * DAY, Phase.ACTIVE)]),
        (START - 900 * DAY, None, [(START - 900 * DAY, START, Phase.ACTIVE)]),
        (None, START - 50 * DAY, []),
        (START + DAY, None, []),
    ],
)
def test_before_the_first_sight_a_name_counts_as_registered_until_its_expiry(
    context: Flask, registered_at: datetime | None, expires_at: datetime | None, before: list[object]
) -> None:
    assert spans(registered_at, expires_at) == [*before, SEEN]

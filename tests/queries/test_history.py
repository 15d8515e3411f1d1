"""What a row's strip is drawn from: phases that were seen, and the registration before anybody looked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import EarlyWarning, LifecycleEvent, TakeoverReport
from dashboard.queries.history import MAX_OF_A_KIND, domain_history, phase_spans
from tests import factories as make
from tests.conftest import START
from tests.support import story

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


def test_what_happened_since_the_lapse_is_marked_by_its_kind(context: Flask) -> None:
    with writing() as session:
        domain = make.make_domain(session)
        account = make.make_account(session, make.make_source(session))
        make.make_address(session, account, domain, verified_at=None)
        for kind in ("login", "password_reset", "email_changed", "two_factor_changed", "token_created"):
            make.make_event(session, account, kind, START + DAY)
            make.make_event(session, account, kind, START - DAY)
        for day in range(2, 40):
            make.make_event(session, account, "login", START + day * DAY)
        case, staff = make.make_case(session, domain), story.add_staff(session)
        session.add(EarlyWarning(domain_id=domain.id, why="in_grace", began_at=START))
        session.add(
            TakeoverReport(case_id=case.id, staff_id=staff.id, reported_at=START, note="", case_version=1, frozen={})
        )
    marks = domain_history(db.session(), domain, START).marks
    kinds = [mark.kind for mark in marks]
    assert kinds.count("sign_in") == MAX_OF_A_KIND
    assert sorted(kind for kind in kinds if kind != "sign_in") == [
        "credentials",
        "credentials",
        "report",
        "reset",
        "token",
        "warning",
    ]
    assert min(mark.at for mark in marks) == START
    labels = {mark.label for mark in marks}
    assert {"early warning: in grace", "takeover reported by rita@desk.test", "second factor changed"} <= labels

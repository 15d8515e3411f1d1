"""What earlier decisions a case is compared with: the same situation only, then registrar, then suffix, then age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.models import Case, CaseOpening
from dashboard.queries.similar import Outcome, similar_decisions, similar_latest
from tests import factories as make
from tests.conftest import START
from tests.support import story
from tests.support.plans import plan_of

DAY = timedelta(days=1)


def decided(
    staff_id: int,
    name: str,
    registrar: str = "Other",
    phase: str = "redemption",
    holder: str = "none",
    **values: Any,
) -> int:
    """Add a case in a situation, and decide it; without a reason it stays open."""
    with writing() as session:
        domain = make.make_domain(session, name)
        make.make_period(session, domain, START - 900 * DAY, registrar="Long gone")
        make.make_period(session, domain, START - 90 * DAY, registrar=registrar)
        case = make.make_case(session, domain, phase=phase, holder_change=holder)
        opening = session.scalars(select(CaseOpening).where(CaseOpening.case_id == case.id)).one()
        opening.phase, opening.holder_change = phase, holder
        if values:
            decision = make.make_decision(session, case, staff_id, **values)
            opening.closed_how = decision.kind
        return case.id


def person() -> int:
    with writing() as session:
        return story.add_staff(session).id


def test_the_same_situation_registrar_and_suffix_come_first(context: Flask) -> None:
    rita = person()
    decided(rita, "registrar.org", "HONEST names", reason_code="lapsed", reverted_at=START, reverted_by=rita)
    decided(rita, "both.net", "Honest Names", kind="override", reason_code="owner_confirmed")
    decided(rita, "suffix.net", reason_code="lapsed")
    decided(rita, "undone.net", reason_code="lapsed", reverted_at=START, reverted_by=rita)
    decided(rita, "neither.org", reason_code="lapsed")
    decided(rita, "other-phase.net", "Honest Names", phase="available", reason_code="lapsed")
    decided(rita, "caught.net", "Honest Names", holder="dropped_and_caught", reason_code="lapsed")
    decided(rita, "undecided.net", "Honest Names")
    here = decided(rita, "here.net", "Honest Names", reason_code="lapsed")
    found = similar_decisions(db.session(), db.session.get_one(Case, here))
    assert [row.domain for row in found.decisions] == [
        "both.net",
        "registrar.org",
        "suffix.net",
        "undone.net",
        "neither.org",
    ]
    assert [list(row.alike) for row in found.decisions] == [["registrar", "tld"], ["registrar"], ["tld"], ["tld"], []]
    assert found.outcomes == [Outcome("approve", "lapsed", 4, 2), Outcome("override", "owner_confirmed", 1, 0)]
    assert (found.registrar, found.total) == ("Honest Names", 5)
    both, registrar = found.decisions[:2]
    assert (both.by, both.reason_code, both.reverted_by) == ("rita@desk.test", "owner_confirmed", None)
    assert (registrar.reverted_at, registrar.reverted_by) == (START, "rita@desk.test")


def test_an_index_knows_what_was_decided_in_a_situation(context: Flask) -> None:
    plan = plan_of(similar_latest(db.session.get_one(Case, decided(person(), "here.net"))))
    assert "ix_case_openings_decided" in plan
    assert "ix_decisions_opening_id" in plan

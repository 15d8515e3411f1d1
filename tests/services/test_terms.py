"""A decision with a term: it holds until its day, then what is still lapsed opens again and says why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.database import db, writing
from dashboard.lifecycle.evidence import Phase
from dashboard.models import Case, CaseOpening, Decision, DecisionKind, Domain, Unverification
from dashboard.services.decide import Refusal
from dashboard.services.revert import revert_decision
from dashboard.services.terms import end_terms
from tests.conftest import START
from tests.services.test_decide import NAME, RITA, ask, count, lapse, reread
from tests.support import story
from tests.support.audit import entries

DAY = timedelta(days=1)
UNTIL = START + 30 * DAY


def keep(until: timedelta = 30 * DAY) -> int:
    case_id = lapse()
    assert ask(case_id, DecisionKind.OVERRIDE, until=START + until).refusal is None
    return case_id


def look(now: timedelta) -> tuple[int, int]:
    with writing() as session:
        return end_terms(session, START + now)


def check(after: timedelta, phase: Phase = Phase.REDEMPTION) -> None:
    now, domain_id = START + after, db.session.scalars(select(Domain.id)).one()
    expires = now + 300 * DAY if phase is Phase.ACTIVE else START - 40 * DAY
    story.check(
        domain_id, [story.rdap(NAME, now, phase, expires_at=expires), story.fastly(NAME, now, Phase.ACTIVE)], now
    )


def test_what_is_still_lapsed_on_the_day_opens_again_and_says_why(context: Flask) -> None:
    case_id = keep()
    assert reread(case_id).term_at == UNTIL
    assert look(30 * DAY - timedelta(seconds=1)) == (0, 0)
    assert reread(case_id).state == "decided"
    assert look(30 * DAY) == (1, 1)
    case = reread(case_id)
    assert (case.state, case.term_at, case.version) == ("open", None, 3)
    assert case.opened_why == "the decision to keep it held until 2026-12-01, and the domain is still flagged"
    assert (count(CaseOpening), count(Unverification)) == (2, 0)
    assert entries(db.session())[-1].event == "case.reopened"
    assert look(31 * DAY) == (0, 0), "once"


def test_a_hundred_identical_checks_do_not_shorten_the_term(context: Flask) -> None:
    case_id = keep()
    for number in range(1, 101):
        check(number * timedelta(hours=6))
    assert reread(case_id).state == "decided"
    check(30 * DAY + timedelta(hours=1))
    assert reread(case_id).state == "open", "a check after the day does it too"


def test_new_facts_open_it_before_its_day(context: Flask) -> None:
    case_id = keep()
    check(5 * DAY, Phase.PENDING_DELETE)
    assert reread(case_id).opened_why == "the phase changed from redemption to pending delete since the decision"
    look(30 * DAY)
    assert (reread(case_id).state, count(CaseOpening)) == ("open", 2)


def test_what_was_renewed_meanwhile_stays_decided(context: Flask) -> None:
    case_id = keep()
    for day in (8, 9, 10):
        check(day * DAY, Phase.ACTIVE)
    assert look(30 * DAY) == (1, 0)
    assert (reread(case_id).state, reread(case_id).term_at) == ("decided", None)


@pytest.mark.parametrize("until", [timedelta(0), -DAY, 367 * DAY])
def test_a_term_lies_ahead_and_within_a_year(context: Flask, until: timedelta) -> None:
    case_id = lapse()
    assert ask(case_id, DecisionKind.OVERRIDE, until=START + until).refusal is Refusal.BAD_TERM
    assert count(Decision) == 0


def test_an_approval_has_no_term(context: Flask) -> None:
    case_id = lapse()
    ask(case_id, until=UNTIL)
    assert reread(case_id).term_at is None
    assert db.session.scalars(select(Decision.until)).one() is None
    assert db.session.scalars(select(Case.decided_facts)).one().get("until") is None


def test_what_is_known_too_little_of_is_checked_at_once_and_that_check_opens_it(context: Flask) -> None:
    case_id = keep(60 * DAY)
    assert look(60 * DAY) == (1, 0), "its evidence is two months old"
    assert reread(case_id).state == "decided"
    assert db.session.scalars(select(Domain.next_check_at)).one() <= START + 60 * DAY
    check(60 * DAY + timedelta(minutes=5))
    case = reread(case_id)
    assert (case.state, case.opened_why[:25]) == ("open", "the decision to keep it h")


def test_a_decision_taken_back_has_no_term_any_more(context: Flask) -> None:
    case_id = keep()
    with writing() as session:
        decision = session.scalars(select(Decision)).one()
        assert revert_decision(session, decision.id, RITA, 1, START + DAY).reopened
    assert (reread(case_id).state, reread(case_id).term_at) == ("open", None)
    assert look(30 * DAY) == (0, 0)

"""The end of a decision's term: what is still lapsed opens again and says why; the rest stays as it was decided.

A sweep over dates: it may run twice, or late, and finds the same cases. A check after the date does the same for
its domain; this is for those that are not due for a while. What is known of a domain may be too old by then to say
whether it is still lapsed: it is checked at once, and that check opens its case.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import Phase
from dashboard.models import Case, CaseState, Domain
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.flag import update_cases
from dashboard.services.checking.facts import load_facts
from dashboard.services.checking.request import make_due

CHUNK = 50
"""Domains in one transaction, each with its addresses and evidence: about 100 ms."""


def end_terms(session: Session, now: datetime, limit: int = CHUNK) -> tuple[int, int]:
    """Look again at up to `limit` cases whose term is over; return how many there were and how many opened."""
    over = Case.term_at <= now
    found = select(Case.domain_id).where(over).order_by(Case.domain_id).limit(limit)
    ids = session.scalars(
        select(Domain.id).where(Domain.id.in_(found)).order_by(Domain.id).with_for_update(key_share=True)
    ).all()
    decided = set(
        session.scalars(select(Case.domain_id).where(Case.domain_id.in_(ids), Case.state == CaseState.DECIDED))
    )
    known = load_facts(session, decided)
    assessed = [Assessed(known[each], known[each].current(now), before=known[each].readings) for each in known]
    make_due(session, [item.facts.id for item in assessed if item.assessment.phase is Phase.UNKNOWN], now)
    changes = update_cases(session, assessed, now)
    session.flush()
    done = Case.domain_id.in_(ids), over
    session.execute(update(Case).where(*done).values(term_at=None).execution_options(synchronize_session=False))
    changes.record(session, now)
    return len(ids), changes.opened

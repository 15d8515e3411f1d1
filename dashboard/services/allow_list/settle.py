"""Bring cases in line with entries that began or ended, some domains a transaction.

The database knows what is left to do and how far it came: a job that dies, or runs twice, does nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Recommendation
from dashboard.models import PENDING, AllowKind, AllowListEntry, Case, Domain
from dashboard.services.allow_list.matching import domains_of
from dashboard.services.allow_list.values import Named
from dashboard.services.cases.flag import Assessed, update_cases
from dashboard.services.cases.reopen import Why
from dashboard.services.checking.facts import load_facts

CHUNK = 50
"""Domains in one transaction, each with its addresses and evidence: about 100 ms."""
LAPSED = (Recommendation.REVIEW.value, Recommendation.UNVERIFY.value)
_ENDED = {"expired": "expired", "removed": "was removed", "switched_off": "was switched off"}


def settle_next(session: Session, now: datetime) -> bool:
    """Do the next chunk of what is left; False when nothing is.

    An entry that began closes the open cases it covers; one that ended flags what is still lapsed.
    """
    entry = session.scalars(
        select(AllowListEntry).where(AllowListEntry.settled_at.is_(None)).order_by(AllowListEntry.id).limit(1)
    ).first()
    if entry is None:
        return False
    ids = _lock_next(session, entry)
    known = load_facts(session, ids)
    assessed = [Assessed(known[ident], known[ident].current(now), before=known[ident].readings) for ident in ids]
    changes = update_cases(session, assessed, now, uncovered=_why(entry))
    _advance(session, entry, ids, now)
    changes.record(session, now)
    return True


def _lock_next(session: Session, entry: AllowListEntry) -> Sequence[int]:
    """Lock the next domains of the entry, in order of id, as checks do."""
    named = Named(AllowKind(entry.kind), entry.value, entry.domain)
    query = (
        select(Domain.id)
        .where(Domain.id > entry.settled_through, domains_of(named), _concerned(entry))
        .order_by(Domain.id)
        .limit(CHUNK)
        .with_for_update(key_share=True)
    )
    return session.scalars(query).all()


def _concerned(entry: AllowListEntry) -> ColumnElement[bool]:
    """Condition of domains for which the entry's beginning, or its end, changes something."""
    if entry.ended_at is not None:
        return Domain.recommendation.in_(LAPSED)
    return exists().where(and_(Case.domain_id == Domain.id, Case.state.in_(PENDING)))


def _why(entry: AllowListEntry) -> Why | None:
    if entry.ended_at is None:
        return None
    how = entry.ended_how or "removed"
    words = f"the allow-list entry {entry.value} {_ENDED[how]}, and the domain is still lapsed or in other hands"
    return Why(f"allow_list_{how}", words)


def _advance(session: Session, entry: AllowListEntry, ids: Sequence[int], now: datetime) -> None:
    """Note how far it came, unless the entry was ended or switched meanwhile, which begins it anew."""
    same_end = (
        AllowListEntry.ended_at.is_(None) if entry.ended_at is None else AllowListEntry.ended_at == entry.ended_at
    )
    done = {"settled_through": ids[-1]} if len(ids) == CHUNK else {"settled_at": now}
    session.execute(
        update(AllowListEntry)
        .where(AllowListEntry.id == entry.id, AllowListEntry.settled_through == entry.settled_through, same_end)
        .values(**done)
        .execution_options(synchronize_session=False)
    )

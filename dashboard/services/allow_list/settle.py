"""Bring cases in line with entries that began or ended, some domains a transaction.

The database knows what is left to do and how far it came: a job that dies, or runs twice, does nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Recommendation
from dashboard.models import PENDING, AllowKind, AllowListEntry, Case, Domain
from dashboard.services.allow_list.matching import domains_of
from dashboard.services.allow_list.values import Named
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.flag import update_cases
from dashboard.services.cases.reopen import Why
from dashboard.services.checking.facts import load_facts

CHUNK = 50
"""Domains in one transaction, each with its addresses and evidence: about 100 ms."""
LAPSED = (Recommendation.REVIEW.value, Recommendation.UNVERIFY.value)
_ENDED = {"expired": "expired", "removed": "was removed", "switched_off": "was switched off"}


@dataclass(frozen=True, slots=True)
class Work:
    """The next domains that an entry's beginning or end concerns, in order of id; `last` where no more follow."""

    entry_id: int
    value: str
    ended_at: datetime | None
    ended_how: str | None
    begun_after: int
    domain_ids: Sequence[int]

    @property
    def last(self) -> bool:
        """Whether nothing is left after these."""
        return len(self.domain_ids) < CHUNK


def next_work(session: Session) -> Work | None:
    """Find what is to be done next, None when nothing is. Only reads: a suffix may take a while to look through."""
    entry = session.scalars(
        select(AllowListEntry).where(AllowListEntry.settled_at.is_(None)).order_by(AllowListEntry.id).limit(1)
    ).first()
    if entry is None:
        return None
    named = Named(AllowKind(entry.kind), entry.value, entry.domain)
    query = _concerned(entry).where(Domain.id > entry.settled_through, domains_of(named))
    ids = session.scalars(query.order_by(Domain.id).limit(CHUNK)).all()
    return Work(entry.id, entry.value, entry.ended_at, entry.ended_how, entry.settled_through, ids)


def settle(session: Session, work: Work, now: datetime) -> None:
    """Close the open cases that an entry covers, or flag what is still lapsed after its end."""
    ids = _lock(session, work.domain_ids)
    known = load_facts(session, ids)
    assessed = [Assessed(known[ident], known[ident].current(now), before=known[ident].readings) for ident in ids]
    changes = update_cases(session, assessed, now, uncovered=_why(work))
    _advance(session, work, now)
    changes.record(session, now)


def _concerned(entry: AllowListEntry) -> Select[int]:
    """Select the domains for which the entry's beginning, or its end, changes something."""
    if entry.ended_at is not None:
        return select(Domain.id).where(Domain.recommendation.in_(LAPSED))
    return select(Domain.id).join(Case, Case.domain_id == Domain.id).where(Case.state.in_(PENDING))


def _lock(session: Session, ids: Sequence[int]) -> Sequence[int]:
    """Lock the domains in order of id, as checks do."""
    query = select(Domain.id).where(Domain.id.in_(ids)).order_by(Domain.id)
    return session.scalars(query.with_for_update(key_share=True)).all()


def _why(work: Work) -> Why | None:
    if work.ended_at is None:
        return None
    how = work.ended_how or "removed"
    words = f"the allow-list entry {work.value} {_ENDED[how]}, and the domain is still lapsed or in other hands"
    return Why(f"allow_list_{how}", words)


def _advance(session: Session, work: Work, now: datetime) -> None:
    """Note how far it came, unless the entry was ended or switched meanwhile, which begins it anew."""
    entry = AllowListEntry
    same_end = entry.ended_at.is_(None) if work.ended_at is None else entry.ended_at == work.ended_at
    done = {"settled_at": now} if work.last else {"settled_through": work.domain_ids[-1]}
    session.execute(
        update(entry)
        .where(entry.id == work.entry_id, entry.settled_through == work.begun_after, same_end)
        .values(**done)
        .execution_options(synchronize_session=False)
    )

"""The recorded history that a dry run of the policy looks at (`dashboard.lifecycle.dry_run`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from dashboard.lifecycle.assessment import Confidence, HolderChange, Recommendation
from dashboard.lifecycle.brakes import HISTORY, WINDOW, Scope, tld_of
from dashboard.lifecycle.dry_run import DAY, DAYS, PastLapses, PastOpening, Recorded
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.policy import LIMITS
from dashboard.models import AccountPackage, Address, Case, CaseOpening, Decision, Domain, LapseCount, Package
from dashboard.models.brake import WITH_LAPSES

MOST = 50_000
"""Openings looked at, at most: the newest; a page that waited longer would be of no use."""
CHUNK = 10_000
"""Ids in one statement, well under the databases' limits on parameters."""
ASSESSED = "-"

Fame = Mapping[int, tuple[int, bool]]
"""By domain: downloads of its most downloaded package, and whether any is called critical."""


def recorded_history(session: Session, now: datetime) -> Recorded:
    """Read the last 90 days up to `now`, in a handful of statements."""
    since = now - DAYS * DAY
    rows = session.execute(_openings(since, now)).all()
    fame = _fame(session, [row.domain_id for row in rows if _recommended_at(row) is not None])
    began = session.scalar(select(func.min(LapseCount.hour)))
    lapses = _lapses(session, since, now)
    return Recorded(
        until=now,
        began=began,
        openings=[_past(row, fame) for row in rows[:MOST]],
        lapses=lapses,
        checked=_checked(session, lapses, began) if began is not None and began + HISTORY > since else {},
        is_cut=len(rows) > MOST,
    )


def _openings(since: datetime, now: datetime) -> Any:
    decided = select(func.min(Decision.decided_at)).where(Decision.case_id == Case.id).scalar_subquery()
    return (
        select(
            CaseOpening.case_id,
            CaseOpening.opened_at,
            CaseOpening.closed_at,
            CaseOpening.phase.label("then"),
            func.coalesce(CaseOpening.phase, Case.phase).label("phase"),
            func.coalesce(CaseOpening.confidence, Case.confidence).label("confidence"),
            func.coalesce(CaseOpening.holder_change, Case.holder_change).label("holder_change"),
            CaseOpening.recommended_at,
            Case.recommendation,
            Case.domain_id,
            Case.risk,
            Case.addresses,
            Case.accounts,
            Domain.name,
            decided.label("first_decided_at"),
        )
        .join(Case, Case.id == CaseOpening.case_id)
        .join(Domain, Domain.id == Case.domain_id)
        .where(CaseOpening.opened_at > since, CaseOpening.opened_at <= now)
        .order_by(CaseOpening.opened_at.desc(), CaseOpening.id.desc())
        .limit(MOST + 1)
    )


def _recommended_at(row: Row[Any]) -> datetime | None:
    """When to un-verify was recommended; of an opening from before that was kept, what the case says now."""
    at: datetime | None = row.recommended_at
    if row.then is None and row.recommendation == Recommendation.UNVERIFY:
        at = row.opened_at
    decided: datetime | None = row.first_decided_at
    return None if at is None or (decided is not None and decided < at) else at


def _past(row: Row[Any], fame: Fame) -> PastOpening:
    downloads, critical = fame.get(row.domain_id, (0, False))
    return PastOpening(
        case_id=row.case_id,
        tld=tld_of(row.name),
        opened_at=row.opened_at,
        phase=Phase(row.phase),
        confidence=Confidence(row.confidence),
        holder_change=HolderChange(row.holder_change),
        recommended_at=_recommended_at(row),
        ended_at=row.closed_at,
        risk=row.risk,
        addresses=row.addresses,
        accounts=row.accounts,
        downloads_30d=downloads,
        critical=critical,
    )


def _fame(session: Session, domain_ids: Collection[int]) -> dict[int, tuple[int, bool]]:
    """Return what is known today of the packages behind each domain, also where its addresses are un-verified now."""
    wanted, found = sorted(set(domain_ids)), dict[int, tuple[int, bool]]()
    for start in range(0, len(wanted), CHUNK):
        query = (
            select(
                Address.domain_id,
                func.max(Package.downloads_30d).label("downloads"),
                func.count().filter(Package.critical).label("critical"),
            )
            .join(AccountPackage, AccountPackage.account_id == Address.account_id)
            .join(Package, Package.id == AccountPackage.package_id)
            .where(Address.domain_id.in_(wanted[start : start + CHUNK]))
            .group_by(Address.domain_id)
        )
        for row in session.execute(query):
            found[row.domain_id or 0] = (row.downloads or 0, row.critical > 0)
    return found


def _lapses(session: Session, since: datetime, now: datetime) -> list[PastLapses]:
    reported = LapseCount.lapsed + LapseCount.accepted + LapseCount.discarded
    query = select(
        LapseCount.hour, LapseCount.provider, LapseCount.tld, reported, LapseCount.lapsed + LapseCount.accepted
    ).where(LapseCount.hour > since - HISTORY - WINDOW, LapseCount.hour <= now, text(WITH_LAPSES))
    return [
        PastLapses(hour, "" if provider == ASSESSED else provider, tld, every, believed)
        for hour, provider, tld, every, believed in session.execute(query)
    ]


def _checked(
    session: Session, lapses: Sequence[PastLapses], began: datetime
) -> dict[Scope, list[tuple[datetime, int]]]:
    """Return the names checked by hour while shares were measured, in every provider's TLD with enough lapses."""
    totals = defaultdict[Scope, int](int)
    for each in lapses:
        totals[Scope(each.provider, each.tld)] += each.reported
    scopes = {scope for scope, total in totals.items() if scope.provider and total >= LIMITS["brake_minimum"][0]}
    found = {scope: list[tuple[datetime, int]]() for scope in scopes}
    if not scopes:
        return found
    query = select(LapseCount.hour, LapseCount.provider, LapseCount.tld, LapseCount.checked).where(
        LapseCount.hour <= began + HISTORY, LapseCount.tld.in_({scope.tld for scope in scopes})
    )
    for hour, provider, tld, checked in session.execute(query):
        if (scope := Scope(provider, tld)) in found:
            found[scope].append((hour, checked))
    return found

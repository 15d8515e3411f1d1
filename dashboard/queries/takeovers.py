"""Reports of takeovers on a case, and what became of what the sources were told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.hosts import mask
from dashboard.models import Account, Address, Notice, Source, Staff, TakeoverReport

MAX_NOTICES = 200


@dataclass(frozen=True, slots=True)
class ShownNotice:
    """One thing a source was told; the address is masked."""

    public_id: str
    username: str
    source: str
    masked: str
    state: str
    sent_at: datetime | None
    settled_at: datetime | None
    settled_why: str | None


@dataclass(frozen=True, slots=True)
class ShownReport:
    """One report; `states` counts its notices by state, `notices` are the first `MAX_NOTICES`."""

    id: int
    by: str
    reported_at: datetime
    note: str
    states: dict[str, int]
    notices: Sequence[ShownNotice]


def takeover_reports(session: Session, case_id: int) -> list[ShownReport]:
    """Return the reports on a case, the newest first."""
    rows = session.execute(
        select(TakeoverReport.id, Staff.email, TakeoverReport.reported_at, TakeoverReport.note)
        .join(Staff, Staff.id == TakeoverReport.staff_id)
        .where(TakeoverReport.case_id == case_id)
        .order_by(TakeoverReport.id.desc())
    ).all()
    ids = [row.id for row in rows]
    if not ids:
        return []
    states, notices = _states(session, ids), _notices(session, ids)
    return [
        ShownReport(row.id, row.email, row.reported_at, row.note, states[row.id], notices[row.id]) for row in rows
    ]


def _states(session: Session, report_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = session.execute(
        select(Notice.report_id, Notice.state, func.count())
        .where(Notice.report_id.in_(report_ids))
        .group_by(Notice.report_id, Notice.state)
        .order_by(Notice.state)
    )
    for report_id, state, count in rows:
        found[report_id or 0][state] = count
    return found


def _notices(session: Session, report_ids: Sequence[int]) -> dict[int, list[ShownNotice]]:
    found: dict[int, list[ShownNotice]] = defaultdict(list)
    rows = session.execute(
        select(Notice, Account.username, Source.name, Address.local_part, Address.host)
        .join(Address, Address.id == Notice.address_id)
        .join(Account, Account.id == Address.account_id)
        .join(Source, Source.id == Notice.source_id)
        .where(Notice.report_id.in_(report_ids))
        .order_by(Notice.id)
        .limit(MAX_NOTICES)
    )
    for item, username, source, local_part, host in rows:
        found[item.report_id or 0].append(
            ShownNotice(
                public_id=item.public_id,
                username=username,
                source=source,
                masked=mask(local_part, host),
                state=item.state,
                sent_at=item.sent_at,
                settled_at=item.settled_at,
                settled_why=item.settled_why,
            )
        )
    return found

"""Report a takeover: tell the sources that accounts were probably taken over. Nothing is un-verified by it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, exists, or_, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.models import Address, Case, NoticeKind, TakeoverReport, Unverification
from dashboard.services.cases.judge import Judged, evidence_digest, freeze, judge
from dashboard.services.decide import MAX_NOTE, Conflict, conflict_of
from dashboard.services.notices import queue_notices
from dashboard.services.policy.versions import current

REASON = "reported"
"""Why, as the source is told; the note stays here."""


class TakeoverRefusal(StrEnum):
    """Why nothing was reported."""

    CONFLICT = "conflict"
    NOTE_REQUIRED = "note_required"
    NOBODY = "nobody"
    COUNT_MISMATCH = "count_mismatch"
    COUNT_CHANGED = "count_changed"


@dataclass(frozen=True, slots=True)
class TakeoverRequest:
    """What a reviewer asks for; `account_ids` None means all accounts behind the case.

    `version` is the case's and `shown_count` the number of all addresses as they saw them; `typed_count` what they
    typed.
    """

    case_id: int
    version: int
    note: str
    account_ids: tuple[int, ...] | None = None
    shown_count: int | None = None
    typed_count: int | None = None


@dataclass(frozen=True, slots=True)
class TakeoverResult:
    """What came of it: a report, or a refusal with its reason."""

    report_id: int | None = None
    refusal: TakeoverRefusal | None = None
    addresses: int = 0
    accounts: int = 0
    conflict: Conflict | None = None


def reportable(session: Session, domain_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the addresses that a report can name: verified ones, and those that were un-verified from here."""
    made = exists().where(Unverification.address_id == Address.id)
    query = (
        select(
            Address.id,
            Address.source_id,
            Address.account_id,
            Address.domain_id,
            Address.verified,
            Address.verified_at,
            Address.state_token,
        )
        .where(Address.domain_id == domain_id, or_(Address.verified, made))
        .order_by(Address.id)
    )
    return session.execute(query).all()


def report_takeover(
    session: Session, request: TakeoverRequest, actor: Actor, staff_id: int, now: datetime
) -> TakeoverResult:
    """Report a takeover: version check, report, notices and audit entry together or not at all.

    Possible whatever the case's state: a takeover may come to light after the decision.
    `LookupError` when there is no such case.
    """
    case = session.scalar(select(Case).where(Case.id == request.case_id).with_for_update())
    if case is None:
        raise LookupError(f"no case {request.case_id}")
    if case.version != request.version:
        return TakeoverResult(refusal=TakeoverRefusal.CONFLICT, conflict=conflict_of(session, case))
    everyone = reportable(session, case.domain_id)
    chosen = [row for row in everyone if _is_chosen(row, request.account_ids)]
    accounts = len({row.account_id for row in chosen})
    if refusal := _refusal(request, len(everyone), len(chosen), current(session).type_above):
        return TakeoverResult(refusal=refusal, addresses=len(chosen), accounts=accounts)
    judged = judge(session, case.domain_id, now)
    report = _write_report(session, case, request, judged, staff_id, now)
    queue_notices(session, chosen, NoticeKind.TAKEOVER_SUSPECTED, now, reason=REASON, report_id=report.id)
    _audit(session, report, judged, chosen, actor, now)
    return TakeoverResult(report_id=report.id, addresses=len(chosen), accounts=accounts)


def _is_chosen(row: Row[Any], account_ids: Collection[int] | None) -> bool:
    return account_ids is None or row.account_id in account_ids


def _refusal(request: TakeoverRequest, all_of_them: int, chosen: int, type_above: int) -> TakeoverRefusal | None:
    """Friction counts addresses; a second person is not waited for: minutes count, and nothing is changed."""
    if chosen == 0:
        return TakeoverRefusal.NOBODY
    if not request.note.strip():
        return TakeoverRefusal.NOTE_REQUIRED
    if request.shown_count not in {None, all_of_them}:
        return TakeoverRefusal.COUNT_CHANGED  # an import came between the page and the click
    if chosen > type_above and request.typed_count != chosen:
        return TakeoverRefusal.COUNT_MISMATCH
    return None


def _write_report(
    session: Session, case: Case, request: TakeoverRequest, judged: Judged, staff_id: int, now: datetime
) -> TakeoverReport:
    report = TakeoverReport(
        case_id=case.id,
        staff_id=staff_id,
        reported_at=now,
        note=request.note.strip()[:MAX_NOTE],
        case_version=case.version,
        frozen=freeze(session, case, judged),
    )
    session.add(report)
    case.version += 1
    case.updated_at = now
    session.flush()
    return report


def _audit(
    session: Session,
    report: TakeoverReport,
    judged: Judged,
    chosen: Sequence[Row[Any]],
    actor: Actor,
    now: datetime,
) -> None:
    record(
        session,
        Event.TAKEOVER_REPORTED,
        actor=actor,
        object_type="case",
        object_id=str(report.case_id),
        data={
            "domain": judged.facts.name,
            "report_id": report.id,
            "addresses": len(chosen),
            "accounts": len({row.account_id for row in chosen}),
            "case_version": report.case_version,
            "evidence_sha256": evidence_digest(report.frozen),
        },
        now=now,
    )

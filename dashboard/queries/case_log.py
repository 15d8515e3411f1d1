"""What was done with a case, by whom: openings, decisions, reports of takeovers, times aside, notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, String
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from dashboard.database import Json, UtcDateTime
from dashboard.models import CaseNote, CaseOpening, Decision, SetAside, Staff, TakeoverReport
from dashboard.models.case import decided_by
from dashboard.queries.deliveries import NOTHING, CaseDeliveries, Told, case_deliveries
from dashboard.queries.parts import Part, part, read_parts

MAX_NOTES = 100


@dataclass(frozen=True, slots=True)
class ShownOpening:
    """A time the case was opened, and how that ended."""

    opened_at: datetime
    why: str
    closed_at: datetime | None
    closed_how: str | None


@dataclass(frozen=True, slots=True)
class ShownDecision:
    """One decision, and what the sources were told of it. `until`: when it runs out.

    `by` and `reverted_by` are sign-in names, for the screen only; of an automatic one `by` says which policy.
    """

    id: int
    kind: str
    reason_code: str
    note: str
    by: str
    decided_at: datetime
    frozen: dict[str, Any]
    told: Told
    until: datetime | None = None
    reverted_at: datetime | None = None
    reverted_by: str | None = None


@dataclass(frozen=True, slots=True)
class ShownReport:
    """One report of a takeover, and what the sources were told of it."""

    id: int
    by: str
    reported_at: datetime
    note: str
    told: Told


@dataclass(frozen=True, slots=True)
class ShownSetAside:
    """One time aside; `by` and `ended_by` are sign-in names, for the screen only."""

    kind: str
    by: str
    at: datetime
    until: datetime | None
    note: str
    ended_at: datetime | None
    ended_how: str | None
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note; `by` is a sign-in name, for the screen only."""

    id: int
    by: str
    at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class CaseLog:
    """All of it, the newest first; of notes the newest `MAX_NOTES`, the oldest of these first."""

    openings: Sequence[ShownOpening]
    decisions: Sequence[ShownDecision]
    reports: Sequence[ShownReport]
    asides: Sequence[ShownSetAside]
    notes: Sequence[ShownNote]


def case_log(session: Session, case_id: int) -> CaseLog:
    """Return what was done with a case, in two statements."""
    parts = read_parts(
        session, _openings(case_id), _decisions(case_id), _reports(case_id), _asides(case_id), _notes(case_id)
    )
    told = case_deliveries(session, case_id) if parts["decision"] or parts["report"] else CaseDeliveries({}, {})
    return CaseLog(
        openings=[_opening(row) for row in _newest_first(parts["opening"])],
        decisions=[_decision(row, told.decisions.get(row.id, NOTHING)) for row in _newest_first(parts["decision"])],
        reports=[_report(row, told.reports.get(row.id, NOTHING)) for row in _newest_first(parts["report"])],
        asides=[_aside(row) for row in _newest_first(parts["aside"])],
        notes=[ShownNote(row.id, row.by, row.at, row.words) for row in _newest_first(parts["note"])][::-1],
    )


def _newest_first(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    return sorted(rows, key=lambda row: -row.id)


_COLUMNS = {
    "id": BigInteger,
    "kind": String,
    "code": String,
    "words": String,
    "by": String,
    "at": UtcDateTime,
    "until": UtcDateTime,
    "ended_at": UtcDateTime,
    "ended_how": String,
    "ended_by": String,
    "policy_version": BigInteger,
    "frozen": Json,
}


def _part(name: str, ident: InstrumentedAttribute[int], words: Any, at: Any, **given: Any) -> Part:
    return part(_COLUMNS, name, id=ident, words=words, at=at, **given)


def _openings(case_id: int) -> Part:
    row = CaseOpening
    ended = {"ended_at": row.closed_at, "ended_how": row.closed_how}
    return _part("opening", row.id, row.why, row.opened_at, **ended).where(row.case_id == case_id)


def _opening(row: Row[Any]) -> ShownOpening:
    return ShownOpening(row.at, row.words, row.ended_at, row.ended_how)


def _decisions(case_id: int) -> Part:
    row, reverter = Decision, aliased(Staff)
    return (
        _part(
            "decision",
            row.id,
            row.note,
            row.decided_at,
            kind=row.kind,
            code=row.reason_code,
            by=Staff.email,
            until=row.until,
            ended_at=row.reverted_at,
            ended_by=reverter.email,
            policy_version=row.policy_version,
            frozen=row.frozen,
        )
        .select_from(row)
        .outerjoin(Staff, Staff.id == row.staff_id)
        .outerjoin(reverter, reverter.id == row.reverted_by)
        .where(row.case_id == case_id)
    )


def _decision(row: Row[Any], told: Told) -> ShownDecision:
    return ShownDecision(
        id=row.id,
        kind=row.kind,
        reason_code=row.code,
        note=row.words,
        by=decided_by(row.by, row.policy_version),
        decided_at=row.at,
        frozen=row.frozen,
        told=told,
        until=row.until,
        reverted_at=row.ended_at,
        reverted_by=row.ended_by,
    )


def _reports(case_id: int) -> Part:
    row = TakeoverReport
    found = _part("report", row.id, row.note, row.reported_at, by=Staff.email)
    return found.join(Staff, Staff.id == row.staff_id).where(row.case_id == case_id)


def _report(row: Row[Any], told: Told) -> ShownReport:
    return ShownReport(row.id, row.by, row.at, row.words, told)


def _asides(case_id: int) -> Part:
    row, ender = SetAside, aliased(Staff)
    ended = {"ended_at": row.ended_at, "ended_how": row.ended_how, "ended_by": ender.email}
    return (
        _part("aside", row.id, row.note, row.at, kind=row.kind, by=Staff.email, until=row.until, **ended)
        .select_from(row)
        .join(Staff, Staff.id == row.staff_id)
        .outerjoin(ender, ender.id == row.ended_by)
        .where(row.case_id == case_id)
    )


def _aside(row: Row[Any]) -> ShownSetAside:
    return ShownSetAside(row.kind, row.by, row.at, row.until, row.words, row.ended_at, row.ended_how, row.ended_by)


def _notes(case_id: int) -> Part:
    row = CaseNote
    found = _part("note", row.id, row.body, row.at, by=Staff.email).join(Staff, Staff.id == row.staff_id)
    return found.where(row.case_id == case_id).order_by(row.id.desc()).limit(MAX_NOTES)

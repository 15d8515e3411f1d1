"""Decide a case: un-verify its addresses, or keep them verified, with the exact evidence frozen beside it."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, joinedload

from dashboard.audit.actor import Actor
from dashboard.audit.events import Event
from dashboard.audit.record import record
from dashboard.lifecycle.policy import Policy
from dashboard.models import (
    Address,
    Case,
    CaseState,
    Decision,
    DecisionKind,
    Staff,
    TakeoverReport,
    Unverification,
    UnverificationState,
)
from dashboard.models.case import decided_by
from dashboard.services.cases.aside import last_aside
from dashboard.services.cases.judge import Judged, evidence_digest, freeze, judge
from dashboard.services.cases.openings import close_opening
from dashboard.services.cases.reasons import find_reason
from dashboard.services.cases.reopen import decided_facts
from dashboard.services.judged import judged_state
from dashboard.services.policy import current, high_profile_accounts

MAX_NOTE = 4000
EFFECTS = ("unverify", "block_reset")
LONGEST_TERM = timedelta(days=366)
CHUNK = 500


class Refusal(StrEnum):
    """Why nothing was decided."""

    CONFLICT = "conflict"
    CLOSED = "closed"
    NOTHING_TO_DO = "nothing_to_do"
    COUNT_MISMATCH = "count_mismatch"
    COUNT_CHANGED = "count_changed"
    SECOND_PERSON = "second_person"
    NOTE_REQUIRED = "note_required"
    UNKNOWN_REASON = "unknown_reason"
    HELD = "held"
    BAD_TERM = "bad_term"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What a reviewer asks for.

    `version` is the case's and `shown_count` the number of addresses as they saw them, `typed_count` what they typed.
    `chosen`: the addresses (row ids) to un-verify; None: all that the case reaches. `until`: when a decision to keep
    runs out; None: it holds until the facts change.
    """

    case_id: int
    version: int
    kind: DecisionKind
    reason_code: str
    note: str
    effect: str = "unverify"
    typed_count: int | None = None
    shown_count: int | None = None
    chosen: frozenset[int] | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Who changed the case first: `kind` is their decision, "takeover" for a report, or "checks" for new evidence."""

    by: str
    at: datetime
    kind: str
    now_version: int


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What came of it: a decision, or a refusal with its reason."""

    decision_id: int | None = None
    refusal: Refusal | None = None
    addresses: int = 0
    accounts: int = 0
    conflict: Conflict | None = None


def decide(
    session: Session,
    request: DecisionRequest,
    actor: Actor,
    staff_id: int | None,
    now: datetime,
    *,
    policy_version: int | None = None,
) -> DecisionResult:
    """Decide a case: version check, decision, un-verifications and audit entry together or not at all.

    Of a chosen part the friction counts the part (DESIGN invariant 11), and what was left out stays verified until
    the facts change. Either `staff_id` decides, or the policy's `policy_version`. The case row is locked first, so of
    two reviewers at once the second gets `CONFLICT` with who and when.
    `LookupError` when there is no such case.
    """
    case = session.scalar(select(Case).where(Case.id == request.case_id).with_for_update())
    if case is None:
        raise LookupError(f"no case {request.case_id}")
    if case.version != request.version or case.state != CaseState.OPEN:
        return DecisionResult(refusal=Refusal.CONFLICT, conflict=conflict_of(session, case))
    if case.brake_id is not None and request.kind is DecisionKind.APPROVE:
        return DecisionResult(refusal=Refusal.HELD)
    if policy_version is None and (refusal := _unreasoned(session, request, now)):
        return DecisionResult(refusal=refusal)
    judged, policy = judge(session, case.domain_id, now), current(session)
    ids = [ident for ident in judged.address_ids if request.chosen is None or ident in request.chosen]
    count, reached = len(ids), set(ids)
    if request.chosen is not None and request.chosen - reached:
        return DecisionResult(refusal=Refusal.NOT_REACHED)  # it was reached, left or kept since the page was opened
    behind = {address.account_id for address in judged.facts.addresses if address.id in reached}
    accounts, high = len(behind), bool(high_profile_accounts(session, policy, behind))
    if refusal := _friction(request, count, policy, high_profile=high):
        return DecisionResult(refusal=refusal, addresses=count, accounts=accounts)
    decision = _write_decision(session, case, request, judged, now)
    decision.staff_id, decision.policy_version = staff_id, policy_version
    case.decided_facts = {**(case.decided_facts or {}), **left_out(judged.address_ids, reached)}
    session.flush()
    if request.kind is DecisionKind.APPROVE:
        _queue_unverifications(session, decision, ids, request.effect)
    _audit(session, decision, count, judged, request, actor, now)
    return DecisionResult(decision_id=decision.id, addresses=count, accounts=accounts)


def left_out(reached: Collection[int], chosen: Collection[int]) -> dict[str, list[int]]:
    """Return what a case's `decided_facts` keep of an approval of a part: the addresses left out of it."""
    left = sorted(set(reached) - set(chosen))
    return {"left_out": left} if left else {}


def conflict_of(session: Session, case: Case) -> Conflict:
    """Say who changed the case last."""
    if aside := last_aside(session, case):
        return Conflict(aside.by or "the calendar", aside.at, aside.kind, case.version)
    report = session.scalar(
        select(TakeoverReport)
        .options(joinedload(TakeoverReport.staff).load_only(Staff.email))
        .where(TakeoverReport.case_id == case.id, TakeoverReport.case_version == case.version - 1)
    )
    if report is not None:
        return Conflict(report.staff.email, report.reported_at, "takeover", case.version)
    latest = session.scalar(
        select(Decision)
        .options(joinedload(Decision.staff).load_only(Staff.email))
        .where(Decision.case_id == case.id)
        .order_by(Decision.id.desc())
        .limit(1)
    )
    if latest is None or case.state != CaseState.DECIDED:
        return Conflict(by="the checks", at=case.updated_at, kind="checks", now_version=case.version)
    by = decided_by(latest.staff.email if latest.staff else None, latest.policy_version)
    return Conflict(by, latest.decided_at, latest.kind, case.version)


def _unreasoned(session: Session, request: DecisionRequest, now: datetime) -> Refusal | None:
    reason = find_reason(session, request.kind, request.reason_code)
    if reason is None or request.effect not in EFFECTS:
        return Refusal.UNKNOWN_REASON
    if reason.needs_note and not request.note.strip():
        return Refusal.NOTE_REQUIRED
    if request.until is not None and not now < request.until <= now + LONGEST_TERM:
        return Refusal.BAD_TERM
    return None


def _friction(request: DecisionRequest, addresses: int, policy: Policy, *, high_profile: bool) -> Refusal | None:
    """Friction counts addresses and grows with harm (DESIGN invariant 11); keeping addresses harms nobody."""
    if request.kind is not DecisionKind.APPROVE:
        return None
    if addresses == 0:
        return Refusal.NOTHING_TO_DO
    if request.shown_count not in {None, addresses}:
        return Refusal.COUNT_CHANGED  # an import came between the page and the click
    if addresses > policy.type_above and request.typed_count != addresses:
        return Refusal.COUNT_MISMATCH
    return Refusal.SECOND_PERSON if addresses > policy.second_above or high_profile else None


def _write_decision(
    session: Session, case: Case, request: DecisionRequest, judged: Judged, now: datetime
) -> Decision:
    """Return the decision as it will be written; the caller says who decided."""
    decision = Decision(
        case_id=case.id,
        opening_id=close_opening(session, case.id, request.kind.value, now),
        kind=request.kind.value,
        reason_code=request.reason_code,
        note=request.note.strip()[:MAX_NOTE],
        decided_at=now,
        case_version=case.version,
        frozen=freeze(session, case, judged),
        until=request.until if request.kind is DecisionKind.OVERRIDE else None,
    )
    session.add(decision)
    case.state, case.updated_at, case.brake_id = CaseState.DECIDED.value, now, None
    case.decided_facts = decided_facts(case, judged.assessment, request.kind, decision.until)
    case.term_at = decision.until
    case.version += 1
    return decision


def _queue_unverifications(session: Session, decision: Decision, ids: Sequence[int], effect: str) -> None:
    """Put one outbox row an address, with the address state that was judged."""
    for start in range(0, len(ids), CHUNK):
        addresses = session.execute(
            select(Address.id, Address.source_id, Address.verified, Address.verified_at, Address.state_token).where(
                Address.id.in_(ids[start : start + CHUNK])
            )
        )
        rows = [
            {
                "public_id": secrets.token_hex(12),
                "decision_id": decision.id,
                "address_id": row.id,
                "source_id": row.source_id,
                "kind": "unverify",
                "effect": effect,
                "state": UnverificationState.QUEUED.value,
                "judged": judged_state(row),
                "reason": decision.reason_code,
                "decided_at": decision.decided_at,
            }
            for row in addresses
        ]
        session.execute(insert(Unverification), rows)


def _audit(
    session: Session,
    decision: Decision,
    addresses: int,
    judged: Judged,
    request: DecisionRequest,
    actor: Actor,
    now: datetime,
) -> None:
    approved = request.kind is DecisionKind.APPROVE
    effect = {"effect": request.effect} if approved else {}
    record(
        session,
        Event.CASE_APPROVED if approved else Event.CASE_OVERRIDDEN,
        actor=actor,
        object_type="case",
        object_id=str(decision.case_id),
        data={
            "domain": judged.facts.name,
            "reason_code": decision.reason_code,
            "addresses": addresses,
            "decision_id": decision.id,
            "case_version": decision.case_version,
            "evidence_sha256": evidence_digest(decision.frozen),
            **effect,
            "bulk_id": None,
        },
        now=now,
    )

"""Automatic approval: what the policy un-verifies without a person, once an admin has switched it on.

Off by default, and timid: a clear recommendation on fresh evidence, a case that nobody holds or has ever decided, no
package of high profile, and no brake on anywhere. At most so many accounts in any 24 hours, counted in the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from dashboard.audit.actor import Actor, ActorKind
from dashboard.lifecycle.assessment import Recommendation
from dashboard.lifecycle.brakes import Mode
from dashboard.lifecycle.policy import Policy
from dashboard.models import (
    AccountPackage,
    Address,
    Case,
    CaseState,
    Claim,
    Decision,
    DecisionKind,
    Domain,
    Package,
    Unverification,
)
from dashboard.services.allow_list.ask import coverage
from dashboard.services.brakes.counts import mode_now
from dashboard.services.brakes.hold import open_brakes
from dashboard.services.cases.judge import Judged, judge
from dashboard.services.decide import DecisionRequest, Refusal, decide
from dashboard.services.policy import current, high_profile, high_profile_accounts
from dashboard.services.policy.versions import lock_current
from dashboard.services.recheck import fresh_domains

SPAN = timedelta(hours=24)
"""The limit holds in every span of this length, so also in every day of any time zone."""
PAGE = 100
LOOKED_AT = 2000
"""Cases looked at in one turn; the next turn begins again with the riskiest."""
REASON = "lapsed"


class Stop(StrEnum):
    """Why nothing at all is approved at present."""

    OFF = "off"
    BRAKE = "brake"
    FIRST_SWEEP = "first_sweep"
    SPENT = "spent"


class Skip(StrEnum):
    """Why one case is left to people."""

    CHANGED = "changed"
    NOT_RECOMMENDED = "not_recommended"
    ALLOW_LISTED = "allow_listed"
    STALE = "stale"
    HIGH_PROFILE = "high_profile"
    TOO_MANY = "too_many"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case as it was found; `version` makes sure that it is still that one when its turn comes."""

    case_id: int
    version: int


@dataclass(frozen=True, slots=True)
class Approval:
    """What came of one candidate: addresses and accounts that will be un-verified, or why none."""

    addresses: int = 0
    accounts: int = 0
    stop: Stop | None = None
    skip: Skip | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether anything may be approved at present, and how many accounts of the limit are left."""

    policy: Policy
    left: int
    stop: Stop | None = None


def standing(session: Session, policy: Policy, now: datetime) -> Standing:
    """Say whether anything may be approved at `now`; nothing is while any brake is on."""
    left = policy.automatic_accounts - _spent(session, now)
    stop = None
    if not policy.automatic:
        stop = Stop.OFF
    elif open_brakes(session):
        stop = Stop.BRAKE
    elif mode_now(session, now) is not Mode.BASELINE:
        stop = Stop.FIRST_SWEEP
    elif left <= 0:
        stop = Stop.SPENT
    return Standing(policy, max(left, 0), stop)


def _spent(session: Session, now: datetime) -> int:
    """Count the accounts that automatic decisions have reached within `SPAN`."""
    query = (
        select(func.count(Address.account_id.distinct()))
        .select_from(Decision)
        .join(Unverification, Unverification.decision_id == Decision.id)
        .join(Address, Address.id == Unverification.address_id)
        .where(Decision.policy_version.is_not(None), Decision.decided_at > now - SPAN)
    )
    return session.scalar(query) or 0


def candidates(session: Session, now: datetime, wall_now: datetime) -> Iterator[Candidate]:
    """Yield what may be approved, the riskiest first; each must still be put to `approve_next`. Only reads."""
    state = standing(session, current(session), now)
    if state.stop is not None:
        return
    after: Row[int, int, int, int, str] | None = None
    for _ in range(LOOKED_AT // PAGE):
        rows = _page(session, state, wall_now, after)
        fresh = fresh_domains(session, {row.domain_id for row in rows}, now) if rows else set()
        yield from [Candidate(row.id, row.version) for row in rows if row.domain_id in fresh]
        if len(rows) < PAGE:
            return
        after = rows[-1]


def _page(
    session: Session, state: Standing, wall_now: datetime, after: Row[int, int, int, int, str] | None
) -> list[Row[int, int, int, int, str]]:
    query = (
        select(Case.id, Case.version, Case.domain_id, Case.risk, Domain.name)
        .join(Domain, Domain.id == Case.domain_id)
        .where(
            *_left_to_the_policy(wall_now),
            Case.accounts <= state.left,
            Case.addresses <= state.policy.second_above,
            ~_of_high_profile(state.policy),
        )
        .order_by(Case.risk.desc(), Case.id.desc())
        .limit(PAGE)
    )
    if after is not None:
        query = query.where(or_(Case.risk < after.risk, and_(Case.risk == after.risk, Case.id < after.id)))
    return list(session.execute(query).all())


def _left_to_the_policy(wall_now: datetime) -> list[ColumnElement[bool]]:
    """Open, recommended, not held, and nobody's: no person works on it or has ever said anything of it."""
    return [
        Case.state == CaseState.OPEN.value,
        Case.recommendation == Recommendation.UNVERIFY.value,
        Case.brake_id.is_(None),
        ~exists().where(Claim.case_id == Case.id, Claim.expires_at > wall_now),
        ~exists().where(Decision.case_id == Case.id),
    ]


def _of_high_profile(policy: Policy) -> ColumnElement[bool]:
    return exists(
        select(AccountPackage.account_id)
        .join(Package, Package.id == AccountPackage.package_id)
        .join(Address, Address.account_id == AccountPackage.account_id)
        .where(Address.domain_id == Case.domain_id, Address.verified, high_profile(policy))
        .correlate(Case)
    )


def approve_next(session: Session, candidate: Candidate, now: datetime, wall_now: datetime) -> Approval:
    """Approve one candidate, in a write transaction of its own.

    The row of the policy in force is locked first: two workers count the day's accounts one after the other, and a
    change of the policy comes either before this decision or after it.
    """
    state = standing(session, lock_current(session), now)
    if state.stop is not None:
        return Approval(stop=state.stop)
    still = Case.id == candidate.case_id, Case.version == candidate.version, *_left_to_the_policy(wall_now)
    case = session.scalar(select(Case).where(*still).with_for_update())
    if case is None:
        return Approval(skip=Skip.CHANGED)
    judged = judge(session, case.domain_id, now)
    accounts = {a.account_id for a in judged.facts.addresses if a.id in set(judged.address_ids)}
    if skip := _objection(session, state, judged, accounts, now):
        return Approval(skip=skip)
    return _decide(session, state.policy, case, len(judged.address_ids), now)


def _objection(session: Session, state: Standing, judged: Judged, accounts: set[int], now: datetime) -> Skip | None:
    """Why a case is left to people, on everything that is known at this moment."""
    if judged.assessment.recommendation is not Recommendation.UNVERIFY:
        return Skip.NOT_RECOMMENDED
    if coverage(session, [judged.facts.id], now):  # also where it keeps single addresses only
        return Skip.ALLOW_LISTED
    if not fresh_domains(session, [judged.facts.id], now):
        return Skip.STALE
    if high_profile_accounts(session, state.policy, accounts):
        return Skip.HIGH_PROFILE
    return Skip.TOO_MANY if len(accounts) > state.left else None


def _decide(session: Session, policy: Policy, case: Case, addresses: int, now: datetime) -> Approval:
    """Go the way of every decision: version check, frozen evidence, un-verifications, audit entry."""
    request = DecisionRequest(
        case_id=case.id,
        version=case.version,
        kind=DecisionKind.APPROVE,
        reason_code=REASON,
        note="",
        typed_count=addresses,
        shown_count=addresses,
    )
    actor = Actor(ActorKind.POLICY, str(policy.version))
    result = decide(session, request, actor, None, now, policy_version=policy.version)
    if result.refusal is not None:
        return Approval(skip=Skip.TOO_MANY if result.refusal is Refusal.SECOND_PERSON else Skip.REFUSED)
    return Approval(result.addresses, result.accounts)

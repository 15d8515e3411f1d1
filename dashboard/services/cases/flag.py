"""Open, update, re-open and close cases as assessments come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dashboard.audit.record import NewEntry
from dashboard.lifecycle.assessment import Confidence, HolderChange
from dashboard.lifecycle.brakes import tld_of
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.policy import Policy, opens_case
from dashboard.lifecycle.risk import DEPENDENCY, Exposure
from dashboard.models import Case, CaseState
from dashboard.services.allow_list.ask import NOTHING, Cover, Coverage, coverage
from dashboard.services.brakes.hold import brake_over, open_brakes
from dashboard.services.cases.assessed import Assessed
from dashboard.services.cases.change import Changes, close_case, describe, open_case
from dashboard.services.cases.exposure import Stake, exposure, exposures
from dashboard.services.cases.openings import note_recommended
from dashboard.services.cases.reach import Reach, made_for, reach, reach_among
from dashboard.services.cases.renewal import confirmed, lapse_seen_at
from dashboard.services.cases.reopen import Why, forget_renewal, left_out, note_renewal, waits, why_open
from dashboard.services.cases.uncovered import why_uncovered
from dashboard.services.policy import current
from dashboard.services.sql import among

RENEWED = {Phase.ACTIVE}


def flag(session: Session, assessed: Sequence[Assessed], now: datetime) -> int:
    """Bring the cases of `assessed` up to date, with one audit entry a change; returns how many were opened."""
    changes = update_cases(session, assessed, now)
    changes.record(session, now)
    return changes.opened


def update_cases(
    session: Session, assessed: Sequence[Assessed], now: datetime, *, uncovered: Why | None = None
) -> Changes:
    """Open, update and close the cases of `assessed`, and return what is to be recorded.

    What a brake covers is opened, but held. What the allow-list keeps is not flagged, and its open case is closed;
    `uncovered` says why it no longer keeps what it kept, and opens cases that were closed for it.
    """
    brakes, policy = open_brakes(session), current(session)
    changes = Changes()
    entries = changes.entries
    cases = _existing(session, assessed)
    covers = _covers(session, assessed, cases, policy, now)
    due = [item for item in assessed if _is_flagged(item, cases.get(item.facts.id), policy)]
    judged = _judge(session, due, cases, covers, uncovered, now)
    _add_cases(session, judged.values(), now)
    for item in assessed:
        case, cover = cases.get(item.facts.id), covers.get(item.facts.id, NOTHING)
        flagged = item.facts.id in judged
        if cover.whole is not None and (flagged or not _healthy(item)):
            _allow(session, item, case, cover.whole, changes, now)
        elif flagged:
            if _flagged(session, judged[item.facts.id], changes, now):
                changes.opened += 1
                if brakes:
                    _hold(session, item, brake_over(brakes, item.facts))
        elif case is not None and waits(case):
            _not_flagged(session, item, case, entries, now)
        elif case is not None and case.state == CaseState.DECIDED and _healthy(item):
            note_renewal(case, now)
    return changes


def _covers(
    session: Session, assessed: Sequence[Assessed], cases: Mapping[int, Case], policy: Policy, now: datetime
) -> dict[int, Coverage]:
    """Ask the allow-list about what is flagged now or has an open case."""
    asked = [item for item in assessed if _is_flagged(item, cases.get(item.facts.id), policy)]
    ids = {item.facts.id for item in asked} | {ident for ident, case in cases.items() if waits(case)}
    return coverage(session, ids, now)


def _allow(
    session: Session, item: Assessed, case: Case | None, cover: Cover, changes: Changes, now: datetime
) -> None:
    """Count what the allow-list keeps, and close its open case."""
    changes.hits[cover] += 1
    if case is not None and waits(case):
        case.allow_entry_id = cover.id
        close_case(session, item, case, CaseState.CLOSED_ALLOW_LISTED, changes.entries, now)


def _is_flagged(item: Assessed, case: Case | None, policy: Policy) -> bool:
    """Whether a case must be open: as the policy says; one that is open is not given up for a changed policy."""
    return opens_case(policy, item.assessment) or (waits(case) and item.assessment.flags)


def _existing(session: Session, assessed: Sequence[Assessed]) -> dict[int, Case]:
    ids = [item.facts.id for item in assessed]
    query = select(Case).where(among(Case.domain_id, ids)).order_by(Case.id).with_for_update()
    return {case.domain_id: case for case in session.scalars(query)}


@dataclass(slots=True)
class _Judged:
    """A flagged domain: what a decision would reach, why its case is opened (None: it is not), what would be lost.

    `lost` is None where nothing is to be said about it; `is_new`: its case comes into being now.
    """

    item: Assessed
    case: Case | None
    cover: Coverage
    reached: Reach
    why: Why | None
    lost: Exposure | None = None
    is_new: bool = False

    @property
    def stands(self) -> bool:
        """Whether the case is (or becomes) one that waits for a decision, so that it shows what is known now."""
        return bool(self.reached.ids) and (self.case is None or self.why is not None or waits(self.case))


def _judge(
    session: Session,
    due: Sequence[Assessed],
    cases: Mapping[int, Case],
    covers: Mapping[int, Coverage],
    uncovered: Why | None,
    now: datetime,
) -> dict[int, _Judged]:
    """Judge the flagged domains, all together in a few statements."""
    made = made_for(session, [item.facts.id for item in due if item.facts.id in cases and item.facts.addresses])
    judged = {}
    for item in due:
        case, cover = cases.get(item.facts.id), covers.get(item.facts.id, NOTHING)
        reached = reach_among(item.facts, item.assessment, made.get(item.facts.id, []), cover.addresses)
        why = why_open(case, item.assessment, now, unreached=bool(reached.unreached - left_out(case)))
        judged[item.facts.id] = _Judged(item, case, cover, reached, why_uncovered(case, why, uncovered))
    standing = [each for each in judged.values() if each.stands and each.cover.whole is None]
    stakes = [Stake(each.item.facts.id, each.reached.ids, each.item.assessment.lapsed_at) for each in standing]
    lost = exposures(session, stakes)
    for each in standing:
        each.lost = lost[each.item.facts.id]
    return judged


def _add_cases(session: Session, judged: Iterable[_Judged], now: datetime) -> None:
    """Give those that have none their cases, in one statement."""
    for each in judged:
        if each.case is None and each.lost is not None and each.why is not None:
            facts = each.item.facts
            each.case = Case(domain_id=facts.id, tld=tld_of(facts.name), state=CaseState.OPEN.value, version=0)
            each.case.opened_at, each.case.opened_why, each.is_new = now, each.why.words, True
            describe(each.case, each.item.assessment, each.lost, now)
            session.add(each.case)
    session.flush()


def _flagged(session: Session, judged: _Judged, changes: Changes, now: datetime) -> bool:
    """Open, update, re-open or close the case of one flagged domain; True when it was opened or opened again."""
    item, case, why = judged.item, judged.case, judged.why
    if not judged.reached.ids:
        if judged.cover.addresses:
            _allow(session, item, case, next(iter(judged.cover.addresses.values())), changes, now)
        elif case is not None and waits(case) and not _undecided(item):
            close_case(session, item, case, CaseState.CLOSED_NO_ADDRESSES, changes.entries, now)
        return False
    if case is None:
        return False
    if judged.lost is None:
        forget_renewal(case)
        return False
    recommended = None if judged.is_new else case.recommendation
    if not judged.is_new:
        describe(case, item.assessment, judged.lost, now)
    if why is not None:
        open_case(session, case, item, why, changes.entries, now, again=not judged.is_new)
    if why is not None or case.recommendation != recommended:
        note_recommended(session, case, now)
    return why is not None


def _hold(session: Session, item: Assessed, brake_id: int | None) -> None:
    """Hold the case that was just opened; without a brake over it, it is free."""
    session.execute(update(Case).where(Case.domain_id == item.facts.id).values(brake_id=brake_id))


def _undecided(item: Assessed) -> bool:
    """Whether providers contradict each other about addresses that are still there."""
    return bool(item.facts.addresses) and item.assessment.confidence is Confidence.CONFLICTING


def _healthy(item: Assessed) -> bool:
    return item.assessment.phase in RENEWED and confirmed(item.facts)


def _not_flagged(session: Session, item: Assessed, case: Case, entries: list[NewEntry], now: datetime) -> None:
    """Close an open case when that is certain; else show what changed, unless it is only that nobody knows."""
    if not item.facts.addresses:
        close_case(session, item, case, CaseState.CLOSED_NO_ADDRESSES, entries, now)
    elif _silenced(item, case):
        return
    elif _healthy(item) or _well_again(item, case):
        lapsed = (lapse_seen_at(item.facts) is not None or _rested(case)) and not item.assessment.holder_changed
        how = CaseState.CLOSED_RENEWED if lapsed else CaseState.CLOSED_NO_ADDRESSES
        close_case(session, item, case, how, entries, now)
    elif item.assessment.phase is not Phase.UNKNOWN:
        ids = reach(session, item.facts, item.assessment, decided=True).ids
        why = why_open(case, item.assessment, now, unreached=False)
        describe(case, item.assessment, exposure(session, item.facts.id, ids, item.assessment.lapsed_at), now)
        if why is not None:  # it was snoozed until its facts change
            open_case(session, case, item, why, entries, now)


def _rested(case: Case) -> bool:
    """Whether the case rests on the lapse of a dependency."""
    return any(part["name"] == DEPENDENCY for part in case.risk_parts)


def _well_again(item: Assessed, case: Case) -> bool:
    """Whether only a dependency had lapsed: then its renewal is all that there is to wait for."""
    return _rested(case) and lapse_seen_at(item.facts) is None


def _silenced(item: Assessed, case: Case) -> bool:
    """Whether a change of holder is out of sight only because nobody gives a date any more."""
    known = case.holder_change not in {HolderChange.NONE, HolderChange.UNKNOWN}
    return known and item.assessment.holder_change is HolderChange.UNKNOWN

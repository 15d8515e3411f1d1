"""How many good readings there were and how many were new lapses: by hour, provider and TLD."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from dashboard.database import dialect_insert
from dashboard.lifecycle.brakes import HISTORY, WINDOW, Counts, Mode, Scope, mode_at, newly_lapsed, tld_of
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Outcome
from dashboard.models import LapseCount
from dashboard.services.brakes.hold import Discarded
from dashboard.services.cases.assessed import Assessed

ASSESSED = "-"
"""The `provider` under which assessments are counted, for the brake of the whole sweep."""
KEPT = timedelta(days=90) + HISTORY + WINDOW
"""A dry run of the policy looks back 90 days, and at the month before each of them."""

Key = tuple[str, str]


def count_lapses(
    session: Session, assessed: Sequence[Assessed], discarded: Sequence[Discarded], now: datetime
) -> set[Scope]:
    """Add what was just assessed to the hour's counts; return the scopes in which something newly lapsed.

    What was `discarded` counts anew when it is said again: the fault lasts, and so must its brake.
    """
    checked, lapsed = Counter[Key](), Counter[Key]()
    for item in assessed:
        _add(item, checked, lapsed, discarded)
    if checked:
        _write(session, checked, lapsed, now)
        session.execute(delete(LapseCount).where(LapseCount.hour < now - KEPT))
    scopes = {Scope(provider, tld) for provider, tld in lapsed if provider != ASSESSED}
    scopes |= {Scope(scope.provider) for scope in scopes}
    return scopes | ({Scope()} if any(provider == ASSESSED for provider, _ in lapsed) else set())


def _add(item: Assessed, checked: Counter[Key], lapsed: Counter[Key], discarded: Sequence[Discarded]) -> None:
    tld = tld_of(item.facts.name)
    old = {id(kept) for kept in item.before}
    readings = [kept.reading for kept in item.before]
    before = [r for r in readings if not any(each.covers(item.facts.name, r) for each in discarded)]
    for kept in item.facts.readings:
        evidence = kept.reading.evidence
        if id(kept) in old or evidence.outcome is Outcome.ERROR:
            continue
        checked[evidence.provider.value, tld] += 1
        if newly_lapsed(evidence, before):
            lapsed[evidence.provider.value, tld] += 1
    checked[ASSESSED, tld] += 1
    if item.assessment.phase in LEAVING | LOST and item.facts.phase not in LEAVING | LOST:
        lapsed[ASSESSED, tld] += 1


def _write(session: Session, checked: Mapping[Key, int], lapsed: Mapping[Key, int], now: datetime) -> None:
    """Add to the hour's rows, always in the same order: two workers then wait for each other in no circle."""
    rows = [
        {"hour": _hour(now), "provider": p, "tld": t, "checked": n, "lapsed": lapsed.get((p, t), 0), "accepted": 0}
        for (p, t), n in sorted(checked.items())
    ]
    insert = dialect_insert(session)
    statement = insert(LapseCount)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["hour", "provider", "tld"],
            set_={
                "checked": LapseCount.checked + statement.excluded.checked,
                "lapsed": LapseCount.lapsed + statement.excluded.lapsed,
            },
        ),
        rows,
    )


def lapsed_lately(session: Session, now: datetime) -> Counter[Scope]:
    """Sum up the new lapses of the window, for every scope that has any, in one statement."""
    rows = session.execute(
        select(LapseCount.provider, LapseCount.tld, func.sum(LapseCount.lapsed))
        .where(LapseCount.hour > window_start(now), LapseCount.lapsed > 0)
        .group_by(LapseCount.provider, LapseCount.tld)
    )
    found = Counter[Scope]()
    for provider, tld, lapsed in rows:
        if provider == ASSESSED:
            found[Scope()] += int(lapsed)
        else:
            found.update({Scope(provider, tld): int(lapsed), Scope(provider): int(lapsed)})
    return found


def counted(session: Session, scope: Scope, lapsed: int, now: datetime) -> Counts:
    """Sum up a scope with `lapsed` new lapses: names checked, new lapses of the month before the window."""
    since = window_start(now)
    earlier = (LapseCount.hour <= since, LapseCount.hour > since - HISTORY)
    of_late = LapseCount.hour > since - HISTORY * 2
    total = session.scalar(select(func.sum(LapseCount.checked)).where(*within(scope), of_late))
    month = session.scalar(select(func.sum(LapseCount.lapsed + LapseCount.accepted)).where(*within(scope), *earlier))
    return Counts(lapsed, int(total or 0), int(month or 0))


def mode_now(session: Session, now: datetime) -> Mode:
    """Return how brakes measure now."""
    return mode_at(session.scalar(select(func.min(LapseCount.hour))), now)


def within(scope: Scope) -> list[ColumnElement[bool]]:
    """Return the conditions for the count rows of a scope."""
    chosen = [LapseCount.provider == (scope.provider or ASSESSED)]
    return [*chosen, LapseCount.tld == scope.tld] if scope.tld else chosen


def window_start(now: datetime) -> datetime:
    """Return the hour after which a lapse counts as new."""
    return _hour(now) - WINDOW


def _hour(now: datetime) -> datetime:
    return now - timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)

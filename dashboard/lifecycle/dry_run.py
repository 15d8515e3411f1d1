"""What a policy would have done: recorded history in, numbers out.

Exactly this is computed, over the last 90 days:

- flagged: of the times a case was opened or opened again, those that pass the policy's thresholds with the phase,
  confidence and change of holder they had when it came;
- held: of these, the ones opened within the 24 hours up to an hour in which the recorded new lapses of their TLD, of
  one provider, or of all together passed what the brakes still believe;
- applied: of the flagged ones that are not held, what automatic approval would have taken. In each of the 90 days:
  the riskiest first, as many accounts as the policy allows, out of what was recommended for un-verification by the
  end of the day, was not closed or decided before the day began, had never been decided before, and has no package
  of high profile and no more addresses than one person may un-verify. Nothing on a day with a brake on, or without
  30 days of counts behind it.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate

from dashboard.lifecycle.assessment import Confidence, HolderChange
from dashboard.lifecycle.brakes import HISTORY, WINDOW, BrakeLimits, Counts, Mode, Scope, mode_at, trips
from dashboard.lifecycle.current import RANK
from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.policy import Policy, is_high_profile, passes

DAYS = 90
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PastOpening:
    """A time that a case was opened, with what was known then.

    `recommended_at`: when to un-verify was first recommended and nobody had ever decided the case; else None.
    `ended_at`: when it was closed or decided. `downloads_30d` is the largest number of one package.
    """

    case_id: int
    tld: str
    opened_at: datetime
    phase: Phase
    confidence: Confidence
    holder_change: HolderChange
    recommended_at: datetime | None
    ended_at: datetime | None
    risk: int
    addresses: int
    accounts: int
    downloads_30d: int = 0
    critical: bool = False


@dataclass(frozen=True, slots=True)
class PastLapses:
    """New lapses of one hour in one TLD by one provider (empty: by the assessment); `believed` make the baseline."""

    hour: datetime
    provider: str
    tld: str
    reported: int
    believed: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """The history: `began` is when counting did; `checked` are names by hour, where shares were measured.

    `is_cut`: there were more openings than are looked at, and the oldest were left out.
    """

    until: datetime
    began: datetime | None
    openings: Sequence[PastOpening] = ()
    lapses: Sequence[PastLapses] = ()
    checked: Mapping[Scope, Sequence[tuple[datetime, int]]] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def since(self) -> datetime:
        """When the 90 days began."""
        return self.until - DAYS * DAY


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a policy would have done: cases `flagged` of `openings`, `held`, and approved without a person."""

    openings: int
    flagged: int
    held: int
    cases: int
    accounts: int
    addresses: int


@dataclass(frozen=True, slots=True)
class Braked:
    """A span of time in which a brake would have stopped what is done in its scope."""

    scope: Scope
    since: datetime
    until: datetime

    def covers(self, opening: PastOpening) -> bool:
        """Whether it would have held a case."""
        return self.scope.tld in {"", opening.tld} and self.since < opening.opened_at < self.until


def dry_run(policy: Policy, history: Recorded) -> DryRun:
    """Say what `policy` would have done."""
    brakes = braked(history, policy.brakes)
    flagged = [each for each in history.openings if passes(policy, each.phase, each.confidence, each.holder_change)]
    held = _held(flagged, brakes)
    free = [each for each, is_held in zip(flagged, held, strict=True) if not is_held]
    applied = _applied(policy, history, free, brakes) if policy.automatic else []
    return DryRun(
        openings=len(history.openings),
        flagged=len(flagged),
        held=sum(held),
        cases=len(applied),
        accounts=sum(each.accounts for each in applied),
        addresses=sum(each.addresses for each in applied),
    )


def is_looser(tried: Policy, then: Policy) -> bool:
    """Whether `tried` lets cases through that `then` kept closed: of those nothing is on record."""
    asks_less = then.flag_confidence is Confidence.CORROBORATED and tried.flag_confidence is Confidence.SINGLE
    return asks_less or RANK[tried.flag_phase] < RANK[then.flag_phase]


def _held(openings: Sequence[PastOpening], brakes: Sequence[Braked]) -> list[bool]:
    by_tld = defaultdict[str, list[Braked]](list)
    for each in _merged(brakes):
        by_tld[each.scope.tld].append(each)
    return [any(brake.covers(each) for brake in (*by_tld[each.tld], *by_tld[""])) for each in openings]


def _merged(brakes: Iterable[Braked]) -> list[Braked]:
    """Join spans that overlap, by TLD: which provider it was does not matter to what was opened meanwhile."""
    found: list[Braked] = []
    for each in sorted(brakes, key=lambda brake: (brake.scope.tld, brake.since)):
        last = found[-1] if found else None
        if last is not None and last.scope.tld == each.scope.tld and each.since <= last.until:
            found[-1] = Braked(last.scope, last.since, max(last.until, each.until))
        else:
            found.append(Braked(Scope(tld=each.scope.tld), each.since, each.until))
    return found


def braked(history: Recorded, limits: BrakeLimits) -> list[Braked]:
    """Return, for every hour in which a brake would have gone on, the window that it would have stopped."""
    by_scope = defaultdict[Scope, dict[datetime, list[int]]](dict)
    for each in history.lapses:
        scopes = [Scope(each.provider, each.tld), Scope(each.provider)] if each.provider else [Scope()]
        for scope in scopes:
            sums = by_scope[scope].setdefault(each.hour, [0, 0])
            sums[0] += each.reported
            sums[1] += each.believed
    return [brake for scope, hours in by_scope.items() for brake in _trips(history, limits, scope, hours)]


def _trips(
    history: Recorded, limits: BrakeLimits, scope: Scope, by_hour: Mapping[datetime, Sequence[int]]
) -> list[Braked]:
    reported = Sums([(hour, sums[0]) for hour, sums in by_hour.items()])
    believed = Sums([(hour, sums[1]) for hour, sums in by_hour.items()])
    checked = Sums(history.checked.get(scope, ()))
    found = []
    for hour, sums in by_hour.items():
        start = hour - WINDOW
        if not sums[0] or hour < history.since:
            continue
        counts = Counts(
            reported.between(start, hour), checked.until(hour), month=believed.between(start - HISTORY, start)
        )
        if trips(counts, mode_at(history.began, hour), scope, limits):
            found.append(Braked(scope, start, hour + HOUR))
    return found


class Sums:
    """Sums of counts by hour over any span, in two look-ups."""

    def __init__(self, counts: Iterable[tuple[datetime, int]]) -> None:
        ordered = sorted(counts)
        self._hours = [hour for hour, _ in ordered]
        self._totals = [0, *accumulate(count for _, count in ordered)]

    def until(self, hour: datetime) -> int:
        """Sum up to `hour`, which is included."""
        return self._totals[bisect_right(self._hours, hour)]

    def between(self, after: datetime, until: datetime) -> int:
        """Sum what is later than `after`, up to `until`, which is included."""
        return self.until(until) - self.until(after)


def _applied(
    policy: Policy, history: Recorded, openings: Sequence[PastOpening], brakes: Sequence[Braked]
) -> list[PastOpening]:
    """Walk through the days as the job would have done."""
    coming = sorted((each for each in openings if _may(policy, each)), key=_recommended, reverse=True)
    waiting: list[PastOpening] = []
    taken: list[PastOpening] = []
    for number in range(DAYS):
        start = history.since + number * DAY
        while coming and _recommended(coming[-1]) < start + DAY:
            insort(waiting, coming.pop(), key=_urgency)
        waiting = [
            each for each in waiting if each.ended_at is None or each.ended_at >= max(start, _recommended(each))
        ]
        if mode_at(history.began, start) is Mode.BASELINE and not _any_brake(brakes, start):
            today = _fill(waiting, policy.automatic_accounts)
            taken += today
            gone = set(today)
            waiting = [each for each in waiting if each not in gone]
    return taken


def _may(policy: Policy, opening: PastOpening) -> bool:
    famous = is_high_profile(policy, opening.downloads_30d, critical=opening.critical)
    return opening.recommended_at is not None and opening.addresses <= policy.second_above and not famous


def _recommended(opening: PastOpening) -> datetime:
    return opening.recommended_at or opening.opened_at


def _still_waits(opening: PastOpening, day: datetime) -> bool:
    return opening.ended_at is None or opening.ended_at >= max(day, _recommended(opening))


def _urgency(opening: PastOpening) -> tuple[int, int]:
    return -opening.risk, -opening.case_id


def _any_brake(brakes: Iterable[Braked], day: datetime) -> bool:
    return any(brake.since < day + DAY and brake.until > day for brake in brakes)


def _fill(waiting: Sequence[PastOpening], limit: int) -> list[PastOpening]:
    found, left = [], limit
    for each in waiting:
        if left == 0:
            break
        if each.accounts <= left:
            found.append(each)
            left -= each.accounts
    return found

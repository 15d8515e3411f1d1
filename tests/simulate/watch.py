"""Play one domain's two years under one rhythm, and note what was found when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.schedule import SchedulePolicy, next_check_at
from tests.simulate import population
from tests.simulate.stories import DAY, END, NEVER, START, Lapse, Story

RECHECK_DAYS = 30
_HEALTHY = frozenset({Phase.ACTIVE, Phase.AUTO_RENEW_GRACE})


@dataclass(slots=True)
class Findings:
    """What one rhythm came to. Delays in days, one for each lapse, drop and catch; infinite where never found."""

    lookups: int = 0
    watching: int = 0
    """Look-ups at names that are lapsing or lost."""
    redemption: list[float] = field(default_factory=list)
    drop: list[float] = field(default_factory=list)
    catch: list[float] = field(default_factory=list)
    dropped: int = 0
    missed: int = 0

    def note(self, story: Story, checks: Sightings) -> None:
        """Take in when the lapse of `story`, its drop and its catch were first seen."""
        lapse = story.lapse
        if lapse is None:
            return
        if checks.lapse_at < lapse.restored_at:
            self.redemption.append(_days(checks.lapse_at, lapse.deleted_at))
        if lapse.drop_at < NEVER:
            self.dropped += 1
            self.missed += checks.lapse_at >= lapse.drop_at
            self.drop.append(_days(checks.drop_at, lapse.drop_at))
        if lapse.caught_at < NEVER:
            self.catch.append(_days(checks.catch_at, lapse.caught_at))

    def add(self, other: Findings) -> None:
        """Take in what another process found."""
        self.lookups += other.lookups
        self.watching += other.watching
        self.dropped += other.dropped
        self.missed += other.missed
        for mine, theirs in ((self.redemption, other.redemption), (self.drop, other.drop), (self.catch, other.catch)):
            mine.extend(theirs)


@dataclass(slots=True)
class Sightings:
    """The first checks that could see the lapse, the drop and the catch."""

    lapse_at: datetime = NEVER
    drop_at: datetime = NEVER
    catch_at: datetime = NEVER

    def see(self, lapse: Lapse, now: datetime) -> None:
        """Note a check that was answered at `now`; a caught name shows its new creation date."""
        if now >= lapse.deleted_at and self.lapse_at == NEVER and now < lapse.restored_at:
            self.lapse_at = now
        if now >= lapse.drop_at and self.drop_at == NEVER:
            self.drop_at = now
        if now >= lapse.caught_at and self.catch_at == NEVER:
            self.catch_at = now


@dataclass(frozen=True, slots=True)
class Fixed:
    """Every domain in turn, once in `every`; what fails waits for the next turn."""

    every: timedelta

    def play(self, story: Story, findings: Findings, rng: Random) -> None:
        """Count by arithmetic; step only through a lapse."""
        turn = START + (story.first_check_at - START) * (self.every / (RECHECK_DAYS * DAY))
        findings.lookups += _between(turn, START, END, self.every)
        lapse = story.lapse
        if lapse is None:
            return
        seen = Sightings()
        last = max(moment for moment in (lapse.deleted_at, lapse.drop_at, lapse.caught_at) if moment < NEVER)
        now = turn + max(0, -((turn - lapse.deleted_at) // self.every)) * self.every
        while now < last + 3 * self.every:
            if rng.random() >= population.CHECKS_FAILED:
                seen.see(lapse, now)
            now += self.every
        findings.watching += _between(
            turn, lapse.deleted_at, min(END, lapse.restored_at, lapse.caught_at), self.every
        )
        findings.note(story, seen)


def _between(turn: datetime, start: datetime, end: datetime, every: timedelta) -> int:
    """How many of the turns, from `turn` on, lie in [start, end)."""
    return max(0, -((turn - end) // every)) - max(0, -((turn - start) // every))


@dataclass(frozen=True, slots=True)
class Ours:
    """The product's schedule with the daily DNS sweep. `decided_after`: from the flag until nothing is at stake."""

    policy: SchedulePolicy = SchedulePolicy()  # noqa: RUF009 (frozen)
    decided_after: timedelta = population.DECIDED_AFTER * DAY

    def play(self, story: Story, findings: Findings, rng: Random) -> None:
        """Check, ask the schedule for the next time, and so on to the end of the two years, or of what goes on then."""
        seen = Sightings()
        for now, phase in self._checks(story, seen, rng.random):
            if START <= now < END:
                findings.lookups += 1
                findings.watching += phase not in _HEALTHY
        findings.note(story, seen)

    def _checks(self, story: Story, seen: Sightings, random: Callable[[], float]) -> Iterator[tuple[datetime, Phase]]:
        lapse, sweeps, policy, decided_after = story.lapse, story.sweeps, self.policy, self.decided_after
        failures, phase = 0, Phase.ACTIVE
        # A turn earlier than is counted: the two years begin in the middle of things.
        now, horizon = story.first_check_at - RECHECK_DAYS * DAY, _horizon(lapse)
        dark_from, dark_until = story.dark
        while now < horizon:
            if random() < population.CHECKS_FAILED:
                failures += 1
            else:
                failures, phase = 0, story.phase_at(now)
                if lapse is not None:
                    seen.see(lapse, now)
            yield now, phase
            coming = bisect_right(sweeps, now) if sweeps else 0
            now = next_check_at(
                phase,
                now,
                failures=failures,
                recheck_days=RECHECK_DAYS,
                key=story.name,
                drop_at=_predicted(story, phase, seen) if phase not in _HEALTHY else None,
                expires_at=_expiry(story, now) if policy.weekly_before_expiry else None,
                vanished_at=dark_from if dark_from <= now < dark_until else None,
                triggered_at=sweeps[coming] if coming < len(sweeps) else None,
                at_stake=seen.lapse_at == NEVER or now < seen.lapse_at + decided_after,
                policy=policy,
            )


def _horizon(lapse: Lapse | None) -> datetime:
    """What began within the two years is followed to its end, so that the last weeks do not look better than they are."""
    if lapse is None:
        return END
    last = max(moment for moment in (lapse.deleted_at, lapse.drop_at, lapse.caught_at) if moment < NEVER)
    return max(END, last + 100 * DAY)


def _predicted(story: Story, phase: Phase, seen: Sightings) -> datetime | None:
    """The drop as the product predicts it: from the registry's dates or the first sighting; seen, once it is free."""
    lapse = story.lapse
    if lapse is None:
        return None
    if phase is Phase.AVAILABLE:
        return seen.drop_at
    if story.tld.predicts == "none":
        return None
    began = lapse.deleted_at if story.tld.predicts == "dates" else seen.lapse_at
    return began + (story.tld.redemption + story.tld.pending_delete) * DAY


def _expiry(story: Story, now: datetime) -> datetime | None:
    """The date that the registry shows: where it renews by itself, always the next one."""
    coming = bisect_right(story.expiries, now)
    return story.expiries[coming] if coming < len(story.expiries) else None


def _days(found: datetime, happened: datetime) -> float:
    return float("inf") if found == NEVER else (found - happened) / DAY

"""From the tables to the story of one domain: what is true of it, when, and when the daily sweep sees DNS change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol, TypeVar

from dashboard.lifecycle.evidence import Phase
from dashboard.lifecycle.sweep import next_sweep_at
from tests.simulate import population
from tests.simulate.population import TLDS, TRACES, Tld

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = 365.25 * DAY
END = START + population.YEARS * YEAR
NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lapse:
    """The times of one lapse; `drop_at` is NEVER where the owner restored it, `caught_at` where it stays free."""

    deleted_at: datetime
    pending_at: datetime
    drop_at: datetime
    caught_at: datetime
    restored_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """One domain. `grace`: from when the holder's term is over, and until when; `dark`: out of DNS lately, likewise.

    `expiries` are the holder's paid terms' ends; `sweeps` the sweeps that find DNS changed, in order.
    """

    name: str
    tld: Tld
    first_check_at: datetime
    expiries: tuple[datetime, ...]
    grace: tuple[datetime, datetime]
    dark: tuple[datetime, datetime]
    sweeps: tuple[datetime, ...]
    lapse: Lapse | None

    def phase_at(self, now: datetime) -> Phase:
        """What a registration provider says at `now`; a caught name is registered like any other."""
        lapse = self.lapse
        if lapse is None or now < lapse.deleted_at:
            return Phase.AUTO_RENEW_GRACE if self.grace[0] <= now < self.grace[1] else Phase.ACTIVE
        if now >= lapse.restored_at or now >= lapse.caught_at:
            return Phase.ACTIVE
        if now >= lapse.drop_at:
            return Phase.AVAILABLE
        return Phase.PENDING_DELETE if now >= lapse.pending_at else Phase.REDEMPTION


class _Weighted(Protocol):
    @property
    def share(self) -> float: ...


_W = TypeVar("_W", bound=_Weighted)
_NOT = (NEVER, NEVER)


def stories(numbers: range, rng: Random) -> Iterator[Story]:
    """Yield the stories of the domains with these numbers; the same `rng` state gives the same ones."""
    for number in numbers:
        yield _story(number, rng)


def _story(number: int, rng: Random) -> Story:
    tld = _choose(TLDS, rng)
    name = f"d{number}.{tld.tld}"
    expiry = START + rng.random() * YEAR
    fate = rng.random() / population.YEARS
    changes = [START + rng.random() * YEAR * population.YEARS for _ in range(_times(population.MOVES_A_YEAR, rng))]
    first = START + rng.random() * 30 * DAY
    grace, dark, lapse = _NOT, _NOT, None
    if fate < population.LAPSES_A_YEAR:
        lapse, grace, dark, seen = _lapse(tld, rng)
        changes = [change for change in changes if change < lapse.deleted_at] + seen
        expiry = grace[0]
    elif fate < population.LAPSES_A_YEAR + population.PAID_LATE_A_YEAR:
        grace, dark, seen = _late(tld, expiry + rng.randrange(population.YEARS) * YEAR, rng)
        changes += seen
    elif not changes:
        # Nothing that DNS could show: four of five domains.
        return Story(name, tld, first, _terms(expiry), grace, dark, (), None)
    sweeps = sorted(_swept(change, name, rng) for change in changes)
    return Story(name, tld, first, _terms(expiry), grace, dark, tuple(sweeps), lapse)


def _terms(expiry: datetime) -> tuple[datetime, ...]:
    return tuple(expiry + years * YEAR for years in range(-population.YEARS, population.YEARS + 2))


def _late(
    tld: Tld, expiry: datetime, rng: Random
) -> tuple[tuple[datetime, datetime], tuple[datetime, datetime], list[datetime]]:
    """Pay late: parked or out of DNS for some days of the grace, then as before."""
    lasts = rng.random() * (tld.grace[1] or 10) * DAY
    paid_at, trouble_at = expiry + lasts, expiry + rng.random() * lasts
    grace = (expiry, paid_at) if tld.grace[1] else _NOT
    kind = rng.random()
    if kind < 0.5:
        return grace, _NOT, []
    dark = (trouble_at, paid_at) if kind > 0.85 else _NOT
    return grace, dark, [trouble_at, paid_at]


def _lapse(
    tld: Tld, rng: Random
) -> tuple[Lapse, tuple[datetime, datetime], tuple[datetime, datetime], list[datetime]]:
    """Let the name be deleted, then restored, or dropped and perhaps caught; `seen` is when DNS changes."""
    deleted_at = START + rng.random() * YEAR * population.YEARS
    in_grace = rng.randint(*tld.grace) * DAY
    pending_at = deleted_at + tld.redemption * DAY
    drop_at, caught_at, restored_at = pending_at + tld.pending_delete * DAY, NEVER, NEVER
    if tld.redemption and rng.random() < population.RESTORED:
        restored_at, drop_at, pending_at = deleted_at + rng.random() * tld.redemption * DAY, NEVER, NEVER
    else:
        caught_at = _caught(drop_at, rng)
    seen, dark = _traces(deleted_at, in_grace, rng)
    seen += [restored_at] if restored_at < NEVER else []
    seen += [caught_at] if caught_at < NEVER and rng.random() >= population.CAUGHT_WITHOUT_DNS else []
    return (
        Lapse(deleted_at, pending_at, drop_at, caught_at, restored_at),
        (deleted_at - in_grace, deleted_at),
        dark,
        seen,
    )


def _traces(
    deleted_at: datetime, in_grace: timedelta, rng: Random
) -> tuple[list[datetime], tuple[datetime, datetime]]:
    trace = _choose(TRACES, rng)
    if trace.dark is None:
        return [], _NOT
    seen = [deleted_at - rng.uniform(*trace.parked) * DAY] if trace.parked and in_grace else []
    dark_at = deleted_at - min(trace.dark * DAY, in_grace)
    return [*seen, dark_at], (dark_at, deleted_at)


def _caught(drop_at: datetime, rng: Random) -> datetime:
    draw = rng.random()
    for share, least, most in population.CAUGHT:
        if draw < share:
            return drop_at + rng.uniform(least, most) * DAY
        draw -= share
    return NEVER


def _swept(change: datetime, name: str, rng: Random) -> datetime:
    sweep = next_sweep_at(change, key=name)
    while rng.random() < population.SWEEPS_UNANSWERED:
        sweep += DAY
    return sweep


def _choose(table: Sequence[_W], rng: Random) -> _W:
    draw = rng.random()
    for row in table:
        if draw < row.share:
            return row
        draw -= row.share
    return table[-1]


def _times(rate: float, rng: Random) -> int:
    """How often something of this yearly rate happens in all; twice a year at most, near enough."""
    return sum(rng.random() < rate for _ in range(population.YEARS))

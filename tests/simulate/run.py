"""`make simulate`: what each rhythm of checking costs and finds, over two years of 500,000 invented domains.

DNS is played as the changes that its daily sweep would see, not as queries. The rhythm that is ours is the product's
own `next_check_at()`. The same seed gives the same figures, however many processes share the work.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random
from typing import Any

from dashboard.lifecycle.schedule import SchedulePolicy
from tests.bench.report import percentile
from tests.simulate import population
from tests.simulate.stories import DAY, YEAR, stories
from tests.simulate.watch import RECHECK_DAYS, Findings, Fixed, Ours

FIXED, PYPI, OURS, UNDECIDED = "fixed 30 days", "PyPI's 1,000 a day", "ours", "ours, nobody decides"
RHYTHMS: dict[str, Fixed | Ours] = {
    FIXED: Fixed(RECHECK_DAYS * DAY),
    PYPI: Fixed(DAY / population.PYPI_A_DAY),
    OURS: Ours(),
    "  + weekly before expiry": Ours(SchedulePolicy(weekly_before_expiry=True)),
    "  + daily in grace": Ours(SchedulePolicy(daily_in_grace=True)),
    "  + weekly for fast drops": Ours(SchedulePolicy(weekly_for_fast_drops=True)),
    "  + all three": Ours(SchedulePolicy(True, True, True)),  # noqa: FBT003 (the three switches)
    UNDECIDED: Ours(decided_after=10 * population.YEARS * YEAR),
}
MONTHS = population.YEARS * 12
CHUNK = 2000
P95_DAYS, MISSED_SHARE, MORE_LOOKUPS = 1.5, 0.003, 0.05
"""What ours must reach: at most these days, this share of the drops, and so many more look-ups than the fixed rhythm."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Days from something happening to its being found; `mean` of what was found, `p95` of all (None: never)."""

    mean: float | None
    p95: float | None

    @classmethod
    def of(cls, delays: list[float]) -> Delay:
        """Sum up; whatever was never found counts as later than everything else."""
        found = [delay for delay in delays if delay < float("inf")]
        p95 = percentile(delays, 0.95) if delays else None
        return cls(sum(found) / len(found) if found else None, None if p95 == float("inf") else p95)


@dataclass(frozen=True, slots=True)
class Row:
    """What one rhythm came to. Look-ups are full checks a month; `missed` the share of the drops not foreseen."""

    name: str
    lookups: float
    watching: float
    redemption: Delay
    drop: Delay
    catch: Delay
    missed: float

    @classmethod
    def of(cls, name: str, found: Findings) -> Row:
        """Sum up what was found under one rhythm."""
        return cls(
            name.strip(" +"),
            found.lookups / MONTHS,
            found.watching / MONTHS,
            Delay.of(found.redemption),
            Delay.of(found.drop),
            Delay.of(found.catch),
            found.missed / max(1, found.dropped),
        )


def simulate(
    domains: int, *, seed: int = 1, workers: int = 1, names: Sequence[str] = tuple(RHYTHMS)
) -> dict[str, Row]:
    """Play `domains` domains under each of the rhythms named."""
    jobs = [(range(first, min(first + CHUNK, domains)), seed, tuple(names)) for first in range(0, domains, CHUNK)]
    totals = {name: Findings() for name in names}
    if workers == 1:
        for job in jobs:
            _add(totals, _play(job))
    else:
        with get_context("spawn").Pool(workers) as pool:
            for part in pool.imap(_play, jobs):
                _add(totals, part)
    return {name: Row.of(name, found) for name, found in totals.items()}


def _play(job: tuple[range, int, tuple[str, ...]]) -> dict[str, Findings]:
    numbers, seed, names = job
    world = list(stories(numbers, Random(f"{seed}/{numbers.start}")))
    findings = {name: Findings() for name in names}
    for name in names:
        rng = Random(f"{seed}/{numbers.start}/failures")
        for story in world:
            RHYTHMS[name].play(story, findings[name], rng)
    return findings


def _add(totals: dict[str, Findings], part: dict[str, Findings]) -> None:
    for name, found in part.items():
        totals[name].add(found)


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of ours with the most it may be."""

    name: str
    value: float
    most: float

    @property
    def reached(self) -> bool:
        """Whether it stays within."""
        return self.value <= self.most


def targets(rows: dict[str, Row]) -> list[Target]:
    """Hold ours, its switches off, against what it must reach."""
    ours, more = rows[OURS], _more(rows, OURS)
    never = float("inf")
    return [
        Target("p95 from redemption to detection, days", _or(ours.redemption.p95, never), P95_DAYS),
        Target("missed before the drop, %", ours.missed * 100, MISSED_SHARE * 100),
        Target("look-ups more than fixed, %", more * 100, MORE_LOOKUPS * 100),
    ]


def _more(rows: dict[str, Row], name: str) -> float:
    return rows[name].lookups / rows[FIXED].lookups - 1


def decided_at_least(rows: dict[str, Row]) -> float:
    """Return the share of cases that must be decided for ours to stay within its look-ups (0 to 1)."""
    least, most = _more(rows, OURS), _more(rows, UNDECIDED)
    return min(1.0, max(0.0, (most - MORE_LOOKUPS) / (most - least)))


def _table(rows: dict[str, Row]) -> str:
    lines = [
        f"{'':<26}{'look-ups a month':>22}{'days to see: redemption':>26}{'drop':>14}{'catch':>14}{'missed':>9}",
        f"{'':<26}{'all':>9}{'lapsing':>13}{'mean / p95':>26}{'mean / p95':>14}{'mean / p95':>14}{'':>9}",
    ]
    for name, row in rows.items():
        delays = f"{_pair(row.redemption):>26}{_pair(row.drop):>14}{_pair(row.catch):>14}"
        lines.append(f"{name:<26}{row.lookups:>9,.0f}{row.watching:>13,.0f}{delays}{row.missed:>9.2%}")
    return "\n".join(lines)


def _pair(delay: Delay) -> str:
    return " / ".join(
        "never" if days is None else f"{days:.{1 if days >= 10 else 2}f}" for days in (delay.mean, delay.p95)
    )


def _verdicts(rows: dict[str, Row]) -> str:
    lines = [
        f"ours: {target.name}: {target.value:.2f}, at most {target.most:g}: {'reached' if target.reached else 'MISSED'}"
        for target in targets(rows)
    ]
    spare = f"Where nobody decides, ours needs {_more(rows, UNDECIDED):+.1%} look-ups; the bound holds while at least"
    return "\n".join([*lines, f"{spare} {decided_at_least(rows):.0%} of the cases are decided."])


def _notes(domains: int, seed: int) -> str:
    return (
        f"{domains:,} domains, {population.YEARS} years, seed {seed}; the tables are in tests/simulate/population.py.\n"
        "Look-ups are full checks; the daily DNS sweep, one question a domain, is not among them. The fixed rhythm and\n"
        "PyPI's judge as we do (PyPI's own job cannot see a catch). Delays in days, of those seen / of all. A case is\n"
        f"decided {population.DECIDED_AFTER:g} days after the flag: then no address is verified any more, and the daily"
        " and hourly\nlooks end.\n"
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _as_json(rows: dict[str, Row], domains: int, seed: int, seconds: float) -> dict[str, Any]:
    def delay(value: Delay) -> dict[str, float | None]:
        return {"mean_days": value.mean, "p95_days": value.p95}

    return {
        "domains": domains,
        "years": population.YEARS,
        "seed": seed,
        "seconds": round(seconds, 1),
        "rhythms": [
            {
                "name": row.name,
                "lookups_a_month": row.lookups,
                "lapsing_lookups_a_month": row.watching,
                "missed_before_drop": row.missed,
                "redemption": delay(row.redemption),
                "drop": delay(row.drop),
                "catch": delay(row.catch),
            }
            for row in rows.values()
        ],
        "targets": [
            {"name": t.name, "value": t.value, "at_most": t.most, "reached": t.reached} for t in targets(rows)
        ],
        "decided_at_least": decided_at_least(rows),
    }


def main() -> None:
    """Play all rhythms and print what they came to."""
    given = _parser().parse_args()
    started = time.monotonic()
    rows = simulate(given.domains, seed=given.seed, workers=given.workers)
    seconds = time.monotonic() - started
    if given.json:
        print(json.dumps(_as_json(rows, given.domains, given.seed, seconds), indent=2))
        return
    print(_notes(given.domains, given.seed), _table(rows), _verdicts(rows), f"{seconds:.0f} s", sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--domains", type=int, default=500_000, help="how many; 20000 give a quick look")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=min(os.cpu_count() or 1, 8), help="processes")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    main()

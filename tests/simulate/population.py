"""The simulated world as tables: who holds the domains, how often they lapse, what DNS shows of it.

Shares add up to 1. Rates are a year and a domain. Lengths are days. They are assumptions, chosen to give about 50 new
flags a day among 500,000 domains and a lapse that DNS does not show in one of 25; change them and run again.
"""

from __future__ import annotations

from dataclasses import dataclass

YEARS = 2

LAPSES_A_YEAR = 0.0365
"""Deleted by the registrar: redemption begins, or the drop where the TLD has none."""
PAID_LATE_A_YEAR = 0.04
"""Paid for only in the grace after the expiry: trouble for a while, no lapse."""
MOVES_A_YEAR = 0.10
"""Another mail or DNS host, by the same holder: triggers a check that finds nothing."""

SWEEPS_UNANSWERED = 0.01
"""Daily DNS questions that end in SERVFAIL or a time-out: what changed is seen a day later."""
CHECKS_FAILED = 0.002
"""Full checks in which no provider answered; they are look-ups all the same."""

RESTORED = 0.05
"""Lapses taken back by their owner, at any time of the redemption."""
CAUGHT = ((0.45, 0.0, 0.1), (0.15, 0.1, 14), (0.15, 14, 365))
"""Share of drops registered anew, and how soon after the drop at the earliest and the latest; the rest stay free."""
CAUGHT_WITHOUT_DNS = 0.03
"""Catches that are not delegated at first."""

DECIDED_AFTER = 2.0
"""From the flag to the decision; where addresses are un-verified, nothing is at stake from then on."""
PYPI_A_DAY = 1000 / 500_000
"""The share of all domains that 1,000 look-ups a day reach."""


@dataclass(frozen=True, slots=True)
class Tld:
    """How names lapse under one TLD: `grace` (least, most), `redemption` and `pending_delete`, then the drop.

    `predicts`: what the drop is predicted from, the registry's own `dates`, the first `sighting` of the redemption, or
    nothing (`none`).
    """

    tld: str
    share: float
    grace: tuple[int, int]
    redemption: int
    pending_delete: int
    predicts: str


TLDS = (
    # tld   share  grace   redemption  pending delete  predicts
    Tld("com", 0.590, (30, 45), 30, 5, "dates"),
    Tld("dev", 0.100, (30, 45), 30, 5, "sighting"),  # gTLDs whose replies show no date of the change
    Tld("uk", 0.050, (30, 30), 60, 5, "dates"),  # suspended from day 30, dropped by day 95
    Tld("de", 0.070, (0, 0), 30, 0, "sighting"),  # its events vanish in the redemption
    Tld("nl", 0.050, (0, 0), 40, 0, "dates"),  # quarantine; .eu alike
    Tld("fr", 0.025, (0, 45), 30, 0, "sighting"),
    Tld("ch", 0.0345, (0, 0), 40, 0, "none"),  # no dates at all, nothing predicted
    Tld("cn", 0.050, (30, 45), 15, 5, "none"),
    Tld("name", 0.030, (30, 45), 0, 5, "dates"),  # no redemption
    Tld("ws", 0.0005, (30, 45), 0, 0, "none"),  # free as soon as deleted
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What DNS shows of a lapse: a change `parked` (least, most) days before the deletion, the end `dark` days before.

    `dark` 0: the delegation ends with the deletion; None: it was gone long before, nothing changes.
    """

    share: float
    parked: tuple[int, int] | None
    dark: int | None


TRACES = (
    Trace(0.55, (2, 40), 0),  # parked by the registrar in grace, out of DNS with the deletion
    Trace(0.25, None, 8),  # out of DNS 8 days before the deletion, as ICANN's ERRP asks at least
    Trace(0.16, None, 0),  # works to the last
    Trace(0.04, None, None),  # had no delegation for long: silent
)

"""Jobs of the daily DNS sweep: claim the domains whose turn it is, ask the resolver, have the answers recorded.

The sweep only triggers full checks. A job may die anywhere: nothing is committed before its end, and what it held is
claimed again when its lease has run out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta

from dashboard.config import Settings, parse_endpoint
from dashboard.database import writing
from dashboard.lifecycle.evidence import Evidence
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now, settings, wall_now
from dashboard.services.checking.counts import count_look_ups
from dashboard.services.sweeping.claim import Turn, claim_turns, let_go, open_turns, sweeps_in_flight
from dashboard.services.sweeping.record import SweepFigures, record_sweep
from jobs.canaries import Liar, ask_canaries, void
from jobs.context import job_context
from jobs.providers.dns_client import DnsClient
from jobs.providers.dns_sweep import SweepLookUp
from jobs.providers.pace.shared import open_limiter
from jobs.providers.pace.table import Pace
from jobs.providers.panel import Panel

_log = logging.getLogger(__name__)

LINE = "dns-sweep"
"""The name under which all workers share the sweep's pace."""
AT_ONCE = 60
"""Domains asked about at the same time: some names' servers keep the resolver waiting for seconds."""
IN_FLIGHT = 2
"""Batches waiting or running: they share one pace, so that more would only hold up full checks."""
SECONDS_A_JOB = 30.0
"""A job takes on no further domains after this time; what is left is claimed again."""


def dns_sweep() -> dict[str, int]:
    """Claim domains whose turn has come, and enqueue them batch by batch."""
    with job_context():
        claimed = 0
        for batch_id in iter(claim_next, None):
            enqueue(JobName.SWEEP_DNS_BATCH, batch_id, unique=str(batch_id))
            claimed += 1
        return {"batches": claimed}


def claim_next() -> int | None:
    """Claim one batch and return its id, or None when it is nobody's turn or enough is in flight."""
    current, now = settings(), wall_now()
    with writing() as session:
        if sweeps_in_flight(session, now) >= IN_FLIGHT:
            return None
        return claim_turns(session, now=domain_now(), wall_now=now, size=current.check_batch, lease=_lease(current))


def sweep_batch(batch_id: int) -> dict[str, int]:
    """Sweep what the batch still holds; nothing when it was swept already or taken over."""
    with job_context():
        current = settings()
        with writing() as session:
            turns = open_turns(session, batch_id, wall_now=wall_now(), lease=_lease(current))
        figures = asyncio.run(_sweep(batch_id, turns, current)) if turns else None
        enqueue(JobName.SWEEP_DNS, unique="sweep_dns")
        if figures is None:
            return {}
        if figures.held:
            _log.warning("DNS sweep: %d of %d answers changed, not believed", figures.changed, figures.answered)
        if figures.triggered:
            enqueue(JobName.SWEEP, unique="sweep")
        return asdict(figures)


def _lease(current: Settings) -> timedelta:
    return timedelta(seconds=current.lease_seconds)


async def _sweep(batch_id: int, turns: Sequence[Turn], current: Settings) -> SweepFigures:
    """Ask about every domain, then commit all answers at once: their number tells what may be believed."""
    now = domain_now()
    async with _open_panel(current) as panel:
        liars = await ask_canaries(panel, current, now)
        answers = await _ask_all(panel, turns, liars, now)
        with writing() as session:
            figures = record_sweep(session, batch_id, answers, now)
            let_go(session, batch_id)
            count_look_ups(session, now, panel.asked, panel.counters)
    return figures


async def _ask_all(
    panel: Panel, turns: Sequence[Turn], liars: Collection[Liar], now: datetime
) -> dict[int, Evidence]:
    """Return the answers by the domain's id, as many as came in time."""
    waiting = iter(turns)
    answers: dict[int, Evidence] = {}
    deadline = time.monotonic() + SECONDS_A_JOB

    async def ask_on() -> None:
        for turn in waiting:
            replies = void(panel, await panel.ask(turn.name, now), liars)
            answers[turn.domain_id] = replies[0].evidence
            if time.monotonic() > deadline:
                return

    await asyncio.gather(*(ask_on() for _ in range(AT_ONCE)))
    return answers


@asynccontextmanager
async def _open_panel(current: Settings) -> AsyncIterator[Panel]:
    """Open the way to the resolver, at the sweep's pace."""
    pace = Pace(current.dns_sweep_rate, in_flight=AT_ONCE)
    client = DnsClient(*parse_endpoint(current.dns_resolver), current.provider_timeout)
    async with client, open_limiter(current, lambda _line: pace) as limiter:
        yield Panel([SweepLookUp(client, limiter, LINE)])

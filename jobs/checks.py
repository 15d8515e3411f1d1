"""Jobs that check domains: claim the due ones, ask the providers, have the answers recorded.

No transaction spans a network call: answers are gathered first and committed in groups. A job may die anywhere; what
it committed stands, and the rest is claimed again when its lease has run out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.exc import OperationalError, StatementError

from dashboard.config import Settings
from dashboard.database import db, writing
from dashboard.lifecycle.hosts import reduce_host
from dashboard.queue import JobName, enqueue
from dashboard.runtime import domain_now, settings, wall_now
from dashboard.services.checking.claim import (
    DueDomain,
    batches_in_flight,
    claim_batch,
    finish_batch,
    open_batch,
    renew_lease,
)
from dashboard.services.checking.counts import count_look_ups
from dashboard.services.checking.live import assess_live
from dashboard.services.checking.put_off import put_off
from dashboard.services.checking.record import Answer, CheckedDomain, Recorded, record_checks
from jobs.canaries import Liar, ask_canaries, void
from jobs.context import job_context
from jobs.providers.pace.urgency import going_first
from jobs.providers.panel import Panel, open_panel

_log = logging.getLogger(__name__)

GROUP = 50
"""Domains committed together: about 100 ms of writing."""
AT_ONCE = 60
"""Domains asked about at the same time: more than a provider's connections, so that these never wait for work."""
UNFIT = (ArithmeticError, LookupError, TypeError, ValueError, StatementError)
"""What an answer that nobody foresaw may raise when it is weighed or written; RQ's time-out is none of these."""
SECONDS_A_JOB = 30.0
"""A job takes on no further domains after this time; what is left is claimed again (slow servers, low rates)."""
BATCHES_IN_FLIGHT = 4
"""Batches waiting or running per worker: more could not be served before their leases run out."""


def sweep() -> dict[str, int]:
    """Claim due domains, as many batches as the workers can take, and enqueue them."""
    with job_context():
        claimed = 0
        for batch_id in iter(claim_next, None):
            enqueue(JobName.RUN_BATCH, batch_id, unique=str(batch_id))
            claimed += 1
        return {"batches": claimed}


def claim_next() -> int | None:
    """Claim one batch and return its id, or None when nothing is due or enough is in flight."""
    current = settings()
    with writing() as session:
        if batches_in_flight(session, wall_now()) >= BATCHES_IN_FLIGHT * current.workers:
            return None
        return claim_batch(
            session,
            now=domain_now(),
            wall_now=wall_now(),
            size=current.check_batch,
            lease=_lease(current),
        )


def _lease(current: Settings) -> timedelta:
    return timedelta(seconds=current.lease_seconds)


def run_batch(batch_id: int) -> dict[str, int]:
    """Check what the batch still holds; nothing when it was served already or taken over."""
    with job_context():
        current = settings()
        with writing() as session:
            due = open_batch(session, batch_id, wall_now=wall_now(), lease=_lease(current))
        totals = asyncio.run(_check(batch_id, due, current)) if due else Counter[str]()
        with writing() as session:
            finish_batch(session, batch_id, wall_now=wall_now())
        enqueue(JobName.SWEEP, unique="sweep")
        return dict(totals)


async def _check(batch_id: int, due: Sequence[DueDomain], current: Settings) -> Counter[str]:
    """Ask the panel about every domain and commit the answers group by group."""
    async with open_panel(current) as panel:
        # Asked with the first domains, whose answers wait for what the canaries say of the servers.
        liars = asyncio.create_task(ask_canaries(panel, current, domain_now()))
        try:
            async with contextlib.aclosing(_answers(panel, due, liars)) as groups:
                totals = await _commit(batch_id, groups, current)
        finally:
            liars.cancel()
        with writing() as session:
            count_look_ups(session, domain_now(), panel.asked, panel.counters)
    return totals


async def _commit(batch_id: int, groups: AsyncIterable[list[CheckedDomain]], current: Settings) -> Counter[str]:
    """Commit one group after another in a thread, so that the servers go on being asked while the database writes.

    The thread alone uses the session until the last group is in: each group waits for the one before it.
    """
    totals: Counter[str] = Counter()
    under_way: asyncio.Task[Recorded] | None = None
    async for group in groups:
        totals.update(await _done(under_way))
        under_way = asyncio.create_task(asyncio.to_thread(commit_group, batch_id, group, current))
    totals.update(await _done(under_way))
    return totals


async def _done(under_way: asyncio.Task[Recorded] | None) -> dict[str, int]:
    if under_way is None:
        return {}
    done = await under_way
    return {"checks": done.checks, "skipped": done.skipped, "opened": done.opened}


async def _answers(
    panel: Panel, due: Sequence[DueDomain], liars: asyncio.Task[frozenset[Liar]]
) -> AsyncGenerator[list[CheckedDomain], None]:
    """Yield checked domains in groups, in the order the answers come in, `AT_ONCE` under way all the time."""
    waiting = iter(due)
    group: list[CheckedDomain] = []
    running: set[asyncio.Task[CheckedDomain]] = set()
    deadline = time.monotonic() + SECONDS_A_JOB
    try:
        while True:
            free = AT_ONCE - len(running) if time.monotonic() < deadline else 0
            running |= {asyncio.create_task(_ask(panel, domain, liars)) for domain in islice(waiting, free)}
            if not running:
                break
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            group += [task.result() for task in done]
            if len(group) >= GROUP:
                yield group
                group = []
        if group:
            yield group
    finally:
        for task in running:
            task.cancel()


async def _ask(panel: Panel, domain: DueDomain, liars: asyncio.Task[frozenset[Liar]]) -> CheckedDomain:
    with going_first(urgent=domain.urgent):
        said = await panel.ask(domain.name, domain_now(), closely=domain.closely, answered=domain.answered)
    replies = void(panel, said, await asyncio.shield(liars))
    return CheckedDomain(
        domain.id, domain.due_at, [Answer(reply.evidence, reply.raw, reply.raw_digest) for reply in replies]
    )


def commit_group(batch_id: int, group: Sequence[CheckedDomain], current: Settings) -> Recorded:
    """Record a group in one transaction; where its answers cannot be recorded, each domain in one of its own."""
    try:
        return _record(batch_id, group, current)
    except OperationalError:
        raise  # the database's trouble, not an answer's: the job ends, its domains are claimed again
    except UNFIT as error:
        # its message may quote what was to be written
        _log.error("%d checks could not be recorded: %s", len(group), type(error).__name__)
        if len(group) == 1:
            return _put_off(batch_id, group[0], current)
    each = [commit_group(batch_id, [item], current) for item in group]
    return Recorded(
        checks=sum(done.checks for done in each),
        skipped=sum(done.skipped for done in each),
        opened=sum(done.opened for done in each),
    )


def _record(batch_id: int, group: Sequence[CheckedDomain], current: Settings) -> Recorded:
    with writing() as session:
        renew_lease(session, batch_id, wall_now=wall_now(), lease=_lease(current))
        return record_checks(
            session,
            batch_id,
            group,
            domain_now(),
            recheck_days=current.recheck_days,
            policy=current.schedule_policy,
        )


def _put_off(batch_id: int, item: CheckedDomain, current: Settings) -> Recorded:
    with writing() as session:
        done = put_off(session, batch_id, item.id, item.due_at, domain_now(), recheck_days=current.recheck_days)
    return Recorded(checks=int(done), skipped=int(not done), opened=0)


def check_now(names: Sequence[str]) -> list[dict[str, Any]]:
    """Ask the providers about the domains of the hosts `names` now; each assessment JSON-ready, nothing stored."""
    domains = [reduce_host(name).domain or name for name in names]
    with job_context():
        current = settings()
        assess = partial(assess_live, recheck_days=current.recheck_days, policy=current.schedule_policy)
        replies = asyncio.run(_ask_all(domains, current))
        return [assess(db.session(), name, evidence, domain_now()) for name, evidence in replies]


async def _ask_all(names: Sequence[str], current: Settings) -> list[tuple[str, list[Answer]]]:
    now = domain_now()
    async with open_panel(current) as panel:
        found = await asyncio.gather(*(panel.ask(name, now) for name in names))
    return [
        (name, [Answer(reply.evidence, reply.raw, reply.raw_digest) for reply in replies])
        for name, replies in zip(names, found, strict=True)
    ]

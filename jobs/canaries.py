"""Canary domains: names whose answer is known are asked with every batch; who answers them wrongly is not believed.

A wrong canary voids what that provider's server said in the batch, not what the others said. An error is no wrong
answer: it says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.config import Settings
from dashboard.lifecycle.brakes import claims_lapse
from dashboard.lifecycle.evidence import Evidence, Outcome, Phase, Provider
from jobs.providers.base import Reply, error_evidence
from jobs.providers.errors import Untrusted
from jobs.providers.panel import Panel

Liar = tuple[Provider, str | None]


async def ask_canaries(panel: Panel, settings: Settings, now: datetime) -> frozenset[Liar]:
    """Ask about all canaries and return the providers' servers that a canary has shown to be wrong."""
    names = [*settings.canary_registered, *settings.canary_unregistered]
    found = await asyncio.gather(*(panel.ask(name, now) for name in names))
    registered = len(settings.canary_registered)
    answers = [(reply.evidence, n < registered) for n, replies in enumerate(found) for reply in replies]
    return frozenset(
        (evidence.provider, evidence.server) for evidence, taken in answers if is_wrong(evidence, registered=taken)
    )


def is_wrong(evidence: Evidence, *, registered: bool) -> bool:
    """Whether a reading contradicts what is known of a canary; what does not commit itself is not wrong."""
    if evidence.outcome is Outcome.ERROR:
        return False
    if registered:
        return evidence.outcome is Outcome.NOT_FOUND or claims_lapse(evidence)
    return evidence.phase not in {Phase.AVAILABLE, Phase.UNKNOWN}


def void(panel: Panel, replies: Sequence[Reply], liars: Collection[Liar]) -> list[Reply]:
    """Turn what the liars said into errors, counted as such."""
    return [_void(panel, reply) if _said_by(reply.evidence, liars) else reply for reply in replies]


def _said_by(evidence: Evidence, liars: Collection[Liar]) -> bool:
    return evidence.outcome is not Outcome.ERROR and (evidence.provider, evidence.server) in liars


def _void(panel: Panel, reply: Reply) -> Reply:
    said = reply.evidence
    error = Untrusted("it answered wrongly for a canary domain in the same batch", server=said.server)
    panel.counters[said.provider, said.server or "", error.kind] += 1
    evidence = error_evidence(said.provider, said.domain, said.observed_at, error)
    return replace(reply, evidence=evidence, raw=None, raw_digest=None)

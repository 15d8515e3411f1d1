"""Readings as providers give them, around one fixed moment; days are counted back from it."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard.lifecycle.assess import assess
from dashboard.lifecycle.assessment import (
    AddressFacts,
    Assessment,
    History,
)
from dashboard.lifecycle.evidence import (
    Delegation,
    ErrorKind,
    Evidence,
    Outcome,
    Phase,
    Provider,
    Rcode,
    Reading,
)
from dashboard.lifecycle.phases import phase_from_status_api

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = NOW - 3000 * DAY
VERIFIED = AddressFacts("1", NOW - 400 * DAY)
NO_HISTORY = History()
LOST = {Phase.PENDING_DELETE, Phase.AVAILABLE}


def reading(evidence: Evidence, stood: timedelta = timedelta(0)) -> Reading:
    return Reading(evidence, evidence.observed_at - stood, evidence.observed_at)


def fastly(
    statuses: str, *, ago: float = 0, stood: float = 0, provider: Provider = Provider.FASTLY, estimate: bool = False
) -> Reading:
    words = tuple(statuses.split())
    phase = phase_from_status_api(words)
    found = Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND
    return reading(Evidence(provider, "a.com", NOW - ago * DAY, found, phase, words, estimate=estimate), stood * DAY)


def rdap(
    phase: Phase,
    *,
    ago: float = 0,
    stood: float = 0,
    provider: Provider = Provider.RDAP,
    registered: datetime | None = OLD,
    **more: Any,
) -> Reading:
    missing = phase is Phase.AVAILABLE
    base = Evidence(
        provider,
        "a.com",
        NOW - ago * DAY,
        Outcome.NOT_FOUND if missing else Outcome.FOUND,
        phase,
        () if missing else (phase.value.replace("_", " "),),
        registered_at=None if missing else registered,
    )
    return reading(dataclasses.replace(base, **more), stood * DAY)


def dns(rcode: Rcode = Rcode.NXDOMAIN, *, ago: float = 0) -> Reading:
    phases = {Rcode.NXDOMAIN: Phase.AVAILABLE, Rcode.NOERROR: Phase.ACTIVE}
    phase = phases.get(rcode, Phase.UNKNOWN)
    outcome = Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND
    return reading(Evidence(Provider.DNS, "a.com", NOW - ago * DAY, outcome, phase, delegation=Delegation(rcode)))


def failed(provider: Provider = Provider.RDAP, *, ago: float = 0) -> Reading:
    return reading(Evidence(provider, "a.com", NOW - ago * DAY, Outcome.ERROR, error=ErrorKind.TIMEOUT))


def judge(
    *readings: Reading,
    addresses: tuple[AddressFacts, ...] = (VERIFIED,),
    history: History = NO_HISTORY,
    domain: str = "a.com",
) -> Assessment:
    return assess(domain, readings, addresses, history, NOW)

"""How the providers and their servers do: look-ups counted by day, quotas, and what the workers' Redis knows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from dashboard.lifecycle.evidence import ErrorKind, Provider
from dashboard.models import ProviderCount
from dashboard.pace import ServerPace, read_paces
from dashboard.queue import connect

DAYS = 7
MOST_SERVERS = 200
ASKED = "-"
"""The `error` under which all look-ups of a provider are counted."""
METERED = (Provider.FASTLY, Provider.DOMAINR)
"""Status APIs: free for a number of requests a month, then paid for each."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """One server's look-ups for one provider, today and in the last `DAYS` days; `errors` are of those days.

    Those that our own pace held back are among the `errors`, but neither asked nor failed.
    `server` is empty where a look-up failed before any server was reached.
    """

    provider: str
    server: str
    asked_today: int
    failed_today: int
    asked: int
    failed: int
    errors: Sequence[tuple[str, int]]


def server_health(session: Session, now: datetime) -> list[ServerHealth]:
    """Return the servers asked in the last `DAYS` days by provider, the busiest of each first."""
    today, since = _day(now), _day(now - timedelta(days=DAYS - 1))
    rows = session.execute(
        select(
            ProviderCount.provider,
            ProviderCount.server,
            ProviderCount.error,
            func.sum(ProviderCount.count).label("all_days"),
            func.sum(case((ProviderCount.day == today, ProviderCount.count), else_=0)).label("today"),
        )
        .where(ProviderCount.day >= since, ProviderCount.day <= today)
        .group_by(ProviderCount.provider, ProviderCount.server, ProviderCount.error)
    )
    found: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    for row in rows:
        found.setdefault((row.provider, row.server), []).append((row.error, int(row.all_days), int(row.today)))
    busiest = sorted(
        (_health(*key, counts) for key, counts in found.items()), key=lambda each: (-each.asked, each.server)
    )
    return sorted(busiest[:MOST_SERVERS], key=lambda each: each.provider)


def _health(provider: str, server: str, counts: Sequence[tuple[str, int, int]]) -> ServerHealth:
    """Part the number of look-ups from the kinds of failure."""
    errors = sorted((each for each in counts if each[0] != ASKED), key=lambda each: (-each[1], each[0]))
    failures = [each for each in errors if each[0] != ErrorKind.NOT_ASKED]
    asked = [each for each in counts if each[0] == ASKED]
    return ServerHealth(
        provider=provider,
        server=server,
        asked_today=sum(each[2] for each in asked),
        failed_today=sum(each[2] for each in failures),
        asked=sum(each[1] for each in asked),
        failed=sum(each[1] for each in failures),
        errors=[(error, count) for error, count, _ in errors],
    )


@dataclass(frozen=True, slots=True)
class Use:
    """What a metered provider was asked: this month and, of that, today (domain clock)."""

    month: int
    today: int


def month_use(session: Session, now: datetime) -> dict[str, Use]:
    """Count what each metered provider was asked this month: providers that were not are left out."""
    sign = case(
        (ProviderCount.error == ASKED, ProviderCount.count),
        # Without a key a look-up is counted, but no request is sent.
        else_=-ProviderCount.count,
    )
    today = case((ProviderCount.day == _day(now), sign), else_=0)
    rows = session.execute(
        select(ProviderCount.provider, func.sum(sign).label("sent"), func.sum(today).label("today"))
        .where(
            ProviderCount.provider.in_([provider.value for provider in METERED]),
            ProviderCount.day >= f"{now:%Y-%m}-01",
            ProviderCount.day <= _day(now),
            ProviderCount.error.in_([ASKED, ErrorKind.NOT_CONFIGURED.value]),
        )
        .group_by(ProviderCount.provider)
    )
    return {row.provider: Use(int(row.sent), int(row.today)) for row in rows}


def known_paces(redis_url: str | None) -> Mapping[str, ServerPace] | None:
    """Return what Redis knows of the servers, by name; None when there is no Redis, or it cannot be read now."""
    if redis_url is None:
        return None
    try:
        with connect(redis_url) as client:
            return read_paces(client)
    except (redis.RedisError, ValueError) as error:
        _log.warning("the servers' pace is not known: %s", type(error).__name__)
        return None


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"

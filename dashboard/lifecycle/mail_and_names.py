"""Where a name's DNS and mail pointed before its term ran out, and where they point since."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.lifecycle.evidence import Outcome, Reading
from dashboard.lifecycle.hosts import reduce_host

_EXPIRY_HOST = re.compile(
    r"(?:^|[.-])(?:expired|expiration|renewyourdomain|pendingrenewal|domainexpir|renewalrequired)"
)


@dataclass(frozen=True, slots=True)
class Moves:
    """What differs after a term that ran out on `expired`; `since`: when the new state was first seen.

    `left_parking`: the name servers went to a host for expired names (`parked_at`) and then to others than before.
    """

    expired: datetime
    since: datetime
    left_parking: bool
    parked_at: tuple[str, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """One value of a setting, and when it was seen."""

    first: datetime
    last: datetime
    hosts: tuple[str, ...]

    def differs_from(self, other: _State) -> bool:
        """Whether no host stands under a registrable domain of the other's."""
        return not ({_domain(host) for host in self.hosts} & {_domain(host) for host in other.hosts})


def moves(readings: Sequence[Reading], lapses: Sequence[datetime], within: timedelta) -> Moves | None:
    """Compare name servers, mail hosts and DS from before the last lapse with today's; None: nothing moved.

    Only what moved `within` that time of the lapse counts. Parking at an expiry host is a lapse by itself.
    """
    servers = _name_servers(readings)
    parked = [state for state in servers if is_parked(state.hosts)]
    if not servers or not (lapses or parked):
        return None
    expired = max(lapses) if lapses else min(state.first for state in parked)
    now = max(servers, key=lambda s: (s.last, s.first, s.hosts))
    if is_parked(now.hosts) or now.first > expired + within:
        return None
    base = _before(servers, min([expired, *(state.first for state in parked)]))
    signs, since = _signs(readings, expired, base, now)
    return Moves(
        expired=expired,
        since=since,
        left_parking=any(state.first < now.last for state in parked) and (base is None or base.differs_from(now)),
        parked_at=max(parked, key=lambda s: (s.last, s.hosts)).hosts if parked else (),
        signs=signs,
    )


def is_parked(hosts: Sequence[str]) -> bool:
    """Whether name servers are a registrar's for expired names (`ns1.renewyourdomain.net`, `expired1.host.com`)."""
    return any(_EXPIRY_HOST.search(host) for host in hosts)


def _signs(
    readings: Sequence[Reading], expired: datetime, base: _State | None, now: _State
) -> tuple[tuple[str, ...], datetime]:
    """Say what points elsewhere than before, and since when."""
    signs, since = [], [now.first]
    if base is not None and base.differs_from(now):
        signs.append("its name servers were replaced")
    mail = _states(readings, _mail_hosts)
    mail_base = _before(mail, expired)
    mail_now = max(mail, key=lambda s: (s.last, s.first, s.hosts), default=None)
    if mail_base and mail_now and mail_base.differs_from(mail_now):
        signs.append("its mail hosts were replaced")
        since.append(mail_now.first)
    if _ds_removed(readings, expired):
        signs.append("its DS record was removed")
    return tuple(signs), max(since)


def _name_servers(readings: Sequence[Reading]) -> list[_State]:
    """List the NS sets that registries and the zones above named; a resolver's, where nobody else named any.

    A resolver tells the zone's own set, which may be another one without anything having changed.
    """
    told = [reading for reading in readings if not reading.evidence.by_resolver]
    return _states(told, _servers) or _states(readings, _servers)


def _servers(reading: Reading) -> tuple[str, ...]:
    return reading.evidence.nameservers


def _mail_hosts(reading: Reading) -> tuple[str, ...]:
    delegation = reading.evidence.delegation
    return tuple(host for _, host in delegation.mx if host != ".") if delegation else ()


def _ds_removed(readings: Sequence[Reading], expired: datetime) -> bool:
    told = [r for r in readings if r.evidence.delegation is not None and r.evidence.delegation.ds is not None]
    told.sort(key=lambda r: (r.last_seen_at, r.first_seen_at, _has_ds(r)))
    before = [r for r in told if r.first_seen_at <= expired]
    return bool(before) and _has_ds(before[-1]) and not _has_ds(told[-1])


def _has_ds(reading: Reading) -> bool:
    return reading.evidence.delegation is not None and reading.evidence.delegation.ds is True


def _states(readings: Sequence[Reading], pick: Callable[[Reading], tuple[str, ...]]) -> list[_State]:
    """List the values of a setting as they were seen, leaving out readings that tell nothing of it."""
    told = ((r, pick(r)) for r in readings if r.evidence.outcome is Outcome.FOUND)
    return [_State(r.first_seen_at, r.last_seen_at, hosts) for r, hosts in told if hosts]


def _before(states: Sequence[_State], moment: datetime) -> _State | None:
    """Return the state that held at a moment: the newest one first seen by then, parking left out."""
    known = [state for state in states if state.first <= moment and not is_parked(state.hosts)]
    return max(known, key=lambda s: (s.first, s.last, s.hosts), default=None)


def _domain(host: str) -> str:
    verdict = reduce_host(host)
    return verdict.domain or verdict.host

"""All configured providers, asked together; a provider's fault becomes evidence of an error, never an exception."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from dashboard.config import Settings
from dashboard.lifecycle.evidence import ErrorKind, Evidence, EvidenceKind, Phase, Provider
from jobs.providers.base import Asked, LookUp, Reply, error_evidence
from jobs.providers.dns_open import open_dns
from jobs.providers.domainr import DomainrLookUp
from jobs.providers.errors import Malformed, ProviderError, Timeout
from jobs.providers.fastly import FastlyLookUp
from jobs.providers.http import Http, build_transport
from jobs.providers.limits import Limiter
from jobs.providers.pace.shared import open_limiter
from jobs.providers.rdap import RdapLookUp
from jobs.providers.rdap_bootstrap import BootstrapFile
from jobs.providers.whois.look_up import WhoisLookUp

LOOK_UP_SECONDS = 90.0
"""Time for a look-up with all its waits and redirects: a server that stalls must not hold up a whole job."""


_WILL_NOT_SAY = frozenset({ErrorKind.UNSUPPORTED, ErrorKind.NOT_ASKED})
"""Errors that the next try does not mend: there is no directory, or its budget is spent."""

Seat = LookUp | tuple[LookUp, ...]


class Panel:
    """The providers of one job, and what came of asking them.

    `counters`: failures by provider, server (empty where none was reached) and kind. `asked`: look-ups by provider
    and server, failed ones included, but not those that our own pace held back. Look-ups in a tuple share a seat: the
    next is asked where one does not serve the name (RDAP, then WHOIS: one kind of evidence). `later`: the next steps,
    each asked only where those before it leave something to corroborate (`is_settled`).
    """

    def __init__(self, look_ups: Sequence[Seat], *later: Sequence[Seat]) -> None:
        self._steps = tuple(
            tuple(seat if isinstance(seat, tuple) else (seat,) for seat in step) for step in (look_ups, *later)
        )
        self.counters: Counter[tuple[Provider, str, ErrorKind]] = Counter()
        self.asked: Counter[tuple[Provider, str]] = Counter()

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Who may be asked."""
        return tuple(look_up.provider for step in self._steps for seat in step for look_up in seat)

    async def ask(
        self, domain: str, now: datetime, *, closely: bool = True, answered: Collection[Provider] = ()
    ) -> list[Reply]:
        """Ask about `domain`, one reply a seat in the order of `providers`; never raises.

        `closely`: every step at once; else the later ones only where the earlier leave something open. `answered`:
        who has spoken in the check that this one completes; asked again only to corroborate what others say.
        """
        if closely and not answered:
            return await self._ask_seats([seat for step in self._steps for seat in step], domain, now)
        replies: list[Reply] = []
        for step in self._steps:
            said = [reply.evidence for reply in replies]
            if not replies or not is_settled(said):
                spared = set() if _is_heard(said) else set(answered)
                seats = [seat for seat in step if not spared & {one.provider for one in seat}]
                replies += await self._ask_seats(seats, domain, now)
        return replies

    async def _ask_seats(self, seats: Sequence[tuple[LookUp, ...]], domain: str, now: datetime) -> list[Reply]:
        return list(await asyncio.gather(*(self._ask_seat(seat, domain, now) for seat in seats)))

    async def _ask_seat(self, seat: tuple[LookUp, ...], domain: str, now: datetime) -> Reply:
        """Ask one after the other until one serves the name; when none does, the first says why."""
        replies = [await self._ask_one(seat[0], domain, now)]
        for look_up in seat[1:]:
            if replies[-1].evidence.error is not ErrorKind.UNSUPPORTED:
                break
            replies.append(await self._ask_one(look_up, domain, now))
        last = replies[-1]
        reply = replies[0] if last.evidence.error is ErrorKind.UNSUPPORTED and not last.evidence.server else last
        for one in replies:
            if one is reply or one.evidence.server:
                self._count(one.evidence.provider, Asked(one.evidence.server or "", one.evidence.error))
            if one.also is not None:
                self._count(one.evidence.provider, one.also)
        return reply

    async def _ask_one(self, look_up: LookUp, domain: str, now: datetime) -> Reply:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                reply = await look_up.look_up(domain, now)
        except ProviderError as error:
            reply = _failure(look_up.provider, domain, now, error, time.perf_counter() - started)
        except TimeoutError:
            late = Timeout(f"no answer within {LOOK_UP_SECONDS:g} s, the wait for a turn included")
            reply = _failure(look_up.provider, domain, now, late, time.perf_counter() - started)
        except Exception as error:  # noqa: BLE001 - a reply may break a parser in ways nobody foresaw: counted and shown
            fault = Malformed(f"{type(error).__name__} while reading the reply")
            reply = _failure(look_up.provider, domain, now, fault, time.perf_counter() - started)
        return reply

    def _count(self, provider: Provider, asked: Asked) -> None:
        # What we held back ourselves was not asked, and costs nothing.
        self.asked[provider, asked.server] += asked.error is not ErrorKind.NOT_ASKED
        if asked.error is not None:
            self.counters[provider, asked.server, asked.error] += 1


def is_settled(readings: Sequence[Evidence]) -> bool:
    """Whether readings leave nothing for a further provider to corroborate.

    Settled is a name that a registration provider calls active and DNS does not miss, one that a status API has
    spoken of, and one whose directory failed for now: its turn comes again soon, and an outage must not be paid for.
    """
    said = [one for one in readings if one.error is None]
    if any(one.kind is EvidenceKind.DELEGATION and one.phase is not Phase.ACTIVE for one in said):
        return _has_status(said)
    phases = {one.phase for one in said if one.kind is not EvidenceKind.DELEGATION}
    if not phases:
        return any(one.error is not None and one.error not in _WILL_NOT_SAY for one in readings if _is_directory(one))
    return phases == {Phase.ACTIVE} or _has_status(said)


def _is_heard(said: Sequence[Evidence]) -> bool:
    """Whether a registration provider has answered."""
    return any(one.error is None and one.kind is not EvidenceKind.DELEGATION for one in said)


def _has_status(said: Sequence[Evidence]) -> bool:
    return any(one.kind is EvidenceKind.STATUS_API and one.phase is not Phase.UNKNOWN for one in said)


def _is_directory(evidence: Evidence) -> bool:
    return evidence.kind is EvidenceKind.REGISTRY_DIRECTORY


def _failure(provider: Provider, domain: str, now: datetime, error: ProviderError, elapsed: float) -> Reply:
    """Return a look-up that failed, as evidence."""
    return Reply(error_evidence(provider, domain, now, error), None, None, elapsed)


@asynccontextmanager
async def open_panel(settings: Settings, limiter: Limiter | None = None) -> AsyncIterator[Panel]:
    """Open the ways to all configured providers for one job; `limiter` replaces the one that the settings name."""
    async with AsyncExitStack() as stack:
        pace = limiter if limiter is not None else await stack.enter_async_context(open_limiter(settings))
        steps = [await _open_step(step, stack, settings, pace) for step in settings.providers]
        yield Panel(*steps)


async def _open_step(names: Sequence[str], stack: AsyncExitStack, settings: Settings, pace: Limiter) -> list[Seat]:
    """Open those of a step that are configured; RDAP and WHOIS share a seat, asked in the order they are named."""
    opened = [(name, await _OPENERS[name](stack, settings, pace)) for name in names]
    directories = tuple(one for name, one in opened if one is not None and name in {"rdap", "whois"})
    others = [one for name, one in opened if one is not None and name not in {"rdap", "whois"}]
    return [*([directories] if directories else []), *others]


async def _http(stack: AsyncExitStack, settings: Settings, pace: Limiter) -> Http:
    """Open a provider's own way out."""
    return Http(await stack.enter_async_context(build_transport(settings)), pace, settings.provider_timeout)


async def _rdap(stack: AsyncExitStack, settings: Settings, pace: Limiter) -> LookUp:
    http = await _http(stack, settings, pace)
    return RdapLookUp(http, BootstrapFile(http, settings).load, settings.allowed_endpoints)


async def _whois(_: AsyncExitStack, settings: Settings, pace: Limiter) -> LookUp:
    return WhoisLookUp(pace, dict(settings.whois_servers), settings.allowed_endpoints, settings.provider_timeout)


async def _dns(stack: AsyncExitStack, settings: Settings, _: Limiter) -> LookUp:
    return await stack.enter_async_context(open_dns(settings))


async def _fastly(stack: AsyncExitStack, settings: Settings, pace: Limiter) -> LookUp | None:
    if not settings.fastly_key:
        return None
    return FastlyLookUp(await _http(stack, settings, pace), settings.fastly_url, settings.fastly_key)


async def _domainr(stack: AsyncExitStack, settings: Settings, pace: Limiter) -> LookUp | None:
    keys = settings.domainr_client_id, settings.domainr_rapidapi_key
    if not any(keys):
        return None
    return DomainrLookUp(await _http(stack, settings, pace), settings.domainr_url, *keys)


_OPENERS: Mapping[str, Callable[[AsyncExitStack, Settings, Limiter], Awaitable[LookUp | None]]] = {
    "rdap": _rdap,
    "whois": _whois,
    "dns": _dns,
    "fastly": _fastly,
    "domainr": _domainr,
}

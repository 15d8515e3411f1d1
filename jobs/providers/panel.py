"""All configured providers, asked together; a provider's fault becomes evidence of an error, never an exception."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from dashboard.config import Settings, parse_endpoint
from dashboard.lifecycle.evidence import ErrorKind, Evidence, Provider
from jobs.providers.base import LookUp, Reply, error_evidence
from jobs.providers.dns import DnsLookUp
from jobs.providers.dns_client import DnsClient
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


class Panel:
    """The providers of one job, and what came of asking them.

    `counters`: failures by provider, server (empty where none was reached) and kind. `asked`: look-ups by provider
    and server, failed ones included, but not those that our own pace held back. Look-ups in a tuple share a seat: the
    next is asked where one does not serve the name (RDAP, then WHOIS: one kind of evidence).
    """

    def __init__(self, look_ups: Sequence[LookUp | tuple[LookUp, ...]]) -> None:
        self._seats = tuple(seat if isinstance(seat, tuple) else (seat,) for seat in look_ups)
        self.counters: Counter[tuple[Provider, str, ErrorKind]] = Counter()
        self.asked: Counter[tuple[Provider, str]] = Counter()

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Who may be asked."""
        return tuple(look_up.provider for seat in self._seats for look_up in seat)

    async def ask(self, domain: str, now: datetime) -> list[Reply]:
        """Ask every seat about `domain` at once; one reply each, in the order of `providers`. Never raises."""
        return list(await asyncio.gather(*(self._ask_seat(seat, domain, now) for seat in self._seats)))

    async def _ask_seat(self, seat: tuple[LookUp, ...], domain: str, now: datetime) -> Reply:
        """Ask one after the other until one serves the name; when none does, the first says why."""
        replies = [await self._ask_one(seat[0], domain, now)]
        for look_up in seat[1:]:
            if replies[-1].evidence.error is not ErrorKind.UNSUPPORTED:
                break
            replies.append(await self._ask_one(look_up, domain, now))
        last = replies[-1]
        reply = replies[0] if last.evidence.error is ErrorKind.UNSUPPORTED and not last.evidence.server else last
        self._count([one.evidence for one in replies if one is reply or one.evidence.server])
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

    def _count(self, asked: Sequence[Evidence]) -> None:
        for evidence in asked:
            server = evidence.server or ""
            # What we held back ourselves was not asked, and costs nothing.
            self.asked[evidence.provider, server] += evidence.error is not ErrorKind.NOT_ASKED
            if evidence.error is not None:
                self.counters[evidence.provider, server, evidence.error] += 1


def _failure(provider: Provider, domain: str, now: datetime, error: ProviderError, elapsed: float) -> Reply:
    """Return a look-up that failed, as evidence."""
    return Reply(error_evidence(provider, domain, now, error), None, None, elapsed)


@asynccontextmanager
async def open_panel(settings: Settings, limiter: Limiter | None = None) -> AsyncIterator[Panel]:
    """Open the ways to all configured providers for one job; `limiter` replaces the one that the settings name."""
    async with AsyncExitStack() as stack:
        pace = limiter if limiter is not None else await stack.enter_async_context(open_limiter(settings))
        rdap_transport = await stack.enter_async_context(build_transport(settings))
        rdap_http = Http(rdap_transport, pace, settings.provider_timeout)
        dns_client = DnsClient(*parse_endpoint(settings.dns_resolver), settings.provider_timeout)
        rdap = RdapLookUp(rdap_http, BootstrapFile(rdap_http, settings).load)
        servers = dict(settings.whois_servers)
        look_ups: list[LookUp | tuple[LookUp, ...]] = [
            (rdap, WhoisLookUp(pace, servers, settings.allowed_endpoints, settings.provider_timeout)),
            DnsLookUp(await stack.enter_async_context(dns_client)),
        ]
        if settings.fastly_key:
            fastly_transport = await stack.enter_async_context(build_transport(settings))
            http = Http(fastly_transport, pace, settings.provider_timeout)
            look_ups.append(FastlyLookUp(http, settings.fastly_url, settings.fastly_key))
        if settings.domainr_client_id or settings.domainr_rapidapi_key:
            domainr_transport = await stack.enter_async_context(build_transport(settings))
            http = Http(domainr_transport, pace, settings.provider_timeout)
            keys = settings.domainr_client_id, settings.domainr_rapidapi_key
            look_ups.append(DomainrLookUp(http, settings.domainr_url, *keys))
        yield Panel(look_ups)

"""Opens the way to DNS for one job, from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dashboard.config import Settings, parse_endpoint
from jobs.providers.dns import DnsLookUp
from jobs.providers.dns_cache import open_cache
from jobs.providers.dns_client import DnsClient
from jobs.providers.dns_parent import Parents


@asynccontextmanager
async def open_dns(settings: Settings) -> AsyncIterator[DnsLookUp]:
    """Open the resolver of the settings and, through it, the ways to the zones above domains."""
    client = DnsClient(*parse_endpoint(settings.dns_resolver), settings.provider_timeout)
    async with client, open_cache(settings.redis_url) as cache:
        parents = Parents(
            client,
            settings.allowed_endpoints,
            settings.provider_timeout,
            port=settings.dns_parent_port,
            cache=cache,
        )
        async with parents:
            yield DnsLookUp(client, parents)

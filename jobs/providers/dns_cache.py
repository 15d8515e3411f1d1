"""Where the servers of the zones above are remembered from job to job: Redis, which may forget, lie or be down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol

import orjson
import redis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

SECONDS = 1.0
"""For Redis to answer; what is kept there can be found out anew in less."""
CONNECTIONS = 2
MAX_ADDRESSES = 16
_PREFIX = "lapsewatch:dns:zone:"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptZone:
    """A zone's name without a final dot (the root: empty) and its servers' addresses; none: none of them answered."""

    name: str
    addresses: tuple[str, ...]


class ZoneCache(Protocol):
    """Remembers zones by the name that was asked for; what it returns is checked by who uses it."""

    async def get(self, above: str) -> KeptZone | None:
        """Return what is remembered."""
        ...

    async def put(self, above: str, zone: KeptZone, seconds: int) -> None:
        """Remember for so many seconds."""
        ...


class NoCache:
    """Remembers nothing: where there is no Redis."""

    async def get(self, above: str) -> KeptZone | None:
        """Return None."""

    async def put(self, above: str, zone: KeptZone, seconds: int) -> None:
        """Forget."""


class RedisCache:
    """Remembers in Redis, and stops asking it for the rest of the job once it has failed."""

    def __init__(self, url: str) -> None:
        # No socket time-outs: see `jobs.providers.pace.store`. Every call is bounded as a whole.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=None,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        self._client: Redis = Redis.from_pool(pool)
        self._is_down = False

    async def get(self, above: str) -> KeptZone | None:
        """Return what is remembered and can be read."""
        return _read(await self._bounded(self._client.get(_PREFIX + above)))

    async def put(self, above: str, zone: KeptZone, seconds: int) -> None:
        """Remember for so many seconds."""
        value = orjson.dumps([zone.name, *zone.addresses])
        await self._bounded(self._client.set(_PREFIX + above, value, ex=seconds))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._client.connection_pool.aclose()

    async def _bounded(self, answer: Any) -> Any:
        if self._is_down:
            answer.close()
            return None
        try:
            async with asyncio.timeout(SECONDS):
                return await answer
        except (redis.RedisError, OSError) as error:  # a time-out is an OSError
            self._is_down = True
            _log.warning("name servers of zones are not remembered for now: Redis: %s", type(error).__name__)
            return None


def _read(value: Any) -> KeptZone | None:
    """Read what Redis holds: whoever writes there may have written anything."""
    if not isinstance(value, bytes):
        return None
    try:
        match orjson.loads(value):
            case [str(name), *addresses] if len(addresses) <= MAX_ADDRESSES:
                return KeptZone(name, tuple(str(ip_address(address)) for address in addresses if _is_text(address)))
    except ValueError:
        return None
    return None


def _is_text(value: object) -> bool:
    if not isinstance(value, str):
        raise ValueError("not an address")  # noqa: TRY004 - read as any other nonsense
    return True


@asynccontextmanager
async def open_cache(redis_url: str | None) -> AsyncIterator[ZoneCache]:
    """Open the memory of one job."""
    if redis_url is None:
        yield NoCache()
        return
    cache = RedisCache(redis_url)
    try:
        yield cache
    finally:
        await cache.aclose()

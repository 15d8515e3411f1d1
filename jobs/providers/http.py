"""HTTP for providers: one transport each, addresses checked, replies bounded in size and time.

No redirects, no proxies from the environment, no retries.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from dashboard.config import Settings
from jobs.providers import errors
from jobs.providers.addresses import resolve
from jobs.providers.base import MAX_REPLY
from jobs.providers.limits import Limiter
from jobs.providers.transport import LIMIT, MAX_CONNECTIONS, PinnedTransport, Resolver

Headers = list[tuple[bytes, bytes]]

USER_AGENT = (b"User-Agent", b"lapsewatch")
IDENTITY = (b"Accept-Encoding", b"identity")
_TIME_OUTS = (TimeoutError, httpx.TimeoutException)
_TROUBLE = frozenset({401, 403, 500, 502, 503, 504})
_PROTOCOL = (httpx.ProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply read to its end: `body` is decoded and at most the bound; `elapsed` in seconds."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL
    elapsed: float

    @property
    def is_html(self) -> bool:
        """Whether this is a web page, whatever it claims to be."""
        return self.body[:64].lstrip()[:1] == b"<" or "html" in self.headers.get("content-type", "").lower()


class Http:
    """A provider's way out: asks through its own transport, in its turn, within the time allowed.

    An `httpx.AsyncClient` around the transport would add cookies, redirects and sign-in, none of which may be used
    here, at a third of a request's own time.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, limiter: Limiter, timeout: float) -> None:
        self._transport = transport
        self._limiter = limiter
        self._timeout = timeout
        # Waiting for a connection happens here, before the deadline starts to run.
        self._gate = asyncio.Semaphore(MAX_CONNECTIONS)

    async def get(self, url: httpx.URL, headers: Headers, limit: int = MAX_REPLY) -> Answer:
        """Ask once and read a reply of at most `limit` bytes; any failure is a `ProviderError` naming the server."""
        server = server_of(url)
        try:
            async with self._limiter.slot(server), self._gate, asyncio.timeout(self._timeout):
                answer = await self._ask(url, headers, limit)
                if trouble := _trouble_of(answer):
                    # Raised inside the turn, so that the limiter learns of it.
                    raise trouble
                return answer
        except errors.ProviderError as error:
            error.server = error.server or server
            raise
        except _TIME_OUTS as error:
            raise errors.Timeout(f"no answer within {self._timeout:g} s", server=server) from error
        except _PROTOCOL as error:
            raise errors.Malformed(f"not HTTP: {error}", server=server) from error
        except (httpx.HTTPError, OSError) as error:
            raise errors.ConnectionFailed(str(error) or type(error).__name__, server=server) from error

    async def _ask(self, url: httpx.URL, headers: Headers, limit: int) -> Answer:
        started = time.perf_counter()
        request = httpx.Request("GET", url, headers=headers, extensions={LIMIT: limit})
        response = await self._transport.handle_async_request(request)
        try:
            body = await _bounded(response, limit)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, body, url, time.perf_counter() - started)


async def _bounded(response: httpx.Response, limit: int) -> bytes:
    """Read a body of at most `limit` bytes, before and after decoding (`TooLarge`)."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            raise errors.TooLarge(f"more than {limit} bytes")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    return bytes(body) if encoding in {"", "identity"} else _inflated(bytes(body), encoding, limit)


def _inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo a compression that was not asked for, never producing more than the bound."""
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise errors.Malformed(f"unknown content encoding {encoding}")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise errors.Malformed(f"broken {encoding}: {error}") from error
    if len(plain) > limit:
        raise errors.TooLarge(f"more than {limit} bytes once decoded")
    return plain


def build_transport(settings: Settings, resolver: Resolver = resolve) -> PinnedTransport:
    """Return a provider's transport: a bounded number of connections, each to a checked address. Close it."""
    return PinnedTransport(settings.allowed_endpoints, resolver)


def _trouble_of(answer: Answer) -> errors.ProviderError | None:
    """Return what the reply says of the server itself: throttled, overloaded, broken, or not for us."""
    pause = retry_after(answer.headers)
    if answer.status == 429 or (answer.status == 503 and pause is not None):
        return errors.Throttled(f"HTTP {answer.status}", retry_after=pause)
    return error_for(answer.status) if answer.status in _TROUBLE else None


def server_of(url: httpx.URL) -> str:
    """Return the `host` or, at another than the scheme's usual port, `host:port`: one bucket of the limiter."""
    return url.netloc.decode("ascii")


def error_for(code: int, detail: str = "") -> errors.ProviderError:
    """Return the error that an HTTP status (or an error code inside a reply) stands for."""
    text = f"HTTP {code}" + (f": {detail}" if detail else "")
    if code == 429:
        return errors.Throttled(text)
    if code in {401, 403}:
        return errors.Refused(text)
    if code == 501:
        return errors.Unsupported(text)
    return errors.ServerError(text) if 500 <= code <= 599 else errors.Malformed(text)


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3); a date is measured from the reply's own Date."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until, sent = _http_date(text), _http_date(headers.get("date", ""))
    return max(0.0, (until - sent).total_seconds()) if until and sent else None


def _http_date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo else None


def read_json(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a reply; `Malformed` when it is a page, cut off, or no object."""
    if answer.is_html:
        raise errors.Malformed(f"HTTP {answer.status}: HTML instead of JSON")
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        document = _mended(answer.body)
        if document is None:
            raise errors.Malformed(f"HTTP {answer.status}: broken JSON: {error}") from error
    if not isinstance(document, dict):
        raise errors.Malformed(f"HTTP {answer.status}: JSON, but no object")
    return document


def _mended(body: bytes) -> Any:
    """Read JSON whose fault is in its characters alone (a mark of byte order, Latin-1, half a surrogate), or None.

    One person's name in the wrong encoding must not lose the rest of a reply.
    """
    try:
        value = json.loads(body.decode("utf-8-sig", "replace"), strict=False)
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None

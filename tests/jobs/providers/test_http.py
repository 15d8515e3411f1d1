from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers import errors
from jobs.providers.base import MAX_REPLY
from jobs.providers.http import IDENTITY, Answer, Http, build_transport, error_for, read_json, retry_after
from jobs.providers.limits import LocalLimiter
from tests.jobs.providers.helpers import FAST, PATIENCE, Handler, http_server, mock_http, mock_transport, settings_for

URL = httpx.URL("https://rdap.registry.net/domain/a.com")


def get(handler: Handler, timeout: float = PATIENCE) -> Answer:
    return asyncio.run(mock_http(handler, timeout).get(URL, [IDENTITY]))


def test_a_reply_is_read_whole() -> None:
    answer = get(lambda _: httpx.Response(404, content=b"x" * MAX_REPLY))
    assert (answer.status, len(answer.body), answer.url) == (404, MAX_REPLY, URL)


def test_a_reply_beyond_the_bound_is_too_large_and_names_the_server() -> None:
    with pytest.raises(errors.TooLarge) as caught:
        get(lambda _: httpx.Response(200, content=b"x" * (MAX_REPLY + 1)))
    assert caught.value.server == "rdap.registry.net"


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compression_that_nobody_asked_for_is_undone_within_the_bound(
    encoding: str, compress: Callable[[bytes], bytes]
) -> Any:
    def reply(body: bytes) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(compress(body)))

    assert get(lambda _: reply(b"{}")).body == b"{}"
    with pytest.raises(errors.TooLarge):
        get(lambda _: reply(b"\0" * 50_000_000))


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_compression_that_cannot_be_undone_is_malformed(encoding: str) -> None:
    with pytest.raises(errors.Malformed):
        get(lambda _: httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(b"\1\2\3")))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (httpx.ConnectTimeout("x"), errors.Timeout),
        (httpx.ReadTimeout("x"), errors.Timeout),
        (httpx.ConnectError("x"), errors.ConnectionFailed),
        (httpx.RemoteProtocolError("x"), errors.Malformed),
        (httpx.UnsupportedProtocol("x"), errors.Malformed),
        (ConnectionResetError(), errors.ConnectionFailed),
        (errors.ForbiddenAddress("x"), errors.ForbiddenAddress),
    ],
)
def test_every_fault_of_the_way_has_its_type_and_server(fault: Exception, expected: Any) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise fault

    with pytest.raises(expected) as caught:
        get(fail)
    assert caught.value.server == "rdap.registry.net"


def test_a_server_that_drips_is_cut_off_at_the_deadline(tmp_path: Path) -> None:
    async def run() -> None:
        async with http_server(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf") as server:
            settings = settings_for(tmp_path, allowed_endpoints=frozenset({("127.0.0.1", server.port)}))
            async with build_transport(settings) as transport:
                http = Http(transport, LocalLimiter(FAST), 0.05)
                with pytest.raises(errors.Timeout):
                    await http.get(httpx.URL(f"http://127.0.0.1:{server.port}/"), [])

    asyncio.run(run())


def test_a_429_slows_the_bucket_of_its_server_down() -> None:
    limiter = LocalLimiter(FAST)
    reply = httpx.Response(429, headers={"retry-after": "7"})
    with pytest.raises(errors.Throttled) as caught:
        asyncio.run(Http(mock_transport(lambda _: reply), limiter, PATIENCE).get(URL, []))
    assert caught.value.retry_after == 7
    assert limiter.interval("rdap.registry.net") == 2 / FAST
    assert limiter.interval("rdap.other.net") == 1 / FAST


def test_an_overloaded_server_that_names_a_time_is_left_alone_as_long() -> None:
    """RFC 9110, 10.2.3: Retry-After comes with 503 as well; without it, it is a fault and no pause."""
    reply = httpx.Response(503, headers={"retry-after": "30"})
    with pytest.raises(errors.Throttled, match="HTTP 503") as caught:
        asyncio.run(Http(mock_transport(lambda _: reply), LocalLimiter(FAST), PATIENCE).get(URL, []))
    assert caught.value.retry_after == 30
    with pytest.raises(errors.ServerError):
        asyncio.run(Http(mock_transport(lambda _: httpx.Response(503)), LocalLimiter(FAST), PATIENCE).get(URL, []))


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": "Sun, 01 Nov 2026 08:02:00 GMT", "date": "Sun, 01 Nov 2026 08:00:00 GMT"}, 120),
        ({"retry-after": "Sun, 01 Nov 2026 07:00:00 GMT", "date": "Sun, 01 Nov 2026 08:00:00 GMT"}, 0),
        ({"retry-after": "Sun, 01 Nov 2026 08:02:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_against_the_replys_own_date(
    fields: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(httpx.Headers(fields)) == seconds


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_retry_after_is_seconds_or_nothing(after: str, date: str) -> None:
    seconds = retry_after(httpx.Headers([(b"retry-after", after.encode()), (b"date", date.encode())]))
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (429, errors.Throttled),
        (401, errors.Refused),
        (403, errors.Refused),
        (501, errors.Unsupported),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (400, errors.Malformed),
        (422, errors.Malformed),
        (204, errors.Malformed),
        (302, errors.Malformed),
        (999, errors.Malformed),
    ],
)
def test_a_status_stands_for_an_error(code: int, expected: Any) -> None:
    assert type(error_for(code)) is expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!doctype html><p>Sorry", "application/json"),
        (b"\n  <html>", "application/rdap+json"),
        (b"{}", "text/html; charset=utf-8"),
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'"found"', "application/json"),
        (b"[" * 5000, "application/json"),
    ],
)
def test_what_is_no_json_object_is_malformed(body: bytes, content_type: str) -> None:
    with pytest.raises(errors.Malformed):
        read_json(Answer(200, httpx.Headers({"content-type": content_type}), body, URL, 0.0))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": "b"}', "b"),
        (b'{"a": "caf\xe9"}', "caf\ufffd"),
        (b'{"a": "\\ud800"}', "?"),
        (b'{"a": "one\ntwo"}', "one\ntwo"),
    ],
)
def test_a_bad_character_does_not_lose_a_reply(body: bytes, value: str) -> None:
    answer = Answer(200, httpx.Headers(), body, httpx.URL("https://rdap.test/"), 0.0)
    assert read_json(answer) == {"a": value}


@given(st.binary(max_size=60))
def test_any_body_is_an_object_or_a_typed_error(body: bytes) -> None:
    try:
        document = read_json(Answer(200, httpx.Headers(), body, httpx.URL("https://rdap.test/"), 0.0))
    except errors.Malformed:
        return
    assert isinstance(document, dict)

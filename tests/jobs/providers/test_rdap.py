from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Outcome, Phase
from jobs.providers import errors
from jobs.providers.base import Reply, digest_of
from jobs.providers.http import Http, build_transport
from jobs.providers.limits import LocalLimiter
from jobs.providers.rdap import RdapLookUp
from jobs.providers.rdap_bootstrap import Bootstrap
from jobs.providers.rdap_hops import MAX_REDIRECTS
from tests.jobs.providers.helpers import (
    FAST,
    NOW,
    PATIENCE,
    Handler,
    http_reply,
    http_server,
    mock_http,
    settings_for,
)

BASE = "https://rdap.registry.test/v1/"
FOUND = {"objectClassName": "domain", "ldhName": "example.com", "status": ["active"]}


async def bootstrap() -> Bootstrap:
    return Bootstrap({"com": BASE})


def look_up(
    handler: Handler, domain: str = "example.com", load: Callable[[], Awaitable[Bootstrap]] = bootstrap
) -> Reply:
    return asyncio.run(RdapLookUp(mock_http(handler), load).look_up(domain, NOW))


def says(status: int, **what: Any) -> Any:
    return lambda _: httpx.Response(status, **what)


def test_it_asks_the_registry_of_the_bootstrap() -> Any:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=FOUND)

    reply = look_up(answer)
    assert asked == [BASE + "domain/example.com"]
    assert reply.evidence.phase is Phase.ACTIVE
    assert reply.evidence.server == "rdap.registry.test"


def test_the_digest_is_of_the_whole_reply_although_less_is_kept() -> None:
    body = json.dumps(
        {**FOUND, "entities": [{"roles": ["registrant"], "vcardArray": ["vcard", [["fn", {}, "text", "Jane"]]]}]}
    ).encode()
    reply = look_up(says(200, content=body))
    assert reply.raw_digest == digest_of(body)
    assert reply.raw is not None
    assert b"Jane" not in reply.raw


def test_what_is_kept_of_a_404_holds_no_contact() -> None:
    body = (
        b'{"errorCode": 404, "description": ["Ask ann@registry.test"], "entities": [{"vcardArray": ["vcard", []]}]}'
    )
    raw = look_up(says(404, content=body)).raw
    assert raw is not None
    assert b"ann@" not in raw
    assert b"vcardArray" not in raw


@pytest.mark.parametrize("body", [b"", b"{}", b'{"errorCode": 404, "title": "Not Found"}', b'{"errorCode": "404"}'])
def test_the_registrys_own_404_means_not_registered(body: bytes) -> None:
    evidence = look_up(says(404, content=body)).evidence
    assert (evidence.outcome, evidence.phase) == (Outcome.NOT_FOUND, Phase.AVAILABLE)


@pytest.mark.parametrize(
    "what",
    [
        {"html": "<h1>404 page not found</h1>"},
        {"content": b"  <!doctype html>"},
        {"content": b"404 page not found"},
        {"json": {"errorCode": 429, "title": "Too many"}},
        {"json": ["not found"]},
    ],
)
def test_a_404_that_is_not_the_registrys_word_says_nothing(what: Any) -> None:
    with pytest.raises(errors.Malformed):
        look_up(says(404, **what))


def redirecting(target: str, last: httpx.Response) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": target}) if str(request.url).startswith(BASE) else last

    return answer


def test_a_redirect_is_followed_and_the_answering_server_named() -> None:
    evidence = look_up(
        redirecting("https://rdap.registrar.test/domain/example.com", httpx.Response(200, json=FOUND))
    ).evidence
    assert evidence.server == "rdap.registrar.test"


def test_a_404_after_a_redirect_elsewhere_says_nothing_of_the_registry() -> None:
    with pytest.raises(errors.Malformed) as caught:
        look_up(redirecting("https://rdap.registrar.test/domain/example.com", httpx.Response(404)))
    assert caught.value.server == "rdap.registrar.test"


def test_a_404_after_a_redirect_within_the_registrys_server_counts() -> None:
    answer = redirecting("https://rdap.registry.test/v2/domain/example.com", httpx.Response(404))
    assert look_up(answer).evidence.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    "path",
    ["domain/other.com", "domain/mail.example.com", "domain/example.com.evil.test", "v2/domain/", "nameserver/a", ""],
)
def test_a_404_for_another_name_that_a_redirect_led_to_is_not_the_asked_ones(path: str) -> None:
    with pytest.raises(errors.WrongDomain) as caught:
        look_up(redirecting(f"https://rdap.registry.test/v2/{path}", httpx.Response(404)))
    assert caught.value.server == "rdap.registry.test"


@pytest.mark.parametrize("name", ["EXAMPLE.COM", "example.com.", "Example.com/", "%65xample.com"])
def test_the_asked_name_may_be_written_otherwise_in_a_redirect(name: str) -> None:
    answer = redirecting(f"https://rdap.registry.test/v2/domain/{name}", httpx.Response(404))
    assert look_up(answer).evidence.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize("status", [200, 404])
def test_the_asked_name_may_be_a_u_label_in_a_redirect(status: int) -> None:
    last = httpx.Response(status, json={"ldhName": "XN--MNCHEN-3YA.COM."} if status == 200 else {"errorCode": 404})
    answer = redirecting("https://rdap.registry.test/v2/domain/m%C3%BCnchen.com", last)
    evidence = look_up(answer, "xn--mnchen-3ya.com").evidence
    assert evidence.outcome is (Outcome.FOUND if status == 200 else Outcome.NOT_FOUND)


def test_a_found_object_of_another_name_that_a_redirect_led_to_is_refused() -> None:
    other = {**FOUND, "ldhName": "other.com"}
    with pytest.raises(errors.WrongDomain):
        look_up(redirecting("https://rdap.registry.test/v2/domain/other.com", httpx.Response(200, json=other)))


@pytest.mark.parametrize(
    "target",
    [
        "",
        "http://rdap.registry.test/x",
        "ftp://rdap.registry.test/",
        "file:///etc/passwd",
        "https://u:p@x.test/",
        "https://[::1",
        "\x00",
    ],
)
def test_a_redirect_to_nowhere_to_plain_text_or_with_credentials_is_refused(target: str) -> None:
    with pytest.raises(errors.Malformed, match=r"redirect refused|Invalid URL"):
        look_up(lambda _: httpx.Response(301, headers={"location": target}))


def test_redirects_are_bounded() -> Any:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"location": f"/v1/{len(asked)}"})

    with pytest.raises(errors.Malformed, match="redirects"):
        look_up(answer)
    assert len(asked) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{other}/",
        "http://localhost:{other}/",
        "http://[::1]:{other}/",
        "http://[::ffff:7f00:1]:{other}/",
        "http://169.254.169.254/latest/",
        "http://10.0.0.1/",
        "http://inside.registrar.test:{other}/",
    ],
)
def test_a_redirect_to_the_inside_is_refused_over_real_sockets(tmp_path: Path, target: str) -> Any:
    """The registry's pair is allowed as in the demo; where it sends us is checked like any other place."""

    async def names(host: str, port: int) -> tuple[str, ...]:
        return {"inside.registrar.test": ("127.0.0.1",)}.get(host, (host.replace("localhost", "127.0.0.1"),))

    async def run() -> int:
        async with http_server(http_reply(FOUND)) as other:
            redirect = http_reply(b"", 302, location=target.format(other=other.port))
            async with http_server(redirect) as registry:
                settings = settings_for(tmp_path, allowed_endpoints=frozenset({("127.0.0.1", registry.port)}))

                async def load() -> Bootstrap:
                    return Bootstrap({"com": f"http://127.0.0.1:{registry.port}/"})

                async with build_transport(settings, names) as transport:
                    look = RdapLookUp(Http(transport, LocalLimiter(FAST), PATIENCE), load)
                    with pytest.raises(errors.ForbiddenAddress):
                        await look.look_up("example.com", NOW)
            return other.connections

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, errors.Malformed),
        (422, errors.Malformed),
        (403, errors.Refused),
        (429, errors.Throttled),
        (500, errors.ServerError),
        (501, errors.Unsupported),
        (204, errors.Malformed),
    ],
)
def test_other_statuses_are_typed_errors(status: int, expected: Any) -> None:
    with pytest.raises(expected) as caught:
        look_up(says(status, json=FOUND))
    assert caught.value.server == "rdap.registry.test"


def test_html_with_status_200_is_malformed() -> None:
    with pytest.raises(errors.Malformed, match="HTML"):
        look_up(says(200, html="<html>"))


def test_a_tld_without_rdap_is_unsupported() -> None:
    with pytest.raises(errors.Unsupported):
        look_up(says(200, json=FOUND), domain="example.zz")


def test_the_bootstrap_is_loaded_once_for_many_look_ups_even_when_it_fails() -> Any:
    loads: list[int] = []

    async def fail() -> Bootstrap:
        loads.append(1)
        await asyncio.sleep(0)
        raise errors.ServerError("HTTP 503", server="data.iana.test")

    async def run() -> list[object]:
        rdap = RdapLookUp(mock_http(says(200, json=FOUND)), fail)
        return list(
            await asyncio.gather(*(rdap.look_up("example.com", NOW) for _ in range(5)), return_exceptions=True)
        )

    outcomes = asyncio.run(run())
    assert len(loads) == 1
    assert all(isinstance(o, errors.ServerError) and o.server == "data.iana.test" for o in outcomes)


@given(
    st.integers(200, 599),
    st.binary(max_size=200),
    st.sampled_from(["text/html", "application/rdap+json", ""]),
    st.text(max_size=20),
)
def test_any_reply_gives_evidence_or_a_typed_error(
    status: int, body: bytes, content_type: str, location: str
) -> None:
    fields = [(b"content-type", content_type.encode()), (b"location", location.encode())]
    try:
        evidence = look_up(lambda _: httpx.Response(status, headers=fields, content=body)).evidence
    except errors.ProviderError:
        return
    assert status in {200, 404}
    assert evidence.outcome is not Outcome.ERROR


def test_names_under_a_private_suffix_are_not_the_registrys() -> None:
    with pytest.raises(errors.Unsupported):
        look_up(says(404), domain="victim.uk.com")

from __future__ import annotations

import time

import httpx
import orjson
import pytest

from jobs.simulator.faults import Fault, Mode, Provider
from jobs.simulator.server import Options
from jobs.simulator.specs import Story
from tests.jobs.simulator.helpers import CATCHER, OWNER, Client, day, make_spec, talk

STEADY = make_spec("steady.com", Story.STEADY)
LAPSING = make_spec("lapsing.com", Story.DROP_AND_CATCH, successor=CATCHER, turn_hours=1)
UK = make_spec("lapsing.co.uk")


def events(reply: httpx.Response) -> dict[str, str]:
    return {event["eventAction"]: event["eventDate"] for event in reply.json()["events"]}


def test_rdap_speaks_rfc_9083() -> None:
    reply = talk(lambda client: client.rdap("LAPSING.com"), LAPSING, at=day(1))
    content = reply.json()

    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/rdap+json")
    assert content["objectClassName"] == "domain"
    assert "rdap_level_0" in content["rdapConformance"]
    assert (content["ldhName"].lower(), content["handle"]) == ("lapsing.com", OWNER.handle)
    assert content["status"] == ["client transfer prohibited", "auto renew period"]
    assert [server["ldhName"] for server in content["nameservers"]] == list(OWNER.ns)
    registrar = content["entities"][0]
    assert registrar["roles"] == ["registrar"]
    assert registrar["publicIds"] == [{"type": "IANA Registrar ID", "identifier": "9901"}]
    assert ["fn", {}, "text", OWNER.registrar] in registrar["vcardArray"][1]
    assert events(reply) == {
        "registration": "2016-03-01T12:00:00Z",
        "expiration": "2027-03-01T12:00:00Z",
        "last changed": "2026-03-01T12:00:00Z",
        "last update of RDAP database": "2026-03-02T12:00:00Z",
    }


def test_a_thin_registry_links_the_registrar_who_knows_when_the_term_ends() -> None:
    async def ask(client: Client) -> tuple[httpx.Response, httpx.Response, str]:
        registrys = await client.rdap("lapsing.com")
        [url] = [link["href"] for link in registrys.json()["links"] if link["rel"] == "related"]
        return registrys, await client.http.get(url), url

    registrys, registrars, url = talk(ask, LAPSING, at=day(1))
    assert url.endswith("/registrar/domain/LAPSING.COM")
    assert "registrar expiration" not in events(registrys)
    assert events(registrars) == events(registrys) | {"registrar expiration": "2026-03-01T12:00:00Z"}
    assert talk(lambda client: client.get("/registrar/domain/nobody.com"), LAPSING).status_code == 404


def test_rdap_knows_no_free_names() -> None:
    reply = talk(lambda client: client.rdap("lapsing.com"), LAPSING, at=day(80))

    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/rdap+json")
    assert reply.json()["errorCode"] == 404


def test_a_head_request_has_no_body() -> None:
    async def ask(client: Client) -> httpx.Response:
        return await client.http.head("/rdap/domain/steady.com")

    reply = talk(ask, STEADY)
    assert (reply.status_code, reply.content) == (200, b"")


def test_the_bootstrap_file_sends_every_tld_to_the_simulator() -> None:
    async def ask(client: Client) -> tuple[httpx.Response, str]:
        return await client.http.get(client.endpoints.rdap_bootstrap_url), client.endpoints.http

    reply, address = talk(ask, UK)
    [[tlds, bases]] = reply.json()["services"]
    assert {"uk", "com", "de"} <= set(tlds)
    assert bases == [f"http://{address}/rdap/"]


@pytest.mark.parametrize(
    ("name", "days", "status"),
    [
        ("steady.com", 1, "active"),
        ("lapsing.com", 40, "undelegated active"),
        ("lapsing.com", 50, "undelegated active expiring"),
        ("lapsing.com", 76, "undelegated active deleting"),
        ("lapsing.com", 80, "undelegated inactive"),
        ("lapsing.com", 81, "active"),
        ("nobody.com", 1, "undelegated inactive"),
        ("lapsing.co.uk", 60, "undelegated active expiring"),
    ],
)
def test_fastly_and_domainr_give_status_sets(name: str, days: float, status: str) -> None:
    async def ask(client: Client) -> tuple[httpx.Response, httpx.Response]:
        return await client.fastly(name), await client.get(f"/v2/status?domain={name}&client_id=me")

    fastly, domainr = talk(ask, STEADY, LAPSING, UK, at=day(days))
    zone = name.partition(".")[2]
    assert fastly.json() | {"tags": ""} == {"domain": name, "zone": zone, "status": status, "tags": ""}
    assert domainr.json()["status"][0] | {"summary": ""} == {
        "domain": name,
        "zone": zone,
        "status": status,
        "summary": "",
    }


def test_an_estimate_knows_dns_only() -> None:
    reply = talk(lambda client: client.fastly("lapsing.com", scope="estimate"), LAPSING, at=day(50))

    assert (reply.json()["scope"], reply.json()["status"]) == ("estimate", "undelegated")


def test_unknown_zones_are_an_error_with_http_200() -> None:
    reply = talk(lambda client: client.fastly("example.ocm"), STEADY)

    assert reply.status_code == 200
    assert reply.json() == {"errors": [{"code": 404, "message": "Domain not found", "detail": "example.ocm"}]}


def test_without_a_key_there_is_no_answer() -> None:
    async def ask(client: Client) -> list[int]:
        paths = ("/domain-management/v1/tools/status?domain=steady.com", "/v2/status?domain=steady.com")
        return [(await client.get(path)).status_code for path in paths]

    assert talk(ask, STEADY) == [401, 401]


def ask_rdap(fault: Fault) -> httpx.Response:
    return talk(lambda client: client.rdap("steady.com"), STEADY, faults=(fault,))


@pytest.mark.parametrize("provider", [Provider.RDAP, Provider.FASTLY, Provider.DOMAINR])
def test_each_provider_fails_alone(provider: Provider) -> None:
    async def ask(client: Client) -> dict[Provider, int]:
        return {
            Provider.RDAP: (await client.rdap("steady.com")).status_code,
            Provider.FASTLY: (await client.fastly("steady.com")).status_code,
            Provider.DOMAINR: (await client.get("/v2/status?domain=steady.com&client_id=me")).status_code,
        }

    statuses = talk(ask, STEADY, faults=(Fault(provider, Mode.BROKEN),))
    assert [name for name, status in statuses.items() if status == 500] == [provider]


def test_a_throttled_reply_says_when_to_come_back() -> None:
    reply = ask_rdap(Fault(Provider.RDAP, Mode.THROTTLED, seconds=7))

    assert (reply.status_code, reply.headers["retry-after"]) == (429, "7")


def test_html_comes_with_status_200() -> None:
    reply = ask_rdap(Fault(Provider.RDAP, Mode.HTML))

    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html")
    assert reply.text.startswith("<!doctype html>")


def test_a_truncated_reply_is_no_json() -> None:
    reply = ask_rdap(Fault(Provider.RDAP, Mode.TRUNCATED))

    assert reply.status_code == 200
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(reply.content)


def test_the_wrong_domain_is_echoed() -> None:
    reply = ask_rdap(Fault(Provider.RDAP, Mode.WRONG_DOMAIN))

    assert reply.json()["ldhName"] == "ANOTHER-NAME.COM"


def test_a_lying_provider_calls_every_name_unregistered() -> None:
    assert ask_rdap(Fault(Provider.RDAP, Mode.AVAILABLE)).status_code == 404


def test_a_dropped_connection_brings_no_reply() -> None:
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        ask_rdap(Fault(Provider.RDAP, Mode.DROP))


def test_a_slow_provider_answers_late_and_rightly() -> None:
    started = time.monotonic()
    reply = ask_rdap(Fault(Provider.RDAP, Mode.SLOW, seconds=0.2))

    assert reply.status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_slow_reply_does_not_hold_up_the_end() -> None:
    async def ask(client: Client) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await client.http.get("/rdap/domain/steady.com", timeout=httpx.Timeout(60, read=0.1))

    started = time.monotonic()
    talk(ask, STEADY, faults=(Fault(Provider.RDAP, Mode.SLOW, seconds=300),))
    assert time.monotonic() - started < 150


def test_latency_comes_before_every_reply() -> None:
    started = time.monotonic()
    talk(lambda client: client.rdap("steady.com"), STEADY, options=Options(latency_ms=100))

    assert time.monotonic() - started >= 0.1


def test_other_paths_are_not_found() -> None:
    assert talk(lambda client: client.get("/nothing"), STEADY).status_code == 404

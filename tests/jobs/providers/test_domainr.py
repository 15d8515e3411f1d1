from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.config import parse_endpoint
from dashboard.lifecycle.evidence import EvidenceKind, Outcome, Phase, Provider
from jobs.providers import errors
from jobs.providers.base import Reply, digest_of
from jobs.providers.domainr import DomainrLookUp, read_status
from jobs.providers.http import Answer, Http
from jobs.providers.limits import LocalLimiter
from jobs.providers.transport import PinnedTransport
from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import Fault, FaultTable, Mode
from jobs.simulator.faults import Provider as Simulated
from jobs.simulator.server import running
from jobs.simulator.world import World
from tests.jobs.providers.helpers import FAST, NOW, Handler, mock_http
from tests.jobs.simulator.helpers import day, make_spec


def look_up(
    handler: Handler, *, client_id: str | None = "client", key: str | None = None, url: str | None = None
) -> Reply:
    return asyncio.run(DomainrLookUp(mock_http(handler), url, client_id, key).look_up("example.com", NOW))


def status(words: str, domain: str = "example.com", **more: object) -> dict[str, Any]:
    return {
        "status": [{"domain": domain, "zone": "com", "status": words, "summary": words.rpartition(" ")[2]}],
        **more,
    }


def says(document: object, code: int = 200) -> Handler:
    return lambda _: httpx.Response(code, json=document)


def asked_with(**keys: Any) -> httpx.Request:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=status("active"))

    look_up(answer, **keys)
    return asked[0]


def test_the_legacy_form_names_the_client_in_the_query() -> None:
    request = asked_with(client_id="a b&c")
    assert str(request.url) == "https://api.domainr.com/v2/status?client_id=a%20b%26c&domain=example.com"
    assert request.headers["host"] == "api.domainr.com"
    assert "x-rapidapi-key" not in request.headers


def test_the_rapidapi_form_sends_its_key_in_the_head_and_comes_first() -> None:
    request = asked_with(key="secret")
    assert str(request.url) == "https://domainr.p.rapidapi.com/v2/status?domain=example.com"
    assert request.headers["x-rapidapi-key"] == "secret"
    assert request.headers["x-rapidapi-host"] == "domainr.p.rapidapi.com"


def test_another_address_may_be_set() -> None:
    assert (
        str(asked_with(key="secret", url="https://status.test/").url)
        == "https://status.test/v2/status?domain=example.com"
    )


@pytest.mark.parametrize(
    ("words", "outcome", "phase"),
    [
        ("undelegated inactive", Outcome.NOT_FOUND, Phase.AVAILABLE),
        ("active zone tld", Outcome.FOUND, Phase.ACTIVE),
        ("unknown", Outcome.FOUND, Phase.UNKNOWN),
        ("inactive active", Outcome.FOUND, Phase.UNKNOWN),
        ("undelegated active deleting", Outcome.FOUND, Phase.PENDING_DELETE),
    ],
)
def test_the_words_are_a_set_and_decide_the_phase(words: str, outcome: Outcome, phase: Phase) -> None:
    evidence = look_up(says(status(words))).evidence
    assert (evidence.outcome, evidence.phase) == (outcome, phase)
    assert evidence.statuses == tuple(sorted(words.split()))
    assert (evidence.provider, evidence.kind) == (Provider.DOMAINR, EvidenceKind.STATUS_API)


def test_of_several_entries_the_asked_ones_counts() -> None:
    listed = status("active", "com")["status"] + status("undelegated inactive")["status"]
    assert look_up(says({"status": listed})).evidence.phase is Phase.AVAILABLE


def test_the_reply_is_kept_with_its_digest() -> None:
    body = json.dumps(status("active")).encode()
    reply = look_up(lambda _: httpx.Response(200, content=body))
    assert (reply.raw, reply.raw_digest) == (body, digest_of(body))
    assert reply.evidence.server == "api.domainr.com"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"errors": [{"code": 404, "message": "Domain not found", "detail": "example.ocm"}]}, errors.Unsupported),
        ({"errors": [{"code": 429, "message": "Slow down"}]}, errors.Throttled),
        (status("undelegated inactive", errors=[{"code": 500}]), errors.ServerError),
        ({"errors": ["?"]}, errors.Malformed),
        ({"status": []}, errors.Malformed),
        ({"status": "inactive"}, errors.Malformed),
        ({"status": [{"domain": "example.com"}]}, errors.Malformed),
        ({}, errors.Malformed),
        (["inactive"], errors.Malformed),
        (status("inactive", "other.com"), errors.WrongDomain),
    ],
)
def test_errors_inside_http_200_are_errors(document: object, expected: type[errors.ProviderError]) -> None:
    with pytest.raises(expected) as caught:
        look_up(says(document))
    assert caught.value.server == "api.domainr.com"


@pytest.mark.parametrize(
    ("code", "expected"), [(403, errors.Refused), (404, errors.Unsupported), (429, errors.Throttled)]
)
def test_a_status_code_is_never_an_answer_about_the_domain(code: int, expected: type[errors.ProviderError]) -> None:
    with pytest.raises(expected):
        look_up(says(status("undelegated inactive"), code))


@pytest.mark.parametrize("keys", [(None, None), ("", ""), ("a\r\nb", None), (None, "a\r\nX-Evil: 1")])
def test_without_a_usable_key_nothing_is_asked(keys: tuple[str | None, str | None]) -> None:
    with pytest.raises(errors.NotConfigured):
        look_up(says(status("active")), client_id=keys[0], key=keys[1])


def simulated(days: float, *faults: Fault, client_id: str | None, key: str | None) -> Reply:
    async def run() -> Reply:
        clock = SimulatedClock.standing(day(days))
        async with running(World([make_spec()]), clock, None, FaultTable(*faults)) as endpoints:
            transport = PinnedTransport(frozenset({parse_endpoint(endpoints.http)}))
            http = Http(transport, LocalLimiter(FAST), 0.5)
            async with transport:
                return await DomainrLookUp(http, endpoints.domainr_url, client_id, key).look_up(
                    "brelwick-labs.com", NOW
                )

    return asyncio.run(run())


@pytest.mark.parametrize(("client_id", "key"), [("any", None), (None, "any")])
@pytest.mark.parametrize(("days", "phase"), [(-100, Phase.ACTIVE), (50, Phase.REDEMPTION), (120, Phase.AVAILABLE)])
def test_the_simulator_answers_both_forms(days: float, phase: Phase, client_id: str | None, key: str | None) -> None:
    assert simulated(days, client_id=client_id, key=key).evidence.phase is phase


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(Mode.THROTTLED, errors.Throttled), (Mode.HTML, errors.Malformed), (Mode.WRONG_DOMAIN, errors.WrongDomain)],
)
def test_the_simulators_faults_are_typed_errors(mode: Mode, expected: type[errors.ProviderError]) -> None:
    with pytest.raises(expected):
        simulated(120, Fault(Simulated.DOMAINR, mode), client_id="any", key=None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
members = st.dictionaries(st.sampled_from(["domain", "status", "zone"]), json_values)


@given(
    st.integers(0, 999),
    st.binary(max_size=200)
    | st.lists(members, max_size=3).map(lambda listed: json.dumps({"status": listed}).encode()),
)
def test_any_bytes_give_evidence_or_a_typed_error(code: int, body: bytes) -> None:
    try:
        evidence = read_status(Answer(code, httpx.Headers(), body, httpx.URL(), 0.0), "a.com", NOW, None)
    except errors.ProviderError:
        return
    assert code == 200
    assert evidence.statuses

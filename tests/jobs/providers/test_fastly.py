from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import EvidenceKind, Outcome, Phase
from jobs.providers import errors
from jobs.providers.base import Reply, digest_of
from jobs.providers.fastly import FastlyLookUp, read_status
from jobs.providers.http import Answer
from tests.jobs.providers.helpers import NOW, Handler, mock_http


def look_up(handler: Handler, domain: str = "example.com", key: str | None = "secret") -> Reply:
    return asyncio.run(FastlyLookUp(mock_http(handler), "https://api.fastly.test", key).look_up(domain, NOW))


def says(document: dict[str, Any], status: int = 200) -> Any:
    return lambda _: httpx.Response(status, json=document)


def status(words: str, **more: object) -> Any:
    return {"domain": "example.com", "zone": "com", "status": words, "tags": "generic", **more}


def test_it_asks_precisely_and_with_the_key() -> Any:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=status("active"))

    look_up(answer)
    assert str(asked[0].url) == "https://api.fastly.test/domain-management/v1/tools/status?domain=example.com"
    assert asked[0].headers["fastly-key"] == "secret"
    assert asked[0].headers["host"] == "api.fastly.test"


@pytest.mark.parametrize(
    ("words", "outcome", "phase"),
    [
        ("undelegated inactive", Outcome.NOT_FOUND, Phase.AVAILABLE),
        ("active", Outcome.FOUND, Phase.ACTIVE),
        ("unknown", Outcome.FOUND, Phase.UNKNOWN),
        ("inactive active", Outcome.FOUND, Phase.UNKNOWN),
        ("undelegated active deleting", Outcome.FOUND, Phase.PENDING_DELETE),
    ],
)
def test_the_words_are_a_set_and_decide_the_phase(words: str, outcome: Outcome, phase: Phase) -> None:
    evidence = look_up(says(status(words))).evidence
    assert (evidence.outcome, evidence.phase) == (outcome, phase)
    assert evidence.statuses == tuple(sorted(words.split()))
    assert evidence.kind is EvidenceKind.STATUS_API


def test_the_reply_is_kept_with_its_digest() -> None:
    body = json.dumps(status("active")).encode()
    reply = look_up(lambda _: httpx.Response(200, content=body))
    assert reply.raw == body
    assert reply.raw_digest == digest_of(body)
    assert reply.evidence.server == "api.fastly.test"


def test_an_estimate_is_told_in_any_case() -> None:
    assert look_up(says(status("undelegated inactive", scope="Estimate"))).evidence.estimate


def test_an_error_whose_code_is_text_is_told_by_it() -> None:
    with pytest.raises(errors.Throttled):
        look_up(says({"errors": [{"code": "429", "message": "slow down"}]}))


def test_an_estimate_is_only_delegation() -> None:
    evidence = look_up(says(status("undelegated inactive", scope="estimate"))).evidence
    assert evidence.estimate
    assert evidence.kind is EvidenceKind.DELEGATION


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"errors": [{"code": 404, "message": "Domain not found", "detail": "example.ocm"}]}, errors.Unsupported),
        ({"errors": [{"code": 429, "message": "Slow down"}]}, errors.Throttled),
        ({"errors": [{"code": 403, "message": "No"}]}, errors.Refused),
        ({"errors": [{"code": 500, "message": "Oops"}]}, errors.ServerError),
        ({"errors": ["?"]}, errors.Malformed),
        ({"errors": {"a": 1}}, errors.Malformed),
        ({**status("undelegated inactive"), "errors": [{"code": 500}]}, errors.ServerError),
        ({"domain": "example.com"}, errors.Malformed),
        ({"domain": "example.com", "status": " "}, errors.Malformed),
        ({"domain": "example.com", "status": ["active"]}, errors.Malformed),
        ({"status": "inactive"}, errors.Malformed),
        (status("inactive") | {"domain": "other.com"}, errors.WrongDomain),
    ],
)
def test_errors_inside_http_200_are_errors(document: dict[str, Any], expected: Any) -> None:
    with pytest.raises(expected) as caught:
        look_up(says(document))
    assert caught.value.server == "api.fastly.test"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, errors.Refused),
        (404, errors.Unsupported),
        (429, errors.Throttled),
        (502, errors.ServerError),
        (302, errors.Malformed),
    ],
)
def test_a_status_code_is_never_an_answer_about_the_domain(code: int, expected: Any) -> None:
    with pytest.raises(expected):
        look_up(says(status("undelegated inactive"), code))


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_nothing_is_asked(key: str | None) -> None:
    with pytest.raises(errors.NotConfigured):
        look_up(says(status("active")), key=key)


def test_a_key_that_would_break_the_header_counts_as_none() -> None:
    with pytest.raises(errors.NotConfigured):
        look_up(says(status("active")), key="a\r\nX-Evil: 1")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
members = st.dictionaries(st.sampled_from(["domain", "status", "scope", "errors", "zone"]), json_values)


@given(
    st.integers(0, 999),
    st.binary(max_size=200) | members.map(lambda m: json.dumps({"domain": "a.com", **m}).encode()),
)
def test_any_bytes_give_evidence_or_a_typed_error(code: int, body: bytes) -> None:
    try:
        evidence = read_status(Answer(code, httpx.Headers(), body, httpx.URL(), 0.0), "a.com", NOW, None)
    except errors.ProviderError:
        return
    assert code == 200
    assert evidence.statuses

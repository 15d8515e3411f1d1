from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dashboard.config import Settings
from jobs.providers import errors
from jobs.providers.rdap_bootstrap import FRESH_SECONDS, OVERRIDES, Bootstrap, BootstrapFile, parse_bootstrap, shipped
from tests.jobs.providers.helpers import Handler, http_server, mock_http, settings_for

FILE = {
    "version": "1.0",
    "services": [
        [["com", "net"], ["https://rdap.verisign.test/com/v1/"]],
        [["kg"], ["http://rdap.kg.test"]],
        [["uk"], ["http://uk.test/", "https://uk.test/rdap"]],
        [["co.uk"], ["https://co.uk.test/"]],
        [["broken"], ["ftp://x/", 7]],
        ["nonsense"],
        None,
    ],
}


@pytest.fixture(autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shipped copy as small as the files of these tests."""
    path = tmp_path_factory.mktemp("shipped") / "dns.json"
    path.write_text(json.dumps({"services": [[["com", "shipped"], ["https://shipped.test/"]]]}))
    monkeypatch.setattr("jobs.providers.rdap_bootstrap.SHIPPED", path)


def expire_copy(state_dir: Path) -> None:
    copy = next(state_dir.glob("rdap-bootstrap-*.json"))
    then = copy.stat().st_mtime - FRESH_SECONDS - 1
    os.utime(copy, (then, then))


def load(settings: Settings, handler: Handler) -> Bootstrap:
    return asyncio.run(BootstrapFile(mock_http(handler), settings).load())


@pytest.mark.parametrize(
    ("domain", "base"),
    [
        ("a.com", "https://rdap.verisign.test/com/v1/"),
        ("a.b.net", "https://rdap.verisign.test/com/v1/"),
        ("a.kg", "http://rdap.kg.test/"),
        ("a.uk", "https://uk.test/rdap/"),
        ("a.co.uk", "https://co.uk.test/"),
        ("xco.uk", "https://uk.test/rdap/"),
        ("a.broken", None),
        ("a.xcom", None),
        ("com.zz", None),
    ],
)
def test_the_longest_suffix_by_labels_names_the_server(domain: str, base: str | None) -> None:
    assert parse_bootstrap(json.dumps(FILE).encode()).base_for(domain) == base


def test_overrides_fill_gaps_and_never_replace_the_file() -> None:
    bootstrap = parse_bootstrap(json.dumps(FILE).encode(), {"com": "https://wrong.test/", "de": "https://de.test/"})
    assert bootstrap.base_for("a.com") == "https://rdap.verisign.test/com/v1/"
    assert bootstrap.base_for("a.de") == "https://de.test/"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"services": []}', b'{"services": 7}'])
def test_a_file_without_servers_is_malformed(body: bytes) -> None:
    with pytest.raises(errors.Malformed):
        parse_bootstrap(body)


@given(st.binary(max_size=100))
def test_any_bytes_give_a_bootstrap_or_a_typed_error(body: bytes) -> None:
    with pytest.raises(errors.ProviderError):
        parse_bootstrap(body)


def test_a_fresh_copy_is_used_without_asking_again(tmp_path: Path) -> Any:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=FILE)

    settings = settings_for(tmp_path)
    for _ in range(3):
        assert load(settings, answer).base_for("a.de") == OVERRIDES["de"]
    assert asked == ["https://data.iana.org/rdap/dns.json"]


def test_an_old_copy_is_refreshed_and_serves_while_iana_cannot_be_reached(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    load(settings, lambda _: httpx.Response(200, json=FILE))
    expire_copy(tmp_path)
    assert load(settings, lambda _: httpx.Response(500)).base_for("a.kg")
    newer = {"services": [[["com", "org", "kg"], ["https://new.test/"]]]}
    assert load(settings, lambda _: httpx.Response(200, json=newer)).base_for("a.com") == "https://new.test/"


@pytest.mark.parametrize("damage", [b"", b"{", b"<html>"])
def test_a_damaged_copy_is_fetched_anew(tmp_path: Path, damage: bytes) -> None:
    settings = settings_for(tmp_path)
    load(settings, lambda _: httpx.Response(200, json=FILE))
    next(tmp_path.glob("rdap-bootstrap-*.json")).write_bytes(damage)
    assert load(settings, lambda _: httpx.Response(200, json=FILE)).base_for("a.com")


BAD = [b"", b"{", b"<html>", b"[]", b'{"services": []}', b'{"services": [[["com"], ["https://one.test/"]]]}']


@pytest.mark.parametrize("body", BAD)
def test_a_broken_empty_or_shrunk_file_never_replaces_the_last_good_one(tmp_path: Path, body: bytes) -> None:
    settings = settings_for(tmp_path)
    load(settings, lambda _: httpx.Response(200, json=FILE))
    copy = next(tmp_path.glob("rdap-bootstrap-*.json"))
    good = copy.read_bytes()
    expire_copy(tmp_path)
    assert load(settings, lambda _: httpx.Response(200, content=body)).base_for("a.kg")
    assert copy.read_bytes() == good


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, content=b"<html>")])
def test_without_an_answer_or_a_copy_the_shipped_one_serves(tmp_path: Path, answer: httpx.Response) -> None:
    found = load(settings_for(tmp_path), lambda _: answer)
    assert found.base_for("a.shipped") == "https://shipped.test/"
    assert found.base_for("a.de") == OVERRIDES["de"]
    assert not list(tmp_path.glob("rdap-bootstrap-*"))


def test_with_a_damaged_copy_and_no_answer_the_shipped_one_serves(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    load(settings, lambda _: httpx.Response(200, json=FILE))
    next(tmp_path.glob("rdap-bootstrap-*.json")).write_bytes(b"{")
    assert load(settings, lambda _: httpx.Response(500)).base_for("a.shipped")


@hypothesis_settings(deadline=None)  # each example makes an event loop of its own
@given(st.binary(max_size=200))
def test_whatever_iana_sends_there_is_a_bootstrap(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = load(settings_for(Path(folder)), lambda _: httpx.Response(200, content=body))
    assert found.base_for("a.shipped")


def test_a_copy_comes_with_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert shipped().listed > 1000
    assert shipped().base_for("a.com") == "https://rdap.verisign.com/com/v1/"
    assert shipped().base_for("a.de") == OVERRIDES["de"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("allowed", [frozenset(), frozenset({("127.0.0.1", 8999)})])
def test_a_local_bootstrap_that_fails_never_leads_outside(
    tmp_path: Path, host: str, allowed: frozenset[tuple[str, int]]
) -> None:
    url = f"http://{host}:8999/rdap/dns.json"
    settings = settings_for(tmp_path, rdap_bootstrap_url=url, allowed_endpoints=allowed)
    with pytest.raises(errors.ServerError):
        load(settings, lambda _: httpx.Response(503))


def test_a_local_bootstrap_is_never_kept_and_never_leads_outside(tmp_path: Path) -> None:
    settings = settings_for(
        tmp_path,
        rdap_bootstrap_url="http://127.0.0.1:8999/rdap/dns.json",
        allowed_endpoints=frozenset({("127.0.0.1", 8999)}),
    )
    bootstrap = load(settings, lambda _: httpx.Response(200, json=FILE))
    assert bootstrap.base_for("a.de") is None
    assert not list(tmp_path.glob("rdap-*"))


def test_the_bound_of_the_file_is_wider_than_that_of_a_reply(tmp_path: Path) -> None:
    big = json.dumps({**FILE, "padding": "x" * 300_000}).encode()
    assert load(settings_for(tmp_path), lambda _: httpx.Response(200, content=big)).base_for("a.com")


def test_it_works_over_a_real_socket(tmp_path: Path) -> Any:
    from jobs.providers.http import Http, build_transport
    from jobs.providers.limits import LocalLimiter
    from tests.jobs.providers.helpers import FAST, PATIENCE, http_reply

    async def run() -> Bootstrap:
        async with http_server(http_reply({**FILE, "padding": "x" * 300_000})) as server:
            settings = settings_for(
                tmp_path,
                rdap_bootstrap_url=f"http://127.0.0.1:{server.port}/dns.json",
                allowed_endpoints=frozenset({("127.0.0.1", server.port)}),
            )
            async with build_transport(settings) as transport:
                return await BootstrapFile(Http(transport, LocalLimiter(FAST), PATIENCE), settings).load()

    assert asyncio.run(run()).base_for("a.com")

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Provider
from jobs.evidence.parse import parse_batch, parse_file
from tests.support.replies import NOW, at, domainr, fastly, free_whois, rdap, registered_whois

KEYS = [
    *("outcome", "phase", "statuses", "registered_at", "expires_at"),
    *("registrar_expires_at", "registrar", "nameservers", "error"),
]


def parsed(
    folder: Path, provider: str, body: str | bytes, domain: str = "example.com", **more: Any
) -> dict[str, Any]:
    file = folder / "reply"
    file.write_bytes(body.encode() if isinstance(body, str) else body)
    return parse_file(Provider(provider), file, domain, NOW, **more)


def test_a_registration_by_rdap(tmp_path: Path) -> None:
    body = rdap("auto renew period", expires=-355, registrar_expires=10)["body"]
    assert parsed(tmp_path, "rdap", body) == {
        "outcome": "found",
        "phase": "auto_renew_grace",
        "statuses": ["auto renew period"],
        "registered_at": at(3000),
        "expires_at": at(-355),
        "registrar_expires_at": at(10),
        "registrar": "First Registrar, Inc.",
        "nameservers": ["ns1.hosting.net", "ns2.hosting.net"],
        "error": None,
    }


@pytest.mark.parametrize(
    ("provider", "body", "outcome", "phase"),
    [
        ("fastly", fastly("undelegated inactive")["body"], "not_found", "available"),
        ("fastly", fastly("active")["body"], "found", "active"),
        ("fastly", fastly("undelegated active deleting")["body"], "found", "pending_delete"),
        ("domainr", domainr("undelegated inactive")["body"], "not_found", "available"),
        ("domainr", domainr("expiring")["body"], "found", "redemption"),
        ("rdap", '{"errorCode": 404, "title": "Not Found"}', "not_found", "available"),
        ("rdap", '{"errorCode": "404"}', "not_found", "available"),
        ("whois", free_whois()["body"], "not_found", "available"),
        ("whois", registered_whois()["body"], "found", "active"),
    ],
)
def test_a_reply_is_found_or_not(tmp_path: Path, provider: str, body: str, outcome: str, phase: str) -> None:
    found = parsed(tmp_path, provider, body)
    assert (found["outcome"], found["phase"], found["error"]) == (outcome, phase, None)
    assert list(found) == KEYS


@pytest.mark.parametrize(
    ("provider", "body", "error"),
    [
        ("fastly", '{"errors":[{"code":404,"message":"Domain not found","detail":"example.ocm"}]}', "unsupported"),
        ("fastly", '{"errors":[{"code":429,"message":"slow"}]}', "throttled"),
        ("fastly", '{"domain": "example.com", "status": "act', "malformed"),
        ("fastly", "<html>sorry</html>", "malformed"),
        ("fastly", fastly("inactive", domain="other.com")["body"], "wrong_domain"),
        ("domainr", '{"status": [], "errors": []}', "malformed"),
        ("rdap", '{"errorCode": 429}', "throttled"),
        ("rdap", '{"errorCode": 500}', "server_error"),
        ("rdap", '{"errorCode": 403}', "refused"),
        ("rdap", rdap(domain="other.com")["body"], "wrong_domain"),
        ("rdap", "", "malformed"),
        ("whois", "", "malformed"),
        ("whois", "WHOIS LIMIT EXCEEDED", "throttled"),
        ("whois", "x" * 70_000, "too_large"),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_why(tmp_path: Path, provider: str, body: str, error: str) -> None:
    found = parsed(tmp_path, provider, body)
    assert (found["outcome"], found["phase"]) == ("error", "unknown")
    assert found["error"].split(":")[0] == error
    assert list(found) == KEYS


@pytest.mark.parametrize(
    ("provider", "body", "tld"),
    [
        ("whois", registered_whois()["body"], "com"),
        ("whois", registered_whois()["body"], ".com"),
        ("rdap", rdap()["body"], "com"),
        ("fastly", fastly("active")["body"], "com"),
        ("domainr", domainr("active")["body"], "com"),
    ],
)
def test_where_the_name_is_not_known_the_reply_says_it(tmp_path: Path, provider: str, body: str, tld: str) -> None:
    assert parsed(tmp_path, provider, body, tld, is_tld=True)["outcome"] == "found"


def test_a_host_is_reduced(tmp_path: Path) -> None:
    assert parsed(tmp_path, "rdap", rdap()["body"], "mail.example.com")["outcome"] == "found"


@settings(deadline=None)  # the first look at a TLD loads the list of suffixes
@given(
    provider=st.sampled_from(["fastly", "domainr", "rdap", "whois"]),
    body=st.binary(max_size=300),
    name=st.sampled_from([("com", True), ("example.com", False)]),
)
def test_any_bytes_are_some_evidence(
    tmp_path_factory: pytest.TempPathFactory, provider: str, body: bytes, name: tuple[str, bool]
) -> None:
    found = parsed(tmp_path_factory.getbasetemp(), provider, body, name[0], is_tld=name[1])
    assert found["outcome"] in {"found", "not_found", "error"}


class TestBatch:
    def test_lines_come_in_the_manifests_order_with_their_file(self, tmp_path: Path) -> None:
        (tmp_path / "replies").mkdir()
        (tmp_path / "replies" / "b.txt").write_text(registered_whois()["body"])
        (tmp_path / "replies" / "a.txt").write_text(free_whois()["body"])
        manifest = [
            '{"file": "replies/b.txt", "domain": "example.com"}',
            "",
            json.dumps({"file": str(tmp_path / "replies" / "a.txt"), "tld": "com"}),
        ]
        lines = list(parse_batch(Provider.WHOIS, manifest, tmp_path, NOW))
        assert [(line.values["file"][-5:], line.values["outcome"]) for line in lines] == [
            ("b.txt", "found"),
            ("a.txt", "not_found"),
        ]
        assert [list(line.values) for line in lines] == [["file", *KEYS]] * 2
        assert not any(line.unread for line in lines)

    @pytest.mark.parametrize(
        ("entry", "names"),
        [
            ('{"file": "missing.txt", "domain": "example.com"}', "missing.txt"),
            ('{"file": ".", "domain": "example.com"}', "."),
            ('{"file": "a\\u0000b", "domain": "example.com"}', "a"),
            ('{"file": "x"}', "line 1"),
            ('{"file": 7, "domain": "example.com"}', "line 1"),
            ("nonsense", "line 1"),
            ("[1]", "line 1"),
        ],
    )
    def test_what_cannot_be_read_is_named_and_does_not_stop_the_rest(
        self, tmp_path: Path, entry: str, names: str
    ) -> None:
        (tmp_path / "good.txt").write_text(free_whois()["body"])
        good = '{"file": "good.txt", "domain": "example.com"}'
        lines = list(parse_batch(Provider.WHOIS, [entry, good], tmp_path, NOW))
        assert lines[0].unread is not None
        assert names in lines[0].unread
        assert lines[0].values["outcome"] == "error"
        assert lines[0].values["error"].startswith("cannot be read")
        assert lines[1].values["file"] == "good.txt"
        assert "file" in lines[0].values
        assert lines[1].values["outcome"] == "not_found"

    def test_three_hundred_files_a_second(self, tmp_path: Path) -> None:
        body = registered_whois()["body"] + "\n".join(f"Remark {n}: nothing of note here" for n in range(40))
        (tmp_path / "reply.txt").write_text(body)
        manifest = ['{"file": "reply.txt", "domain": "example.com"}'] * 600

        def processor_time() -> float:
            started = time.process_time()
            assert sum(line.unread is None for line in parse_batch(Provider.WHOIS, manifest, tmp_path, NOW)) == 600
            return time.process_time() - started

        # The best of some: what else runs on a machine costs caches, and so a part of everybody's time.
        assert any(processor_time() < 2.0 for _ in range(4))

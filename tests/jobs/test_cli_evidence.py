from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.cli import commands
from jobs.cli_evidence import evidence
from tests.support.replies import document, fastly, free_whois, nxdomain, rdap, rdap_404


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(evidence, [str(argument) for argument in arguments], input=stdin)


def test_the_group_is_among_the_commands() -> None:
    assert evidence in commands


def test_one_reply_is_printed_as_one_json_object(tmp_path: Path) -> None:
    file = tmp_path / "reply.json"
    file.write_text(rdap()["body"])
    result = run("parse", "--provider", "rdap", "--domain", "example.com", file)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["outcome"] == "found"


@pytest.mark.parametrize("body", ["", "garbage", "WHOIS LIMIT EXCEEDED"])
def test_an_unusable_reply_is_no_fault_of_the_command(tmp_path: Path, body: str) -> None:
    file = tmp_path / "reply.txt"
    file.write_text(body)
    result = run("parse", "--provider", "whois", "--domain", "example.com", file)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["outcome"] == "error"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("parse", "--provider", "whois", "--domain", "example.com", tmp_path / "missing.txt")
    assert result.exit_code != 0
    assert "missing.txt" in result.stderr


def test_a_batch_is_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(free_whois()["body"])
    manifest = tmp_path / "manifest.ndjson"
    manifest.write_text('{"file": "a.txt", "tld": "com"}\n{"file": "a.txt", "domain": "example.com"}\n')
    result = run("parse", "--provider", "whois", "--batch", manifest)
    assert result.exit_code == 0
    assert [json.loads(line)["outcome"] for line in result.stdout.splitlines()] == ["not_found", "not_found"]


def test_a_batch_with_a_missing_file_goes_on_and_ends_in_failure(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(free_whois()["body"])
    manifest = tmp_path / "manifest.ndjson"
    manifest.write_text('{"file": "gone.txt", "tld": "com"}\n{"file": "a.txt", "tld": "com"}\n')
    result = run("parse", "--provider", "whois", "--batch", manifest)
    assert result.exit_code == 1
    assert "gone.txt" in result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["file"], line["outcome"]) for line in lines] == [("gone.txt", "error"), ("a.txt", "not_found")]


def test_a_batch_of_odd_files_is_a_line_each_in_their_order(tmp_path: Path) -> None:
    absent = 'No match for "EXAMPLE.COM".\n'
    bodies = {
        "empty": b"",
        "zeros": b"\0" * 2000,
        "noise": bytes(range(256)) * 20,
        "huge": absent.encode() * 200_000,
        "utf16": absent.encode("utf-16"),
        "marked": absent.encode("utf-8-sig"),
        "latin": "Le domaine example.com est libre, désolé ? Non".encode("latin-1"),
    }
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    manifest = tmp_path / "manifest.ndjson"
    lines = [json.dumps({"file": name, "domain": "mail.example.com"}) for name in bodies]
    manifest.write_text("\n".join(lines) + "\n\n", encoding="utf-8-sig")
    result = run("parse", "--provider", "whois", "--batch", manifest)
    assert (result.exit_code, result.stderr) == (0, "")
    printed = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["file"] for line in printed] == list(bodies)
    assert [line["outcome"] for line in printed if line["file"] in {"utf16", "marked"}] == ["not_found", "not_found"]
    assert all(line["error"] for line in printed if line["file"] not in {"utf16", "marked"})


def test_what_a_manifest_names_wrongly_is_told_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(free_whois()["body"])
    manifest = tmp_path / "manifest.ndjson"
    wrong = [
        "not JSON",
        "[]",
        '{"file": "a.txt"}',
        '{"file": 3, "tld": "com"}',
        '{"file": ".", "tld": "com"}',
        "[" * 9999,
    ]
    manifest.write_text("\n".join([*wrong, '{"file": "a.txt", "tld": "com"}', '{"file": "a\\u0000b", "tld": "com"}']))
    result = run("parse", "--provider", "whois", "--batch", manifest)
    assert result.exit_code == 1
    printed = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["outcome"] for line in printed] == [*["error"] * len(wrong), "not_found", "error"]
    assert all(f"line {number}" in result.stderr for number in (1, 2, 3, 4, 6))


def test_one_file_or_a_batch_not_both_nor_none(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    assert run("parse", "--provider", "whois").exit_code == 2
    assert run("parse", "--provider", "whois", file).exit_code == 2
    assert run("parse", "--provider", "whois", "--domain", "a.com", "--batch", file, file).exit_code == 2
    assert run("parse", "--provider", "dns", "--domain", "a.com", file).exit_code == 2


def test_an_assessment_is_printed_as_json(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(json.dumps(document(rdap_404(), nxdomain(), fastly("unknown"))))
    for result in (run("assess", file), run("assess", "-", stdin=file.read_text())):
        assert result.exit_code == 0
        assert json.loads(result.stdout)["recommendation"] == "unverify"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "domain"),
        ('{"domain": "example.com"}', "now"),
        ('{"domain": "192.0.2.1", "now": "2026-03-01T00:00:00Z"}', "domain"),
        ('{"domain": "example.com", "now": "yesterday"}', "now"),
        ('{"domain": "example.com", "now": "9999-12-31T23:59:59-14:00"}', "now"),
        ('{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "replies": {}}', "replies"),
        ('{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "replies": [7]}', "replies[0]"),
        (
            '{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "replies": [{"provider": "oracle"}]}',
            "replies[0].provider",
        ),
        (
            '{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "replies": [{"provider": "rdap"}]}',
            "replies[0].observed_at",
        ),
        (
            '{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "addresses": [{"verified_at": null}]}',
            "addresses[0]",
        ),
        (
            '{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "addresses": [{"address_id": 1, "verified_at": 5}]}',
            "addresses[0].verified_at",
        ),
        ('{"domain": "example.com"}', "now: missing"),
        ('{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "replies": []}', "addresses: missing"),
        ('{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "addresses": []}', "replies: missing"),
        (
            (
                '{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "addresses": [], "replies": '
                '[{"provider": "rdap", "observed_at": "2026-03-01T00:00:00Z", "body": null}]}'
            ),
            "replies[0].http_status: missing",
        ),
        (
            (
                '{"domain": "example.com", "now": "2026-03-01T00:00:00Z", "addresses": '
                '[{"address_id": 1, "packages": [{"last_release_at": 5}]}]}'
            ),
            "addresses[0].packages[0].last_release_at",
        ),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_in_one_line_that_says_where(
    tmp_path: Path, text: str, where: str
) -> None:
    file = tmp_path / "case.json"
    file.write_text(text)
    result = run("assess", file)
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert where in result.stderr
    assert "case.json" in result.stderr

"""The tool's contract clause by clause: what may be missing or null, what counts from where, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.cli_evidence import evidence
from jobs.evidence.assess import assess_document
from jobs.evidence.document import DocumentError, read_document
from tests.jobs.evidence.stories import ELSEWHERE, VERISIGN, Replies
from tests.support.replies import (
    DAY,
    NOW,
    address,
    assessed,
    at,
    dns,
    document,
    domainr,
    fastly,
    free_whois,
    nxdomain,
    rdap,
    rdap_404,
    reply,
    whois,
)


def told(**body: Any) -> dict[str, Any]:
    return reply("dns", 0, body, None)


def judged(raw: dict[str, Any]) -> dict[str, Any]:
    return assess_document(read_document(json.dumps(raw)))


class TestWhatMayBeMissing:
    def test_an_address_needs_its_id_alone(self) -> None:
        found = judged(document(rdap(registered=100), addresses=[{"address_id": "a"}]))
        assert found["addresses"][0]["at_risk"] is None
        assert "unproven" in found["addresses"][0]["why"]
        assert (found["holder_changed"], found["recommendation"]) == (None, "review")

    def test_null_is_the_same_as_missing(self) -> None:
        full = {"address_id": 1, "verified_at": at(50)}
        nulls = {**full, "first_verified_at": None, "account_created_at": None, "packages": None}
        nothing = {**full, "packages": []}
        unreleased = {**full, "packages": [{"last_release_at": None}, {}]}
        expected = judged(document(rdap(registered=100), addresses=[full]))
        for other in (nulls, nothing, unreleased):
            assert judged(document(rdap(registered=100), addresses=[other])) == expected

    @pytest.mark.parametrize("url", [{}, {"url": None}, {"url": ""}])
    def test_without_a_url_a_404_is_taken_for_the_registrys(self, url: dict[str, Any]) -> None:
        assert assessed(rdap_404() | url, nxdomain())["recommendation"] == "unverify"

    def test_the_registrars_404_says_nothing_however_often(self) -> None:
        theirs = [rdap_404(ago=ago, url=ELSEWHERE) for ago in (3, 2, 0)]
        found = assessed(*theirs, nxdomain())
        assert (found["phase"], found["recommendation"]) == ("unknown", "watch")
        beside = assessed(rdap(url=VERISIGN), *theirs)
        assert (beside["phase"], beside["confidence"], beside["recommendation"]) == ("active", "single", "none")

    def test_a_404_needs_no_body(self) -> None:
        for body in (None, "", " \n"):
            assert assessed(rdap_404(body=body), nxdomain())["recommendation"] == "unverify"

    def test_http_status_may_be_left_out_where_there_is_none(self) -> None:
        lost = free_whois()
        missing = nxdomain()
        del lost["http_status"], missing["http_status"]
        assert assessed(lost, missing)["recommendation"] == "unverify"

    def test_without_addresses_and_replies_it_still_answers(self) -> None:
        found = judged(document(addresses=[]))
        assert (found["phase"], found["holder_changed"], found["addresses"]) == ("unknown", None, [])
        assert assessed(rdap_404(), nxdomain(), addresses=[])["recommendation"] == "unverify"


class TestDnsBodies:
    @pytest.mark.parametrize(
        "body",
        [
            {"delegation": {"rcode": "NXDOMAIN", "ns": []}, "mx": [], "address": False, "ds": False},
            {"delegation": {"rcode": "NXDOMAIN", "ns": None}, "mx": None, "address": None, "ds": None},
            {"delegation": {"rcode": "NXDOMAIN"}},
            {"delegation": {"rcode": " nxdomain "}},
        ],
    )
    def test_a_missing_delegation_corroborates(self, body: dict[str, Any]) -> None:
        assert assessed(rdap_404(), told(**body))["recommendation"] == "unverify"

    @pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "TIMEOUT"])
    def test_trouble_neither_corroborates_nor_contradicts(self, rcode: str) -> None:
        found = assessed(rdap_404(), told(delegation={"rcode": rcode, "ns": []}, mx=[], address=False, ds=False))
        assert (found["phase"], found["confidence"], found["recommendation"]) == ("available", "single", "review")

    def test_no_error_without_name_servers_is_no_delegation_and_no_loss(self) -> None:
        found = assessed(rdap_404(), told(delegation={"rcode": "NOERROR", "ns": []}, mx=[], address=False, ds=False))
        assert (found["confidence"], found["recommendation"]) == ("single", "review")

    @pytest.mark.parametrize(
        "body", [{}, {"delegation": None}, {"delegation": {"rcode": "OK", "ns": []}}, {"mx": []}]
    )
    def test_a_body_of_another_form_is_an_error(self, body: dict[str, Any]) -> None:
        assert assessed(rdap(), told(**body))["recommendation"] == "none"
        assert assessed(told(**body))["phase"] == "unknown"


class TestRepliesThatAreNone:
    @pytest.mark.parametrize(
        "none",
        [
            reply("fastly", 0, {"errors": [{"code": 404, "message": "Domain not found", "detail": "example.com"}]}),
            reply("domainr", 0, {"errors": [{"code": 500}], "status": []}),
            reply("rdap", 0, {"errorCode": 404, "title": "Not Found"}),  # with HTTP 200: no 404 of the registry's
            reply("rdap", 0, {"errorCode": 429}, 404),
            reply("rdap", 0, "<html><body>Not Found</body></html>", 404),
            *(reply("rdap", 0, {"errorCode": code}, code) for code in (400, 401, 403, 422, 429, 500, 501, 503)),
            *(reply("fastly", 0, fastly("undelegated inactive")["body"], code) for code in (429, 500, 502, None)),
            *(reply("domainr", 0, domainr("undelegated inactive")["body"], code) for code in (403, 429, 503)),
            whois("Quota exceeded\nNo match for example.com"),
            whois(None),
        ],
    )
    def test_an_error_is_no_evidence_whatever_it_carries(self, none: dict[str, Any]) -> None:
        found = assessed(none, nxdomain())
        assert (found["phase"], found["recommendation"]) == ("unknown", "watch")
        assert assessed(none, rdap_404(ago=1), nxdomain(ago=1))["recommendation"] == "unverify"


class TestTimes:
    def test_an_offset_is_weighed(self) -> None:
        """The same moments, written elsewhere: 23 hours apart stay 23 hours apart."""
        moved = []
        for ago, hours in ((0.96, 14), (0, -11)):
            moment = (NOW - ago * DAY).astimezone(timezone(timedelta(hours=hours)))
            moved.append(rdap_404() | {"observed_at": moment.isoformat()})
        assert judged(document(*moved))["recommendation"] == "review"
        assert judged(document(rdap_404(ago=1), moved[1]))["recommendation"] == "unverify"

    @pytest.mark.parametrize(
        "written", ["2026-03-01T12:00:00Z", "2026-03-01t12:00:00.000z", "2026-03-01T17:30:00+05:30"]
    )
    def test_now_is_read_in_every_form_of_rfc_3339(self, written: str) -> None:
        raw = document(rdap())
        assert judged({**raw, "now": written}) == judged(raw)

    def test_a_reply_said_twice_is_one_sighting(self) -> None:
        found = assessed(*[rdap_404()] * 5)
        assert (found["confidence"], found["recommendation"]) == ("single", "review")

    def test_thirty_days_are_current_and_more_are_history(self) -> None:
        assert assessed(rdap_404(ago=30), rdap_404())["recommendation"] == "unverify"
        assert assessed(rdap_404(ago=30.1), rdap_404())["recommendation"] == "review"

    def test_a_future_reply_is_named_and_left_out(self) -> None:
        found = assessed(rdap_404(), nxdomain(ago=-1))
        assert found["recommendation"] == "review"
        assert any("dated after" in reason for reason in found["reasons"])


FIRST_RUN = {
    "undelegated inactive": True,
    "undelegated inactive premium": True,
    "inactive": True,
    "marketed priced deleting": True,
    "undelegated active": False,
    "unknown": False,
    "undelegated": False,
    "marketed priced undelegated active": False,
    "inactive active": False,
    "undelegated reserved": False,
    "undelegated claimed": False,
}


@pytest.mark.parametrize(("statuses", "may"), FIRST_RUN.items())
@pytest.mark.parametrize("provider", [fastly, domainr])
def test_status_sets_of_a_first_run(provider: Any, statuses: str, *, may: bool) -> None:
    """With every corroboration that there is, and with none."""
    witnesses: list[Replies] = [(nxdomain(),), (provider(statuses, 2),), (provider(statuses, 2), nxdomain())]
    assert assessed(provider(statuses))["recommendation"] != "unverify"
    for others in witnesses:
        assert (assessed(provider(statuses), *others)["recommendation"] == "unverify") is may


def test_a_release_after_the_catch_is_told_of_any_package() -> None:
    packages = [{"last_release_at": at(500)}, {}, {"last_release_at": at(1)}]
    caught = judged(document(rdap(registered=10), addresses=[{**address(), "packages": packages}]))
    assert (caught["holder_changed"], caught["recommendation"]) == (True, "review")
    assert any("release" in reason for reason in caught["reasons"])


GOOD = document(rdap(), dns())


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"domain": None}, "domain"),
        ({"domain": ""}, "domain"),
        ({"domain": "192.0.2.1"}, "domain"),
        ({"now": None}, "now"),
        ({"now": "yesterday"}, "now"),
        ({"now": 1767225600}, "now"),
        ({"addresses": {}}, "addresses"),
        ({"addresses": [[]]}, "addresses[0]"),
        ({"addresses": [{}]}, "addresses[0].address_id"),
        ({"addresses": [{"address_id": 1, "verified_at": "x"}]}, "addresses[0].verified_at"),
        ({"addresses": [{"address_id": 1, "packages": 5}]}, "addresses[0].packages"),
        ({"addresses": [{"address_id": 1, "packages": [{"last_release_at": "x"}]}]}, "packages[0].last_release_at"),
        ({"replies": "none"}, "replies"),
        ({"replies": [{}]}, "replies[0].provider"),
        ({"replies": [rdap(), {**rdap(), "provider": "verisign"}]}, "replies[1].provider"),
        ({"replies": [{**rdap(), "observed_at": None}]}, "replies[0].observed_at"),
        ({"replies": [{**rdap(), "observed_at": "2026-13-01T00:00:00Z"}]}, "replies[0].observed_at"),
        ({"replies": [{**rdap(), "http_status": "200"}]}, "replies[0].http_status"),
        ({"replies": [{"provider": "rdap", "observed_at": at(0), "http_status": 200}]}, "replies[0].body"),
    ],
)
def test_a_bad_document_is_refused_with_the_place_and_a_status(change: dict[str, Any], place: str) -> None:
    text = json.dumps(GOOD | change)
    with pytest.raises(DocumentError, match=place.replace("[", r"\[").replace("]", r"\]")):
        read_document(text)
    result = CliRunner().invoke(evidence, ["assess", "-"], input=text)
    assert result.exit_code != 0
    assert place in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("missing", ["domain", "now", "addresses", "replies"])
def test_a_missing_key_is_named(missing: str) -> None:
    text = json.dumps({key: value for key, value in GOOD.items() if key != missing})
    with pytest.raises(DocumentError, match=missing):
        read_document(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\ufeff{}x"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        read_document(text)

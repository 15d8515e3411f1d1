"""Hosts, hostile bodies, and the order of things."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.evidence.assess import assess_document
from jobs.evidence.document import read_document
from tests.jobs.evidence.stories import sold_by_registrar
from tests.support.replies import address, assessed, dns, document, fastly, nxdomain, rdap, rdap_404, reply


class TestHosts:
    @pytest.mark.parametrize("host", ["mail.example.com", "EXAMPLE.com.", "a.b.c.example.com"])
    def test_a_host_is_reduced_first(self, host: str) -> None:
        found = assessed(rdap_404(), nxdomain(), domain=host)
        assert (found["domain"], found["recommendation"]) == ("example.com", "unverify")

    def test_a_second_level_suffix(self) -> None:
        assert assessed(rdap(domain="example.co.uk"), domain="mail.example.co.uk")["phase"] == "active"

    def test_a_u_label(self) -> None:
        assert assessed(rdap(domain="xn--bcher-kva.de"), domain="mail.Bücher.de")["domain"] == "xn--bcher-kva.de"

    def test_under_a_private_suffix_the_registry_of_the_top_level_knows_nothing(self) -> None:
        nothing = rdap_404(url="https://rdap.verisign.com/com/v1/domain/victim.uk.com")
        found = assessed(nothing, nxdomain(), domain="mail.victim.uk.com")
        assert (found["domain"], found["recommendation"]) == ("victim.uk.com", "watch")

    def test_a_reply_about_another_domain_is_an_error(self) -> None:
        found = assessed(
            fastly("inactive", domain="other.com"), rdap("pending delete", domain="other.com"), nxdomain()
        )
        assert (found["phase"], found["recommendation"]) == ("unknown", "watch")


HOSTILE = [
    "\x00" * 2000,
    "<script>alert(1)</script>",
    "{" * 5000,
    "[" * 5000,
    "1e999",
    '{"domain": "example.com", "status": 5}',
    '{"status": [null]}',
    '{"ldhName": "example.com", "events": [{"eventAction": [], "eventDate": {}}], "status": {"a": 1}}',
    '{"ldhName": "example.com", "events": [{"eventAction": "registration", "eventDate": "0001-01-01T00:00:00-14:00"}]}',
    '{"delegation": {"rcode": ["NXDOMAIN"], "ns": 7}, "mx": [[1]], "ds": "yes"}',
    '{"delegation": {"rcode": "NXDOMAIN", "ns": ["ns1.hosting.net"]}}',
    '{"delegation": null}',
    "\ud800 lone surrogate",
    "Domain Name: EXAMPLE.COM\n" + "x: " * 30000,
    "No match for example.com\nlimit exceeded, try again later",
]


class TestHostileInput:
    @pytest.mark.parametrize("body", HOSTILE)
    @pytest.mark.parametrize("provider", ["fastly", "domainr", "rdap", "whois", "dns"])
    def test_a_hostile_body_is_an_error_and_never_a_lapse(self, provider: str, body: str) -> None:
        status = None if provider in {"whois", "dns"} else 200
        found = assessed(reply(provider, 0, body, status), nxdomain(ago=0.5))
        assert found["recommendation"] in {"none", "watch"}
        assert json.dumps(found)

    def test_texts_in_reasons_are_bounded_and_printable(self) -> None:
        found = assessed(rdap("\u202eactive" + "x" * 5000, registrar="<b>\n" + "y" * 9000))
        assert all(len(reason) < 400 and reason.isprintable() for reason in found["reasons"])

    def test_what_is_dated_after_now_is_not_weighed(self) -> None:
        found = assessed(rdap(), rdap_404(ago=-2), nxdomain(ago=-2))
        assert (found["phase"], found["recommendation"]) == ("active", "none")
        assert any("dated after" in reason for reason in found["reasons"])

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(["fastly", "domainr", "rdap", "whois", "dns"]),
        st.none()
        | st.text(max_size=200)
        | st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
        st.sampled_from([None, 0, 100, 200, 301, 400, 404, 429, 500, 99999]),
    )
    def test_any_bytes_end_in_an_answer(self, provider: str, body: str | None, status: int | None) -> None:
        found = assessed(reply(provider, 0, body, status))
        assert found["recommendation"] in {"none", "watch", "review"}


def test_the_order_of_replies_and_addresses_means_nothing() -> None:
    replies = [
        *sold_by_registrar(),
        rdap_404(ago=20),
        fastly("unknown"),
        fastly("inactive", ago=3),
        dns(),
        nxdomain(ago=3),
    ]
    addresses = [address(400, ident=1), address(None, ident=2), address(3, first=90, ident=3)]
    expected = assessed(*replies, addresses=addresses)
    for seed in range(20):
        shuffled = random.Random(seed).sample(replies, len(replies))
        assert assessed(*shuffled, addresses=addresses) == expected


def test_documents_are_independent_of_each_other() -> None:
    text = json.dumps(document(rdap_404(), nxdomain()))
    assert assess_document(read_document(text)) == assess_document(read_document(text.encode()))

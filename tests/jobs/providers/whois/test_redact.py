from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.providers.whois.parse import parse_whois
from jobs.providers.whois.redact import redacted, redacted_answer
from tests.jobs.providers.helpers import NOW

REPLY = """\
% Terms of use: write to office@directory.test
domain:      brelwick.zz
status:      ok
created:     2019-02-03
registrar:   Northgrid Names
nserver:     ns1.brelwick-dns.net
person:      Maren Holt
e-mail:      maren@brelwick.test
phone:       +44 20 7946 0000
favourite:   blue
% Registrant: Maren Holt

Registrant:
   Maren Holt
   12 Mill Lane
   Name: Maren Holt

Owner address
12 Mill Lane, Torvale

Name servers:
   ns2.brelwick-dns.net
"""


def test_the_registration_is_kept_and_the_persons_are_not() -> None:
    kept = redacted(REPLY).decode()
    for wanted in (
        "brelwick.zz",
        "ok",
        "2019-02-03",
        "Northgrid Names",
        "ns1.brelwick-dns.net",
        "ns2.brelwick-dns.net",
    ):
        assert wanted in kept
    for gone in ("Maren", "Mill Lane", "maren@", "office@", "7946", "blue"):
        assert gone not in kept
    assert "person: [redacted]" in kept


def test_an_answer_without_a_registration_loses_addresses_only() -> None:
    kept = redacted_answer("No match for brelwick.zz\nAsk office@directory.test, +44 20 7946 0000").decode()
    assert kept == "No match for brelwick.zz\nAsk [redacted], [redacted]"


@pytest.mark.parametrize(
    "label", ["Registrant Name", "Admin Email", "Tech Phone", "holder", "org", "descr", "remarks", "address"]
)
@settings(deadline=None)
@given(value=st.from_regex(r"[A-Za-z]{8,20}", fullmatch=True))
def test_no_contact_field_keeps_its_value(label: str, value: str) -> None:
    assert value not in redacted(f"domain: brelwick.zz\n{label}: {value}\ncreated: 2019-02-03\n").decode()


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text: str) -> None:
    assert isinstance(redacted(text), bytes)


@pytest.mark.parametrize(
    "text", ["a" * 65_000, "a@" * 32_000, "+1 " * 21_000, "x" + ". " * 32_000, ("limit " * 26 + "\n\n") * 400]
)
def test_hostile_text_costs_little_processor_time(text: str) -> None:
    started = time.process_time()
    redacted_answer(text)
    redacted(text)
    parse_whois(text, "brelwick.zz", NOW)
    assert time.process_time() - started < 2.0

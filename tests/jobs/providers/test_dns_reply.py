"""Replies read by hand, against the library's own reading of the same bytes."""

from __future__ import annotations

import contextlib

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rrset
import pytest
from dns.rdatatype import MX, NS, SOA, A
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers.dns_reply import DnsReply, Record, parse_reply
from jobs.providers.errors import Malformed
from tests.jobs.providers.helpers import dns_reply

QUERY = dns.message.make_query("Example.com", "MX")


def test_names_preferences_and_owners_are_read_lower_case_and_without_the_final_dot() -> None:
    reply = parse_reply(dns_reply(QUERY, "NS NS1.Host.net.", "MX 10 mail.example.com.", "MX 0 .", "A 192.0.2.1"))
    assert reply == DnsReply(
        rcode=0,
        answered=True,
        records=(
            Record("example.com", NS, "ns1.host.net"),
            Record("example.com", MX, "mail.example.com", 10),
            Record("example.com", MX, "."),
            Record("example.com", A, "192.0.2.1"),
        ),
    )


def test_the_rcode_has_its_upper_bits_from_the_opt_record() -> None:
    message = dns.message.make_response(QUERY)
    message.use_edns(0)
    message.set_rcode(dns.rcode.BADVERS)
    assert parse_reply(message.to_wire()).rcode == 16


def test_a_record_of_another_class_is_an_answer_but_no_record() -> None:
    message = dns.message.make_response(QUERY)
    message.answer.append(dns.rrset.from_text("example.com.", 60, "CH", "TXT", "x"))
    assert parse_reply(message.to_wire()) == DnsReply(0, answered=True, records=())


def test_authority_and_additional_records_are_no_answer() -> None:
    message = dns.message.make_response(QUERY)
    message.authority.append(dns.rrset.from_text("com.", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))
    message.additional.append(dns.rrset.from_text("ns.com.", 60, "IN", "A", "192.0.2.1"))
    reply = parse_reply(message.to_wire())
    assert (reply.answered, reply.records, reply.authority) == (False, (), (Record("com", SOA),))


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_reply_cut_off_anywhere_is_malformed(cut: int) -> None:
    whole = dns_reply(QUERY, "MX 10 mail.example.net.", "NS ns1.host.net.")
    with pytest.raises(Malformed):
        parse_reply(whole[:-cut])


def test_a_name_that_points_forward_or_at_itself_is_malformed() -> None:
    head = b"\0\0\x80\0" + b"\0\1\0\1\0\0\0\0" + b"\1a\0\0\2\0\1"
    for pointer in (b"\xc0\x13", b"\xc0\x20"):
        with pytest.raises(Malformed):
            parse_reply(head + pointer + b"\0\2\0\1\0\0\0\0\0\2\xc0\x0c" + b"\0" * 20)


@given(st.integers(0, 90), st.binary(max_size=6))
def test_whatever_is_read_of_a_damaged_reply_is_what_the_library_reads(where: int, damage: bytes) -> None:
    whole = dns_reply(QUERY, "MX 10 mail.example.net.", "NS ns1.host.net.", "NS ns2.host.net.")
    wire = whole[:where] + damage + whole[where + len(damage) :]
    with contextlib.suppress(dns.exception.DNSException, ValueError):
        known = dns.message.from_wire(wire, ignore_trailing=True)
        reply = parse_reply(wire)
        if known.flags & dns.flags.TC or known.opcode():
            return
        assert reply.rcode == known.rcode()
        assert {r.host for r in reply.records if r.kind == MX} == hosts(known, MX)
        assert {r.host for r in reply.records if r.kind == NS} == hosts(known, NS)


def hosts(message: dns.message.Message, kind: dns.rdatatype.RdataType) -> set[str]:
    field = "exchange" if kind is MX else "target"
    return {
        getattr(record, field).to_text(omit_final_dot=True).lower()
        for rrset in message.answer
        if rrset.rdtype == kind and rrset.rdclass == dns.rdataclass.IN
        for record in rrset
    }


HEADER = b"\0\x01\x84\0\0\0\0\x01\0\0\0\0"


def test_a_chain_of_pointers_that_is_longer_than_a_name_is_malformed() -> None:
    # Each leads to the one before it, as they must; it only takes thousands of steps to read every name.
    start, links = 12 + 11, 900
    chain = b"\0" + b"".join((0xC000 | start + max(2 * n - 1, 0)).to_bytes(2, "big") for n in range(links))
    hidden = b"\0\0\x63\0\x01\0\0\0\0" + len(chain).to_bytes(2, "big") + chain
    owner = (0xC000 | start + 2 * links - 1).to_bytes(2, "big")
    wire = b"\0\x01\x84\0\0\0\0\x02\0\0\0\0" + hidden + owner + b"\0\x01\0\x01\0\0\0\0\0\x04\0\0\0\0"
    with pytest.raises(Malformed):
        parse_reply(wire)
    short = (0xC000 | start + 19).to_bytes(2, "big")
    assert parse_reply(wire.replace(owner + b"\0\x01\0\x01", short + b"\0\x01\0\x01")).records[1].owner == "."


def test_pointers_in_a_circle_are_malformed() -> None:
    with pytest.raises(Malformed):
        parse_reply(HEADER + b"\xc0\x0c\0\x02\0\x01\0\0\0\0\0\0")


def test_more_records_than_any_reply_has_are_malformed() -> None:
    record = b"\0\0\x01\0\x02\0\0\0\0\0\0"
    header = b"\0\x01\x84\0\0\0\x0b\xb8\0\0\0\0"
    with pytest.raises(Malformed):
        parse_reply(header + record * 3000)


def test_a_name_of_127_labels_is_read() -> None:
    name = ".".join("a" * 126)
    message = dns.message.make_response(QUERY)
    message.answer.append(dns.rrset.from_text("example.com.", 60, "IN", "NS", f"{name}."))
    assert parse_reply(message.to_wire()).records == (Record("example.com", NS, name),)

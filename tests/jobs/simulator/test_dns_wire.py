from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
from hypothesis import given
from hypothesis import strategies as st

from jobs.simulator import dns_wire as wire
from jobs.simulator.clock import SimulatedClock
from jobs.simulator.faults import FaultTable
from jobs.simulator.resolver import Resolver
from jobs.simulator.workings import Workings
from jobs.simulator.world import World
from tests.jobs.simulator.helpers import day, make_spec

RESOLVER = Resolver(Workings(World([make_spec()]), SimulatedClock.standing(day(-1)), FaultTable()))


def test_a_query_is_read_as_dnspython_writes_it() -> None:
    query = dns.message.make_query("Mail.Example.COM", "MX", use_edns=0)
    question = wire.parse(query.to_wire())

    assert question is not None
    assert (question.id, question.name, question.type, question.edns) == (query.id, "mail.example.com", 15, True)


@given(st.binary(max_size=600))
def test_whatever_arrives_is_answered_in_dns_or_not_at_all(query: bytes) -> None:
    reply, _ = RESOLVER.answer(query, tcp=False)

    assert reply is not None
    assert reply[:2] == query[:2].ljust(2, b"\0")


@given(
    st.lists(st.binary(min_size=1, max_size=63), max_size=3), st.sampled_from(["A", "NS", "MX", "DS", "TXT", "SOA"])
)
def test_any_name_gets_a_reply_that_dnspython_reads(labels: list[bytes], kind: str) -> None:
    query = dns.message.make_query(dns.name.Name([*labels, b"com", b""]), kind)
    wired, _ = RESOLVER.answer(query.to_wire(), tcp=False)

    assert wired is not None
    assert query.is_response(dns.message.from_wire(wired))


def test_compressed_questions_are_malformed() -> None:
    query = bytearray(dns.message.make_query("a.com", "A").to_wire())
    query[12] = 0xC0

    reply, _ = RESOLVER.answer(bytes(query), tcp=False)

    assert dns.message.from_wire(reply or b"").rcode() == dns.rcode.FORMERR

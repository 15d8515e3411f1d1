"""Delegation asked of the zone above: real sockets, a resolver and two of the zone's servers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lifecycle.evidence import Delegation, Outcome, Phase, Rcode
from jobs.evidence.delegation import read_delegation
from jobs.providers import errors
from jobs.providers.base import Reply
from jobs.providers.dns import DnsLookUp
from jobs.providers.dns_cache import KeptZone, RedisCache, _read
from jobs.providers.dns_client import DnsClient
from jobs.providers.dns_parent import FAILURES, Parents, ParentWord, _word
from jobs.providers.dns_reply import DnsReply, Record, parse_reply
from tests.jobs.providers.helpers import NOW, PATIENCE, SHORT, DnsAnswer, dns_reply, dns_server, kind_of

T = TypeVar("T")
NAME = "example.com"
HERE = ("127.0.0.1", "127.0.0.2")
CHILD = ("ns1.host.net.", "ns2.host.net.")


def message(query: dns.message.Message, rcode: int = 0, *, of_zone: bool = False, **sections: list[str]) -> bytes:
    """Answer with records such as `example.com. NS ns1.host.net.` by section."""
    reply = dns.message.make_response(query)
    reply.set_rcode(rcode)  # type: ignore[arg-type]
    if of_zone:
        reply.flags |= dns.flags.AA
    for section, records in sections.items():
        for record in records:
            owner, kind, data = record.split(" ", 2)
            getattr(reply, section).append(dns.rrset.from_text(owner, 60, "IN", kind, data))
    return reply.to_wire()


SOA = "com. SOA a.com. b.com. 1 2 3 4 5"
REFERRAL = [f"example.com. NS {host}" for host in CHILD]


def refers(query: dns.message.Message) -> bytes:
    """What a healthy server of com. says: a referral with glue, no DS."""
    if kind_of(query) == "DS":
        return message(query, of_zone=True, authority=[SOA])
    return message(query, authority=REFERRAL, additional=["ns1.host.net. A 10.0.0.1"])


def signed(query: dns.message.Message) -> bytes:
    digest = "ab" * 32
    if kind_of(query) == "DS":
        return message(query, of_zone=True, answer=[f"example.com. DS 12345 13 2 {digest}"])
    return refers(query)


def gone(query: dns.message.Message) -> bytes:
    return message(query, dns.rcode.NXDOMAIN, of_zone=True, authority=[SOA])


def without_servers(query: dns.message.Message) -> bytes:
    return message(query, of_zone=True, authority=[SOA])


def silent(_: dns.message.Message) -> None:
    return None


def upward(query: dns.message.Message) -> bytes:
    return message(query, authority=[". NS a.root-servers.net."])


def unfounded(query: dns.message.Message) -> bytes:
    return message(query, dns.rcode.NXDOMAIN, authority=[SOA])


def of_another_zone(query: dns.message.Message) -> bytes:
    return message(query, dns.rcode.NXDOMAIN, of_zone=True, authority=["org. SOA a.org. b.org. 1 2 3 4 5"])


def code(rcode: int) -> DnsAnswer:
    return lambda query: message(query, rcode)


@dataclass
class World:
    """What resolver and servers are told to say; `asked` counts the resolver's questions."""

    servers: tuple[DnsAnswer, ...] = (refers,)
    child: tuple[str, ...] = CHILD
    mx: tuple[str, ...] = ("MX 10 mail.host.net.",)
    mail_rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    zones: tuple[str, ...] = ("com.",)
    addresses: tuple[str, ...] = HERE
    tcp: DnsAnswer | None = None
    allowed: bool = True
    timeout: float = PATIENCE
    asked: Counter[str] = field(default_factory=Counter)

    def resolve(self, query: dns.message.Message) -> bytes:
        name, kind = str(query.question[0].name).lower(), kind_of(query)
        self.asked[f"{name} {kind}"] += 1
        if kind == "NS" and name in self.zones:
            return dns_reply(query, *(f"NS {host}.servers.net." for host in "ab"[: len(self.servers)]))
        if kind == "A" and name.endswith(".servers.net."):
            return dns_reply(query, f"A {self.addresses['ab'.index(name[0])]}")
        if kind == "NS" and name == f"{NAME}.":
            return dns_reply(query, *(f"NS {host}" for host in self.child))
        if self.mail_rcode != dns.rcode.NOERROR and kind in {"MX", "A", "AAAA"}:
            return message(query, self.mail_rcode)
        return dns_reply(query, *(self.mx if kind == "MX" else ()))

    def run(self, story: Callable[[DnsLookUp], Awaitable[T]]) -> T:
        async def inside() -> T:
            async with AsyncExitStack() as stack:
                port = 0
                for host, answer in zip(HERE, self.servers, strict=False):
                    port = await stack.enter_async_context(dns_server(answer, self.tcp, (host, port)))
                resolver = await stack.enter_async_context(dns_server(self.resolve))
                client = await stack.enter_async_context(DnsClient("127.0.0.1", resolver, self.timeout))
                allowed = frozenset((host, port) for host in HERE) if self.allowed else frozenset()
                parents = Parents(client, allowed, self.timeout, port=port)
                return await story(DnsLookUp(client, await stack.enter_async_context(parents)))

        return asyncio.run(inside())

    def look_up(self, name: str = NAME) -> Reply:
        return self.run(lambda look_up: look_up.look_up(name, NOW))


def by(reply: Reply) -> str:
    """Whom the reading says it is from, which its `server` must bear out."""
    told: str = json.loads(reply.raw or b"")["delegation"]["by"]
    assert (reply.evidence.server == "com.") is (told == "parent")
    return told


def test_a_referral_is_the_delegation_and_glue_is_nothing() -> None:
    world = World()
    reply = world.look_up()
    evidence = reply.evidence
    assert by(reply) == "parent"
    assert (evidence.outcome, evidence.phase) == (Outcome.FOUND, Phase.ACTIVE)
    assert evidence.nameservers == ("ns1.host.net", "ns2.host.net")
    assert evidence.delegation == Delegation(Rcode.NOERROR, ((10, "mail.host.net"),), ds=False)
    assert "example.com. NS" not in world.asked


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
def test_a_lame_name_is_delegated_all_the_same_and_its_mail_is_unknown(rcode: dns.rcode.Rcode) -> None:
    """None of its name servers answers, which the resolver tells as SERVFAIL or REFUSED; the zone above knows."""
    reply = World(mail_rcode=rcode).look_up()
    evidence = reply.evidence
    assert by(reply) == "parent"
    assert (evidence.outcome, evidence.phase) == (Outcome.FOUND, Phase.ACTIVE)
    assert evidence.nameservers == ("ns1.host.net", "ns2.host.net")
    assert evidence.delegation == Delegation(Rcode.NOERROR, (), None, ds=False)
    assert not evidence.delegation.knows_mail
    again = read_delegation(reply.raw or b"", NAME, NOW)
    assert (again.outcome, again.nameservers, again.delegation) == (
        evidence.outcome,
        evidence.nameservers,
        evidence.delegation,
    )


def test_without_a_delegation_trouble_with_mail_stays_an_error() -> None:
    with pytest.raises(errors.ServerError):
        World(servers=(without_servers,), mail_rcode=dns.rcode.SERVFAIL).look_up()


def test_a_ds_record_is_asked_of_the_zone_above_too() -> None:
    delegation = World(servers=(signed,)).look_up().evidence.delegation
    assert delegation is not None
    assert delegation.ds is True


def test_the_zone_aboves_no_counts_though_the_resolver_remembers_the_mail_hosts() -> None:
    reply = World(servers=(gone,)).look_up()
    assert by(reply) == "parent"
    assert (reply.evidence.outcome, reply.evidence.phase) == (Outcome.NOT_FOUND, Phase.AVAILABLE)
    assert reply.evidence.delegation == Delegation(Rcode.NXDOMAIN)


def test_no_error_without_name_servers_is_kept_apart() -> None:
    reply = World(servers=(without_servers,)).look_up()
    assert by(reply) == "parent"
    assert (reply.evidence.outcome, reply.evidence.phase) == (Outcome.FOUND, Phase.UNKNOWN)
    assert reply.evidence.nameservers == ()


@pytest.mark.parametrize(
    ("rcode", "error"),
    [
        (dns.rcode.SERVFAIL, errors.ServerError),
        (dns.rcode.REFUSED, errors.Refused),
        (dns.rcode.NOTIMP, errors.Unsupported),
    ],
)
def test_what_all_servers_answer_wrongly_is_an_error_that_names_them(rcode: int, error: Any) -> None:
    with pytest.raises(error) as caught:
        World(servers=(code(rcode), code(rcode))).look_up()
    assert caught.value.detail.startswith(dns.rcode.to_text(dns.rcode.Rcode.make(rcode)))
    assert caught.value.server == "com."


@pytest.mark.parametrize(
    "bad",
    [code(dns.rcode.SERVFAIL), code(dns.rcode.REFUSED), code(dns.rcode.FORMERR), upward, unfounded, of_another_zone],
)
def test_one_bad_server_is_made_up_for_by_the_other(bad: DnsAnswer) -> None:
    for _ in range(4):  # in random order
        assert by(World(servers=(bad, refers)).look_up()) == "parent"


def test_one_silent_server_is_made_up_for_by_the_other() -> None:
    assert by(World(servers=(silent, gone), timeout=SHORT).look_up()) == "parent"


@pytest.mark.parametrize("lame", [upward, unfounded, of_another_zone, code(dns.rcode.FORMERR)])
def test_servers_that_are_not_responsible_leave_the_question_to_the_resolver(lame: DnsAnswer) -> None:
    reply = World(servers=(lame, lame)).look_up()
    assert by(reply) == "resolver"
    assert (reply.evidence.outcome, reply.evidence.nameservers) == (Outcome.FOUND, ("ns1.host.net", "ns2.host.net"))
    assert reply.evidence.delegation == Delegation(Rcode.NOERROR, ((10, "mail.host.net"),), ds=None)


def test_silence_of_the_zone_above_leaves_the_question_to_the_resolver_and_is_not_waited_for_again() -> None:
    asked: list[str] = []

    def hears(query: dns.message.Message) -> None:
        asked.append(kind_of(query))

    async def ask(look_up: DnsLookUp) -> list[Reply]:
        return [await look_up.look_up(NAME, NOW) for _ in range(FAILURES + 3)]

    world = World(servers=(hears,), timeout=SHORT)
    assert {by(reply) for reply in world.run(ask)} == {"resolver"}
    assert asked.count("NS") == FAILURES


def test_a_zone_above_whose_servers_are_not_public_is_never_asked() -> None:
    asked: list[str] = []

    def hears(query: dns.message.Message) -> bytes:
        asked.append(kind_of(query))
        return gone(query)

    assert by(World(servers=(hears,), allowed=False).look_up()) == "resolver"
    assert asked == []


def test_the_zone_and_its_servers_are_looked_up_once_however_many_names_are_asked() -> None:
    async def ask(look_up: DnsLookUp) -> None:
        await asyncio.gather(*(look_up.look_up(NAME, NOW) for _ in range(20)))

    world = World(servers=(refers, refers))
    world.run(ask)
    assert world.asked["com. NS"] == 1
    assert world.asked["a.servers.net. A"] == world.asked["b.servers.net. A"] == 1
    assert world.asked["example.com. MX"] == 20


def test_a_suffix_that_is_no_zone_of_its_own_belongs_to_the_one_above() -> None:
    def answers(query: dns.message.Message) -> bytes:
        return message(query, authority=["example.co.uk. NS ns.host.net."])

    world = World(servers=(answers,), zones=("uk.",))
    evidence = world.look_up("example.co.uk").evidence
    assert (evidence.server, evidence.nameservers) == ("uk.", ("ns.host.net",))


def test_a_reply_cut_short_is_asked_for_over_tcp() -> None:
    def cut(query: dns.message.Message) -> bytes:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    assert World(servers=(cut,), tcp=refers).look_up().evidence.nameservers == ("ns1.host.net", "ns2.host.net")


def test_a_zone_above_that_is_nowhere_to_be_found_leaves_the_question_to_the_resolver() -> None:
    assert by(World(zones=()).look_up()) == "resolver"


records = st.builds(
    Record,
    owner=st.sampled_from([NAME, "com", ".", "other.org"]),
    kind=st.sampled_from([2, 5, 6, 15, 43, 99]),
    host=st.sampled_from(["ns.host.net", ".", "x" * 300]),
)
replies = st.builds(
    DnsReply,
    rcode=st.integers(0, 4095),
    answered=st.booleans(),
    records=st.lists(records, max_size=3).map(tuple),
    authority=st.lists(records, max_size=3).map(tuple),
    authoritative=st.booleans(),
)


@given(replies, st.none() | replies)
def test_any_reply_is_a_word_or_a_typed_error(ns: DnsReply, ds: DnsReply | None) -> None:
    with contextlib.suppress(errors.ProviderError):
        word = _word("com", NAME, ns, ds)
        assert isinstance(word, ParentWord)
        assert word.rcode is not Rcode.NXDOMAIN or ns.authoritative


@given(st.binary(max_size=60), st.integers(0, 70))
def test_any_damage_to_a_referral_is_a_word_or_a_typed_error(damage: bytes, where: int) -> None:
    good = refers(dns.message.make_query(NAME, "NS"))
    with contextlib.suppress(errors.ProviderError):
        _word("com", NAME, parse_reply(good[:where] + damage + good[where + len(damage) :]), None)


@given(st.binary(max_size=80) | st.lists(st.text() | st.integers()).map(lambda v: json.dumps(v).encode()))
def test_whatever_redis_holds_is_read_or_ignored(value: bytes) -> None:
    kept = _read(value)
    assert kept is None or isinstance(kept, KeptZone)


def test_what_one_job_found_out_another_one_remembers(empty_valkey_url: str) -> None:
    async def inside() -> tuple[KeptZone | None, KeptZone | None]:
        first, second = RedisCache(empty_valkey_url), RedisCache(empty_valkey_url)
        await first.put("com", KeptZone("com", ("192.0.2.1", "2001:db8::1")), 60)
        found = await second.get("com"), await second.get("net")
        await first.aclose()
        await second.aclose()
        return found

    assert asyncio.run(inside()) == (KeptZone("com", ("192.0.2.1", "2001:db8::1")), None)


def test_without_redis_nothing_is_remembered_and_nobody_is_held_up(tmp_path: Any) -> None:
    async def inside() -> list[KeptZone | None]:
        cache = RedisCache(f"unix://{tmp_path}/none")
        await cache.put("com", KeptZone("com", ("192.0.2.1",)), 60)
        found = [await cache.get("com") for _ in range(2)]
        await cache.aclose()
        return found

    assert asyncio.run(inside()) == [None, None]


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.binary(min_size=12, max_size=12))
def test_whatever_a_zones_server_sends_there_is_evidence_or_a_typed_error(tail: bytes, head: bytes) -> None:
    def garbage(query: dns.message.Message) -> bytes:
        asked = query.to_wire()
        question = asked[12 : 12 + len(query.question[0].name.to_wire() or b"") + 4]
        # The id, the response bit and the question are right, so that it is read; nothing else is.
        return asked[:2] + bytes([head[2] | 0x80]) + head[3:4] + b"\0\1" + head[6:] + question + tail

    with contextlib.suppress(errors.ProviderError):
        evidence = World(servers=(garbage,), timeout=0.1).look_up().evidence
        assert evidence.outcome in {Outcome.FOUND, Outcome.NOT_FOUND}

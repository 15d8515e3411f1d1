from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import dns.message
import pytest
from dns.rdatatype import MX, NS, A
from hypothesis import given
from hypothesis import strategies as st

from jobs.providers import errors
from jobs.providers.dns_client import DnsClient, _answers, _Channel, _decoded
from jobs.providers.dns_reply import DnsReply, Record
from tests.jobs.providers.helpers import PATIENCE, DnsAnswer, dns_reply, dns_server
from tests.support.ports import free_port

NS_RECORD = "NS ns1.host.net."


def run(
    answer: DnsAnswer,
    ask: Callable[[DnsClient], Awaitable[object]],
    tcp: DnsAnswer | None = None,
    timeout: float = PATIENCE,
) -> Any:
    async def inside() -> object:
        async with dns_server(answer, tcp) as port, DnsClient("127.0.0.1", port, timeout) as client:
            return await ask(client)

    return asyncio.run(inside())


def test_hundreds_of_queries_share_few_sockets_and_each_gets_its_own_answer() -> Any:
    peers: set[object] = set()

    def answer(query: dns.message.Message) -> bytes:
        return dns_reply(query, f"NS ns.{query.question[0].name}")

    async def ask(client: DnsClient) -> list[bool]:
        async def one(number: int) -> bool:
            message = await client.query(f"name{number}.com", NS)
            return message.records == (Record(f"name{number}.com", NS, f"ns.name{number}.com"),)

        outcomes = await asyncio.gather(*(one(n) for n in range(300)))
        peers.update(
            channel._transport.get_extra_info("sockname") for channel in client._channels if channel._transport
        )
        return list(outcomes)

    assert all(run(answer, ask))
    assert len(peers) == 8


def test_a_reply_with_another_id_or_question_is_dropped_and_the_right_one_believed() -> Any:
    def forged(query: dns.message.Message) -> list[bytes]:
        other_id = dns.message.from_wire(query.to_wire())
        other_id.id ^= 1
        other_name = dns.message.make_query("other.com", "NS", id=query.id)
        other_type = dns.message.make_query(query.question[0].name, "MX", id=query.id)
        return [
            dns_reply(other_id, "NS evil.net."),
            dns_reply(other_name, "NS evil.net."),
            dns_reply(other_type),
            query.to_wire(),
        ]

    async def inside() -> str:
        loop = asyncio.get_running_loop()

        class Liar(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: Any, addr: Any) -> None:
                query = dns.message.from_wire(data)
                for reply in [b"", b"\0", *forged(query), dns_reply(query, NS_RECORD)]:
                    self.transport.sendto(reply, addr)

        transport, _ = await loop.create_datagram_endpoint(Liar, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        async with DnsClient("127.0.0.1", port, PATIENCE) as client:
            message = await client.query("example.com", NS)
        transport.close()
        return message.records[0].host

    assert asyncio.run(inside()) == "ns1.host.net"


def test_a_reply_from_another_address_never_arrives() -> None:
    async def inside() -> None:
        loop = asyncio.get_running_loop()

        class Relay(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: Any, addr: Any) -> None:
                stranger.sendto(dns_reply(dns.message.from_wire(data), NS_RECORD), addr)

        stranger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
        transport, _ = await loop.create_datagram_endpoint(Relay, local_addr=("127.0.0.1", 0))
        async with DnsClient("127.0.0.1", transport.get_extra_info("sockname")[1], 0.1) as client:
            with pytest.raises(errors.Timeout):
                await client.query("example.com", NS)
        transport.close()
        stranger.close()

    asyncio.run(inside())


def truncated(query: dns.message.Message) -> bytes:
    message = dns.message.make_response(query)
    message.flags |= dns.flags.TC
    return message.to_wire()


def test_a_truncated_reply_is_asked_for_over_tcp() -> None:
    records = [f"MX {n} mail{n}.example.net." for n in range(200)]
    message = run(truncated, lambda client: client.query("example.com", MX), tcp=lambda q: dns_reply(q, *records))
    assert isinstance(message, DnsReply)
    assert len(message.records) == 200


@pytest.mark.parametrize(
    ("tcp", "expected"),
    [
        (lambda _: None, errors.ConnectionFailed),
        (lambda _: b"\0" * 11, errors.Malformed),
        (lambda _: dns_reply(dns.message.make_query("other.com", "MX")), errors.Malformed),
    ],
)
def test_tcp_answers_are_held_to_the_question_too(tcp: DnsAnswer, expected: Any) -> None:
    with pytest.raises(expected):
        run(truncated, lambda client: client.query("example.com", MX), tcp=tcp)


def test_silence_is_a_time_out_that_names_the_resolver() -> None:
    with pytest.raises(errors.Timeout) as caught:
        run(lambda _: None, lambda client: client.query("example.com", NS), timeout=0.05)
    assert caught.value.detail.startswith("TIMEOUT")
    assert (caught.value.server or "").startswith("127.0.0.1:")


def test_a_resolver_that_is_not_there_is_a_failed_connection() -> None:
    async def inside() -> None:
        async with DnsClient("127.0.0.1", free_port(), PATIENCE) as client:
            with pytest.raises(errors.ConnectionFailed):
                await client.query("example.com", NS)

    asyncio.run(inside())


def test_a_reply_that_cannot_be_decoded_is_malformed() -> Any:
    def garbled(query: dns.message.Message) -> bytes:
        return dns_reply(query, NS_RECORD)[:-5]

    with pytest.raises(errors.Malformed):
        run(garbled, lambda client: client.query("example.com", NS))


@pytest.mark.parametrize("name", ["a" * 64 + ".com", "a..com"])
def test_a_name_that_dns_cannot_carry_is_not_asked(name: str) -> None:
    with pytest.raises(errors.Unsupported):
        run(lambda _: None, lambda client: client.query(name, A))


def decoded_or_malformed(wire: bytes) -> None:
    with contextlib.suppress(errors.ProviderError):
        _decoded(wire)


@given(st.binary(max_size=300))
def test_any_datagram_is_decoded_or_malformed(wire: bytes) -> None:
    decoded_or_malformed(wire)


@given(st.integers(0, 60), st.binary(min_size=1, max_size=20))
def test_any_damage_to_a_good_reply_is_decoded_or_malformed(where: int, damage: bytes) -> None:
    query = dns.message.make_query("example.com", "MX")
    good = dns_reply(query, "MX 10 mail.example.net.", "NS ns1.host.net.", "A 192.0.2.1")
    decoded_or_malformed(good[:where] + damage + good[where + len(damage) :])


@given(st.binary(max_size=80))
def test_any_datagram_is_harmless_to_a_socket_that_waits(data: Any) -> None:
    _Channel().datagram_received(data, None)
    assert not _answers(data[:11], b"\x07example\x03com\x00\x00\x02\x00\x01")

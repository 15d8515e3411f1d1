"""The simulated servers of the zones above domains, asked over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import pytest

from jobs.simulator.faults import Fault, Mode, Provider
from jobs.simulator.specs import Breakage, Story, Trouble
from tests.jobs.simulator.helpers import OWNER, Client, day, make_spec, talk

STEADY = make_spec("steady.com", Story.STEADY)
SIGNED = make_spec("signed.com", Story.STEADY, holder=replace(OWNER, signed=True))
LAPSING = make_spec("lapsing.co.uk")


def texts(section: list[dns.rrset.RRset]) -> list[str]:
    return [f"{rrset.name} {record.to_text()}" for rrset in section for record in rrset]


def is_of_zone(reply: dns.message.Message) -> bool:
    return bool(reply.flags & dns.flags.AA)


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("name", ["steady.com", "www.Steady.com"])
def test_a_name_is_referred_to_its_own_servers(name: str, *, tcp: bool) -> None:
    reply = talk(lambda client: client.parent(name, "NS", tcp=tcp), STEADY)
    assert (reply.rcode(), is_of_zone(reply), reply.answer) == (dns.rcode.NOERROR, False, [])
    assert texts(reply.authority) == [f"steady.com. {host}." for host in OWNER.ns]


def test_ds_records_are_the_zone_aboves_to_give() -> None:
    async def ask(client: Client) -> tuple[dns.message.Message, dns.message.Message]:
        return await client.parent("signed.com", "DS"), await client.parent("steady.com", "DS")

    signed, unsigned = talk(ask, SIGNED, STEADY)
    assert is_of_zone(signed)
    assert is_of_zone(unsigned)
    assert (len(signed.answer), unsigned.answer) == (1, [])


def test_a_name_that_nobody_holds_or_that_left_the_zone_does_not_exist() -> None:
    async def ask(client: Client) -> list[dns.message.Message]:
        return [await client.parent(name, "NS") for name in ("nobody.com", "lapsing.co.uk")]

    for reply, zone in zip(talk(ask, LAPSING, at=day(50)), ("com", "co.uk"), strict=True):
        assert (reply.rcode(), is_of_zone(reply)) == (dns.rcode.NXDOMAIN, True)
        assert [str(rrset.name) for rrset in reply.authority] == [f"{zone}."]


def test_zones_name_their_own_servers_and_others_names_are_refused() -> None:
    async def ask(client: Client) -> list[dns.message.Message]:
        return [await client.parent(name, "NS") for name in (".", "com", "co.uk", "name.nowhere")]

    *zones, stranger = talk(ask, LAPSING)
    assert all(is_of_zone(zone) and len(zone.answer[0]) == 2 for zone in zones)
    assert stranger.rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("seen_as", [Breakage.SERVFAIL, Breakage.LAME, Breakage.TIMEOUT])
def test_trouble_of_a_domains_own_servers_is_none_of_the_zone_aboves(seen_as: Breakage) -> None:
    broken = make_spec("broken.com", Story.DNS_ONLY_BREAKAGE, trouble=Trouble(day(-1), 48, seen_as))
    reply = talk(lambda client: client.parent("broken.com", "NS"), broken)
    assert (reply.rcode(), len(reply.authority)) == (dns.rcode.NOERROR, 1)


@pytest.mark.parametrize(
    ("mode", "rcode", "of_zone"),
    [
        (Mode.SERVFAIL, dns.rcode.SERVFAIL, False),
        (Mode.REFUSED, dns.rcode.REFUSED, False),
        (Mode.NXDOMAIN_ALL, dns.rcode.NXDOMAIN, True),
        (Mode.NO_NS, dns.rcode.NOERROR, True),
        (Mode.LAME, dns.rcode.NOERROR, False),
    ],
)
def test_they_fail_in_every_way_while_the_resolver_works(mode: Mode, rcode: int, *, of_zone: bool) -> None:
    async def ask(client: Client) -> tuple[dns.message.Message, dns.message.Message]:
        return await client.parent("steady.com", "NS"), await client.dns("steady.com", "NS")

    broken, resolved = talk(ask, STEADY, faults=(Fault(Provider.PARENTS, mode),))
    assert (broken.rcode(), is_of_zone(broken)) == (rcode, of_zone)
    assert [str(rrset.name) for rrset in broken.authority if rrset.name != dns.name.from_text("com.")] in ([], ["."])
    assert len(resolved.answer) == 1


def test_they_can_be_silent() -> None:
    async def ask(client: Client) -> None:
        with pytest.raises(dns.exception.Timeout):
            await client.parent("steady.com", "NS", wait=0.2)

    talk(ask, STEADY, faults=(Fault(Provider.PARENTS, Mode.TIMEOUT),))


def test_a_fault_of_all_dns_is_theirs_too() -> None:
    reply = talk(
        lambda client: client.parent("steady.com", "NS"), STEADY, faults=(Fault(Provider.DNS, Mode.SERVFAIL),)
    )
    assert reply.rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize(("provider", "mode"), [(Provider.DNS, Mode.LAME), (Provider.PARENTS, Mode.HTML)])
def test_only_what_can_happen_to_them_can_be_asked_for(provider: Provider, mode: Mode) -> None:
    with pytest.raises(ValueError, match="cannot fail"):
        Fault(provider, mode)


def test_what_is_no_query_is_a_form_error() -> None:
    async def ask(client: Client) -> bytes:
        host, port = client.endpoints.parents.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\0\x03abc")
        reply = await reader.readexactly(14)
        writer.close()
        return reply

    assert talk(ask)[5] & 0xF == dns.rcode.FORMERR

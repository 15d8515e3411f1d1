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
from tests.jobs.simulator.helpers import CATCHER, OWNER, Client, day, make_spec, talk

STEADY = make_spec("steady.com", Story.STEADY)
LAPSING = make_spec("lapsing.com")
SIGNED = make_spec("signed.com", Story.STEADY, holder=replace(OWNER, signed=True))
MAILLESS = make_spec("mailless.com", Story.STEADY, holder=replace(CATCHER, mx=(".",)))
HOSTED = make_spec("hosted.com", Story.STEADY, holder=replace(CATCHER, mx=()))


def records(reply: dns.message.Message) -> list[str]:
    return [record.to_text() for rrset in reply.answer for record in rrset]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("steady.com", "NS", [f"{host}." for host in OWNER.ns]),
        ("Steady.COM", "MX", ["10 mx1.a.net.", "20 mx2.a.net."]),
        ("lists.steady.com", "MX", ["10 mx1.a.net.", "20 mx2.a.net."]),
        ("steady.com", "A", ["192.0.2.25"]),
        ("steady.com", "AAAA", []),
        ("steady.com", "DS", []),
        ("mailless.com", "MX", ["0 ."]),
        ("hosted.com", "MX", []),
        ("hosted.com", "A", ["192.0.2.25"]),
        ("www.hosted.com", "NS", []),
        ("com", "NS", ["a.zone-servers.net.", "b.zone-servers.net."]),
        ("com", "MX", []),
        ("a.zone-servers.net", "A", ["127.0.0.1"]),
        ("a.zone-servers.net", "AAAA", []),
    ],
)
def test_dns_answers_for_names_that_exist(transport: str, name: str, kind: str, expected: list[str]) -> None:
    tcp = transport == "tcp"
    reply = talk(lambda client: client.dns(name, kind, tcp=tcp), STEADY, MAILLESS, HOSTED)

    assert reply.rcode() == dns.rcode.NOERROR
    assert records(reply) == expected
    assert bool(reply.authority) is not bool(expected)


def test_signed_names_have_a_ds_and_all_apexes_an_soa() -> None:
    async def ask(client: Client) -> tuple[dns.message.Message, dns.message.Message]:
        return await client.dns("signed.com", "DS"), await client.dns("signed.com", "SOA")

    ds, soa = talk(ask, SIGNED)
    assert len(records(ds)) == 1
    assert records(soa)[0].startswith("ns.signed.com. hostmaster.signed.com. ")


@pytest.mark.parametrize(
    ("days", "rcode"), [(36, dns.rcode.NOERROR), (37, dns.rcode.NXDOMAIN), (90, dns.rcode.NXDOMAIN)]
)
def test_a_lapse_shows_in_dns_eight_days_before_deletion(days: int, rcode: dns.rcode.Rcode) -> None:
    reply = talk(lambda client: client.dns("mail.lapsing.com", "A"), LAPSING, at=day(days))

    assert reply.rcode() == rcode
    if rcode == dns.rcode.NXDOMAIN:
        assert reply.authority[0].name.to_text() == "com."


def test_names_outside_the_world_do_not_exist() -> None:
    assert talk(lambda client: client.dns("a.b.nowhere", "MX"), STEADY).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("seen_as", "rcode"),
    [
        (Breakage.SERVFAIL, dns.rcode.SERVFAIL),
        (Breakage.LAME, dns.rcode.REFUSED),
        (Breakage.NXDOMAIN, dns.rcode.NXDOMAIN),
    ],
)
def test_broken_dns_of_a_registered_name(seen_as: Breakage, rcode: dns.rcode.Rcode) -> None:
    spec = make_spec("broken.com", Story.DNS_ONLY_BREAKAGE, trouble=Trouble(day(-1), 48, seen_as))

    async def ask(client: Client) -> tuple[int, int]:
        return (await client.dns("broken.com", "NS")).rcode(), (await client.rdap("broken.com")).status_code

    assert talk(ask, spec) == (rcode, 200)


@pytest.mark.parametrize(
    ("mode", "rcode"),
    [
        (Mode.SERVFAIL, dns.rcode.SERVFAIL),
        (Mode.REFUSED, dns.rcode.REFUSED),
        (Mode.NXDOMAIN_ALL, dns.rcode.NXDOMAIN),
    ],
)
def test_dns_faults_hit_one_zone_alone(mode: Mode, rcode: dns.rcode.Rcode) -> None:
    dutch = make_spec("steady.nl", Story.STEADY)

    async def ask(client: Client) -> tuple[int, int]:
        return (await client.dns("steady.nl", "NS")).rcode(), (await client.dns("steady.com", "NS")).rcode()

    assert talk(ask, STEADY, dutch, faults=(Fault(Provider.DNS, mode, ".nl"),)) == (rcode, dns.rcode.NOERROR)


def test_a_silent_resolver() -> None:
    with pytest.raises(dns.exception.Timeout):
        talk(
            lambda client: client.dns("steady.com", "NS", wait=0.2),
            STEADY,
            faults=(Fault(Provider.DNS, Mode.TIMEOUT),),
        )


def test_a_truncated_answer_is_whole_over_tcp() -> None:
    async def ask(client: Client) -> tuple[dns.message.Message, dns.message.Message]:
        return await client.dns("steady.com", "MX"), await client.dns("steady.com", "MX", tcp=True)

    udp, tcp = talk(ask, STEADY, faults=(Fault(Provider.DNS, Mode.TRUNCATED),))
    assert udp.flags & dns.flags.TC
    assert (len(records(udp)), len(records(tcp))) == (0, 2)


def test_whois_answers_one_line_with_one_text() -> None:
    async def ask(client: Client) -> list[str]:
        return [await client.whois(query) for query in ("STEADY.com", "-T dn,ace steady.com", "nobody.com", "")]

    steady, with_options, nobody, empty = talk(ask, STEADY)
    assert "Registrar: Northgrid Names" in steady
    assert with_options == steady
    assert nobody.startswith("No match")
    assert empty.startswith("No match")


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (Mode.THROTTLED, "Query rate exceeded"),
        (Mode.BROKEN, "Internal error"),
        (Mode.HTML, "<!doctype html>"),
        (Mode.WRONG_DOMAIN, "ANOTHER-NAME.COM"),
        (Mode.AVAILABLE, "No match"),
        (Mode.TRUNCATED, "Domain Name: STEADY.COM"),
    ],
)
def test_whois_faults(mode: Mode, words: str) -> None:
    text = talk(lambda client: client.whois("steady.com"), STEADY, faults=(Fault(Provider.WHOIS, mode),))

    assert words in text
    assert "Last update" not in text or mode is Mode.WRONG_DOMAIN


def test_whois_dropped_is_empty() -> None:
    assert talk(lambda client: client.whois("steady.com"), STEADY, faults=(Fault(Provider.WHOIS, Mode.DROP),)) == ""


def test_idle_connections_do_not_hold_up_the_end() -> None:
    async def ask(client: Client) -> None:
        for endpoint in (client.endpoints.dns, client.endpoints.whois, client.endpoints.http):
            await asyncio.open_connection(*endpoint.split(":"))

    talk(ask, STEADY)

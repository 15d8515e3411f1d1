from __future__ import annotations

import asyncio
import json
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest

from dashboard.lifecycle.evidence import MAX_ITEMS, Delegation, EvidenceKind, Outcome, Phase, Rcode
from jobs.providers import errors
from jobs.providers.base import Reply
from jobs.providers.dns import DnsLookUp
from jobs.providers.dns_client import DnsClient
from tests.jobs.providers.helpers import NOW, PATIENCE, dns_reply, dns_server, kind_of


def look_up(
    zone: dict[str, list[str]], rcodes: dict[str, int] | None = None, timeout: float = PATIENCE
) -> tuple[Reply, list[str]]:
    """Ask a resolver that knows the records of one name; `rcodes` by type, -1 for silence."""
    asked: list[str] = []

    def answer(query: dns.message.Message) -> bytes | None:
        kind = kind_of(query)
        asked.append(kind)
        rcode = (rcodes or {}).get(kind, (rcodes or {}).get("*", 0))
        return None if rcode < 0 else dns_reply(query, *zone.get(kind, []), rcode=rcode)

    async def inside() -> Reply:
        async with dns_server(answer) as port, DnsClient("127.0.0.1", port, timeout) as client:
            return await DnsLookUp(client).look_up("example.com", NOW)

    return asyncio.run(inside()), sorted(asked)


WHOLE = {"NS": ["NS NS2.Host.net.", "NS ns1.host.net."], "MX": ["MX 20 b.mail.net.", "MX 10 A.mail.net."]}


def test_delegation_and_mail_hosts_are_read_with_two_queries() -> None:
    reply, asked = look_up(WHOLE)
    evidence = reply.evidence
    assert asked == ["MX", "NS"]
    assert evidence.kind is EvidenceKind.DELEGATION
    assert (evidence.outcome, evidence.phase) == (Outcome.FOUND, Phase.ACTIVE)
    assert evidence.nameservers == ("ns1.host.net", "ns2.host.net")
    assert evidence.delegation == Delegation(Rcode.NOERROR, ((10, "a.mail.net"), (20, "b.mail.net")))
    assert (evidence.server or "").startswith("127.0.0.1:")


def test_what_is_kept_is_the_content_and_stays_the_same_for_the_same_answer() -> None:
    first, second = look_up(WHOLE)[0], look_up(WHOLE)[0]
    assert first.raw_digest == second.raw_digest
    assert json.loads(first.raw or b"") == {
        "delegation": {"rcode": "NOERROR", "ns": ["ns1.host.net", "ns2.host.net"], "by": "resolver"},
        "mx": [[10, "a.mail.net"], [20, "b.mail.net"]],
        "address": False,
        "ds": None,
    }


def test_the_null_mx_stays_what_it_is() -> None:
    reply, asked = look_up({**WHOLE, "MX": ["MX 0 ."]})
    assert reply.evidence.delegation == Delegation(Rcode.NOERROR, ((0, "."),))
    assert asked == ["MX", "NS"]


@pytest.mark.parametrize("record", [{"A": ["A 192.0.2.1"]}, {"AAAA": ["AAAA 2001:db8::1"]}])
def test_without_mx_an_address_takes_the_mail(record: Any) -> None:
    reply, asked = look_up({"NS": WHOLE["NS"], **record})
    assert asked == ["A", "AAAA", "MX", "NS"]
    assert reply.evidence.delegation == Delegation(Rcode.NOERROR, has_address=True)


def test_nxdomain_is_not_found() -> None:
    reply, asked = look_up({}, {"*": dns.rcode.NXDOMAIN})
    assert (reply.evidence.outcome, reply.evidence.phase) == (Outcome.NOT_FOUND, Phase.AVAILABLE)
    assert reply.evidence.delegation == Delegation(Rcode.NXDOMAIN)
    assert asked == ["MX", "NS"]


def test_no_error_without_name_servers_is_found_and_says_so() -> None:
    evidence = look_up({})[0].evidence
    assert (evidence.outcome, evidence.phase, evidence.nameservers) == (Outcome.FOUND, Phase.UNKNOWN, ())
    assert evidence.delegation == Delegation(Rcode.NOERROR)


@pytest.mark.parametrize("kind", ["*", "NS", "MX"])
@pytest.mark.parametrize(
    ("rcode", "expected", "word"),
    [
        (dns.rcode.SERVFAIL, errors.ServerError, "SERVFAIL"),
        (dns.rcode.REFUSED, errors.Refused, "REFUSED"),
        (dns.rcode.NOTIMP, errors.Unsupported, "NOTIMP"),
        (dns.rcode.FORMERR, errors.Malformed, "FORMERR"),
        (-1, errors.Timeout, "TIMEOUT"),
    ],
)
def test_trouble_is_an_error_that_keeps_its_rcode_apart(kind: str, rcode: int, expected: Any, word: str) -> None:
    with pytest.raises(expected) as caught:
        look_up(WHOLE, {kind: rcode}, timeout=0.1 if rcode < 0 else PATIENCE)
    assert caught.value.detail.startswith(word)
    assert (caught.value.server or "").startswith("127.0.0.1:")


def test_trouble_with_mail_does_not_hide_that_the_name_is_gone() -> None:
    reply, _ = look_up({}, {"NS": dns.rcode.NXDOMAIN, "MX": dns.rcode.SERVFAIL})
    assert reply.evidence.outcome is Outcome.NOT_FOUND


def test_a_resolver_that_contradicts_itself_says_nothing() -> None:
    with pytest.raises(errors.Malformed):
        look_up({"MX": WHOLE["MX"]}, {"NS": dns.rcode.NXDOMAIN})


def test_half_an_address_answer_is_no_answer_unless_it_is_positive() -> None:
    with pytest.raises(errors.ServerError):
        look_up({"NS": WHOLE["NS"]}, {"AAAA": dns.rcode.SERVFAIL})
    reply, _ = look_up({"NS": WHOLE["NS"], "A": ["A 192.0.2.1"]}, {"AAAA": dns.rcode.SERVFAIL})
    assert reply.evidence.delegation == Delegation(Rcode.NOERROR, has_address=True)


def test_nxdomain_at_the_end_of_an_alias_is_not_about_the_asked_name() -> None:
    evidence = look_up(
        {"NS": ["CNAME gone.net."], "MX": ["CNAME gone.net."], "A": [], "AAAA": []}, {"*": dns.rcode.NXDOMAIN}
    )
    assert evidence[0].evidence.outcome is Outcome.FOUND


def test_name_servers_of_an_aliass_target_are_not_the_domains() -> Any:
    def answer(query: dns.message.Message) -> bytes:
        message = dns.message.make_response(query)
        if kind_of(query) == "NS":
            message.answer.append(dns.rrset.from_text("example.com.", 60, "IN", "CNAME", "other.net."))
            message.answer.append(dns.rrset.from_text("other.net.", 60, "IN", "NS", "ns.other.net."))
        return message.to_wire()

    async def inside() -> Reply:
        async with dns_server(answer) as port, DnsClient("127.0.0.1", port, 2.0) as client:
            return await DnsLookUp(client).look_up("example.com", NOW)

    assert asyncio.run(inside()).evidence.nameservers == ()


def test_hostile_numbers_of_records_are_bounded() -> None:
    many = {"NS": [f"NS ns{n}.host.net." for n in range(60)], "MX": [f"MX {n} m{n}.net." for n in range(60)]}
    evidence = look_up(many)[0].evidence
    assert len(evidence.nameservers) == MAX_ITEMS
    assert evidence.delegation is not None
    assert len(evidence.delegation.mx) == MAX_ITEMS


def test_a_name_that_is_none_is_not_asked() -> None:
    async def inside() -> None:
        async with DnsClient("127.0.0.1", 9, 1.0) as client:
            with pytest.raises(errors.Unsupported):
                await DnsLookUp(client).look_up("not a name", NOW)
            assert not client._channels

    asyncio.run(inside())

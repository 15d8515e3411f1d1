from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashboard.lifecycle.evidence import Delegation, Evidence, Outcome, Phase, Provider, Rcode
from dashboard.queries.evidence import ShownReading
from dashboard.web.comparison import compare
from tests.conftest import START


def reading(provider: Provider, **values: Any) -> ShownReading:
    evidence = Evidence(provider, "a.net", START, Outcome.FOUND, **values)
    return ShownReading(1, evidence, START, START, 1, has_raw=False)


def marks(*readings: ShownReading) -> dict[str, list[str]]:
    return {fact.label: [cell.mark for cell in fact.cells] for fact in compare(readings)}


def test_two_that_say_the_same_agree_and_silence_is_neither() -> None:
    found = marks(
        reading(Provider.RDAP, phase=Phase.REDEMPTION, registrar="Honest NAMES", registered_at=START),
        reading(
            Provider.WHOIS, phase=Phase.REDEMPTION, registrar="Honest Names", registered_at=START + timedelta(hours=3)
        ),
        reading(Provider.FASTLY),
    )
    assert found["Means"] == ["agrees", "agrees", ""]
    assert found["Registrar"] == ["agrees", "agrees", ""]
    assert found["Registered"] == ["agrees", "agrees", ""]


def test_two_that_say_different_things_differ() -> None:
    found = marks(
        reading(Provider.RDAP, phase=Phase.REDEMPTION, nameservers=("ns1.a.net",)),
        reading(Provider.FASTLY, phase=Phase.ACTIVE),
        reading(Provider.DNS, nameservers=("ns9.b.net",), delegation=Delegation(Rcode.NOERROR)),
    )
    assert found["Means"] == ["differs", "differs", ""]
    assert found["Name servers"] == ["differs", "", "differs"]


def test_one_voice_alone_has_nothing_to_agree_with_and_empty_facts_are_left_out() -> None:
    found = marks(reading(Provider.RDAP, phase=Phase.REDEMPTION))
    assert found == {"Means": [""]}


def test_mail_hosts_are_told_as_mail_reads_them() -> None:
    def mail(**values: Any) -> str:
        facts = compare([reading(Provider.DNS, delegation=Delegation(Rcode.NOERROR, **values))])
        return next(fact.cells[0].text for fact in facts if fact.label == "Mail hosts")

    assert mail(mx=((0, "."),)) == "takes no mail (null MX)"
    assert mail(mx=((10, "mx.a.net"),)) == "mx.a.net"
    assert mail(has_address=True) == "none; an address record takes mail"
    assert mail() == "none"

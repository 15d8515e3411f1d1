from __future__ import annotations

import pytest

from jobs.simulator.faults import Fault, FaultTable, Mode, Provider, parse_fault


def test_a_pattern_is_everything_a_domain_or_a_zone() -> None:
    everything = Fault(Provider.RDAP, Mode.THROTTLED)
    domain = Fault(Provider.RDAP, Mode.THROTTLED, "a.se")
    zone = Fault(Provider.RDAP, Mode.THROTTLED, ".se")

    assert [fault.hits(Provider.RDAP, "a.se") for fault in (everything, domain, zone)] == [True, True, True]
    assert [fault.hits(Provider.RDAP, "b.se") for fault in (everything, domain, zone)] == [True, False, True]
    assert [fault.hits(Provider.RDAP, "a.nl") for fault in (everything, domain, zone)] == [True, False, False]
    assert not everything.hits(Provider.FASTLY, "a.se")


def test_a_counted_fault_ends() -> None:
    table = FaultTable(Fault(Provider.FASTLY, Mode.BROKEN, times=2))

    assert [bool(table.hit(Provider.FASTLY, "a.com")) for _ in range(4)] == [True, True, False, False]


def test_faults_are_cleared_by_provider_or_all() -> None:
    table = FaultTable(Fault(Provider.FASTLY, Mode.BROKEN), Fault(Provider.DNS, Mode.SERVFAIL))

    table.clear(Provider.FASTLY)
    assert [fault.provider for fault in table.faults] == [Provider.DNS]
    table.clear()
    assert table.faults == []


def test_the_command_line_form() -> None:
    assert parse_fault("rdap:429") == Fault(Provider.RDAP, Mode.THROTTLED)
    assert parse_fault("dns:nxdomain_all:.se") == Fault(Provider.DNS, Mode.NXDOMAIN_ALL, ".se")


@pytest.mark.parametrize("text", ["", "rdap", "rdap:nonsense", "moon:429", "dns:html", "fastly:servfail"])
def test_what_cannot_happen_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_fault(text)

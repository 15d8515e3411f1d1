from __future__ import annotations

import pytest

from jobs.simulator.specs import DomainSpec
from jobs.simulator.states import state_at
from jobs.simulator.whois import whois_reply
from tests.jobs.simulator.helpers import day, make_spec


def reply(spec: DomainSpec, days: float) -> str:
    return whois_reply(state_at(spec, day(days)), day(days))


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [
        ("a.com", -1, "Creation Date: 2016-03-01T12:00:00Z"),
        ("a.com", 1, "Domain Status: autoRenewPeriod https"),
        ("a.com", 50, "Domain Status: redemptionPeriod"),
        ("a.com", 76, "Domain Status: pendingDelete"),
        ("a.com", 90, 'No match for domain "A.COM".'),
        ("a.co.uk", 10, "Renewal required."),
        ("a.co.uk", -1, "Expiry date: 01-Mar-2026"),
        ("a.co.uk", 90, "No longer required"),
        ("a.co.uk", 99, "This domain name has not been registered."),
        ("a.de", -1, "Status: connect"),
        ("a.de", 1, "Status: redemptionPeriod"),
        ("a.de", 31, "Status: free"),
        ("a.nl", 1, "in quarantine"),
        ("a.nl", 41, "a.nl is free"),
        ("a.fr", 50, "REDEMPTION"),
        ("a.fr", 80, "%% NOT FOUND"),
        ("a.ch", 1, "transition period"),
        ("a.ch", 41, "We do not have an entry"),
    ],
)
def test_each_registry_has_its_own_words(name: str, days: float, words: str) -> None:
    assert words in reply(make_spec(name), days)


@pytest.mark.parametrize("name", ["a.de", "a.ch"])
def test_registries_without_dates_give_none_away(name: str) -> None:
    text = reply(make_spec(name), 1)

    assert "2016" not in text.partition(">>>")[0]


def test_lines_end_as_the_protocol_wants() -> None:
    for name in ("a.com", "a.co.uk", "a.de", "a.nl", "a.fr", "a.ch"):
        text = reply(make_spec(name), -1)
        assert text.count("\n") == text.count("\r\n")

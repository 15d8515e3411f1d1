"""A change seen only because the question went another way is none: zone above and resolver tell different NS sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dashboard.lifecycle.assessment import HolderChange, Reliance
from dashboard.lifecycle.evidence import Delegation, Evidence, Outcome, Phase, Provider, Rcode, Reading
from dashboard.lifecycle.reliance import targets
from dashboard.lifecycle.sweep import triggered
from tests.support.readings import DAY, NOW, judge, rdap

PARENT, RESOLVER = "com.", "192.0.2.53:53"
MAIL = ((10, "mx.mail.net"),)


def told(server: str, *ns: str, ago: float = 0, mx: tuple[tuple[int, str], ...] = MAIL) -> Reading:
    at = NOW - ago * DAY
    delegation = Delegation(Rcode.NOERROR, mx)
    evidence = Evidence(
        Provider.DNS, "a.com", at, Outcome.FOUND, Phase.ACTIVE, nameservers=ns, delegation=delegation, server=server
    )
    return Reading(evidence, at, at)


def lame(ago: float = 0) -> Reading:
    """What is read of a name whose servers do not answer: delegated, its mail unknown."""
    reading = told(PARENT, "ns.old.net", ago=ago, mx=())
    return replace(reading, evidence=replace(reading.evidence, delegation=Delegation(Rcode.NOERROR, (), None)))


def test_who_was_asked_is_kept_with_the_answer() -> None:
    assert told(RESOLVER).evidence.by_resolver
    assert not told(PARENT).evidence.by_resolver
    assert not told(".").evidence.by_resolver
    assert not Evidence(Provider.RDAP, "a.com", datetime.now(UTC), Outcome.FOUND, server="rdap.test").by_resolver


@pytest.mark.parametrize(
    ("before", "after", "triggers"),
    [
        (told(PARENT, "ns.old.net"), told(RESOLVER, "ns.new.net"), False),
        (told(RESOLVER, "ns.new.net"), told(PARENT, "ns.old.net"), False),
        (told(PARENT, "ns.old.net"), told(PARENT, "ns.new.net"), True),
        (told(RESOLVER, "ns.old.net"), told(RESOLVER, "ns.new.net"), True),
        (told(PARENT, "ns.old.net"), told(RESOLVER, "ns.new.net", mx=((5, "in.new.net"),)), True),
        (told(PARENT, "ns.old.net"), told(RESOLVER), True),  # not delegated, whoever says so
        (told(PARENT, "ns.old.net"), lame(), False),
        (lame(), told(PARENT, "ns.old.net"), False),
    ],
)
def test_only_like_is_compared_with_like(before: Reading, after: Reading, *, triggers: bool) -> None:
    assert triggered(before.evidence, after.evidence) is triggers


def expired(ago: float = 0) -> Reading:
    return rdap(Phase.REDEMPTION, ago=ago)


@pytest.mark.parametrize(
    ("way", "change"), [(RESOLVER, HolderChange.NONE), (PARENT, HolderChange.SOLD)], ids=["resolver", "parent"]
)
def test_another_way_of_asking_is_no_sale_and_a_real_move_still_is(way: str, change: HolderChange) -> None:
    """After a lapse other name servers, and other mail: two signs, unless the first only shows the zone's own set."""
    readings = [
        told(PARENT, "ns.old.net", ago=20),
        expired(ago=10),
        rdap(Phase.ACTIVE),
        told(way, "ns.new.net", mx=((5, "in.new.net"),)),
    ]
    assert judge(*readings).holder_change is change


def test_where_only_the_resolver_was_ever_asked_its_word_counts() -> None:
    readings = [
        told(RESOLVER, "ns.old.net", ago=20),
        expired(ago=10),
        rdap(Phase.ACTIVE),
        told(RESOLVER, "ns.new.net", mx=((5, "in.new.net"),)),
    ]
    assert judge(*readings).holder_change is HolderChange.SOLD


def test_dependencies_stay_what_they_were() -> None:
    relied = frozenset({(Reliance.MX, "mail.net"), (Reliance.NS, "old.net")})
    assert targets([told(PARENT, "ns.old.net", ago=1), told(RESOLVER, "ns.new.net")], "a.com") == relied
    assert targets([told(PARENT, "ns.old.net", ago=1), lame()], "a.com") == relied
    moved = [told(PARENT, "ns.old.net", ago=1), told(PARENT, "ns.new.net")]
    assert targets(moved, "a.com") == frozenset({(Reliance.MX, "mail.net"), (Reliance.NS, "new.net")})
    alone = [told(RESOLVER, "ns.new.net")]
    assert targets(alone, "a.com") == frozenset({(Reliance.MX, "mail.net"), (Reliance.NS, "new.net")})


def test_mail_that_nobody_answered_for_is_no_removal() -> None:
    readings = [told(PARENT, "ns.old.net", ago=20), expired(ago=10), rdap(Phase.ACTIVE), lame()]
    assert judge(*readings).holder_change is HolderChange.NONE

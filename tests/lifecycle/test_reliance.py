"""What a domain relies on, and what follows when that lapses: never more than a person's look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.lifecycle.assessment import (
    AddressRisk,
    Assessment,
    Confidence,
    HolderChange,
    LapsedDependency,
    Recommendation,
    Reliance,
)
from dashboard.lifecycle.current import LEAVING, LOST
from dashboard.lifecycle.evidence import Delegation, ErrorKind, Evidence, Outcome, Phase, Provider, Rcode, Reading
from dashboard.lifecycle.reliance import MOST, concerns, endangers, explain, rely, targets
from dashboard.lifecycle.risk import Exposure, risk
from tests.support.readings import DAY, NOW, judge, rdap

CAUGHT = "was dropped and registered by somebody else"
NOTHING = Exposure(0, 0, 0, 0, 0, 0)


def said(mx: tuple[str, ...] = (), ns: tuple[str, ...] = (), *, ago: float = 0) -> Reading:
    at = NOW - ago * DAY
    delegation = Delegation(Rcode.NOERROR, mx=tuple((10, host) for host in mx))
    return Reading(
        Evidence(Provider.DNS, "a.com", at, Outcome.FOUND, Phase.ACTIVE, nameservers=ns, delegation=delegation),
        at,
        at,
    )


def lapse(
    phase: Phase = Phase.AVAILABLE, change: HolderChange = HolderChange.NONE, name: str = "mail.net"
) -> LapsedDependency:
    return LapsedDependency(name, (Reliance.MX,), phase, change, NOW)


def test_hosts_become_registrable_domains_and_what_has_none_is_left_out() -> None:
    mx = ("aspmx.l.google.com", "mx.a.com", ".", "localhost", "192.0.2.1", "mx1.host.co.uk", "mx2.host.co.uk")
    assert targets([said(mx, ("ns1.dns.org", "ns.a.com"))], "a.com") == frozenset(
        {(Reliance.MX, "google.com"), (Reliance.MX, "host.co.uk"), (Reliance.NS, "dns.org")}
    )


def test_only_the_newest_answer_counts_and_an_error_is_none() -> None:
    failed = Evidence(Provider.DNS, "a.com", NOW, Outcome.ERROR, error=ErrorKind.TIMEOUT)
    gone = Evidence(Provider.DNS, "a.com", NOW, Outcome.NOT_FOUND, delegation=Delegation(Rcode.NXDOMAIN))
    old, new = said(("mx.old.net",), ago=2), said(("mx.new.net",), ago=1)
    assert targets([new, old, Reading(failed, NOW, NOW)], "a.com") == frozenset({(Reliance.MX, "new.net")})
    assert targets([new, Reading(gone, NOW, NOW)], "a.com") is None
    assert targets([Reading(failed, NOW, NOW)], "a.com") is None
    assert targets([rdap(Phase.ACTIVE)], "a.com") is None


def test_a_hostile_number_of_hosts_is_bounded() -> None:
    found = targets(
        [said(tuple(f"mx.h{n}.com" for n in range(30)), tuple(f"ns.n{n}.com" for n in range(30)))], "a.com"
    )
    assert found is not None
    assert len(found) == 2 * MOST


@pytest.mark.parametrize("phase", list(Phase))
def test_what_leaves_its_holder_endangers_others(phase: Phase) -> None:
    assert endangers(judge(rdap(phase), addresses=())) is (phase in LEAVING | LOST)


def test_a_conflict_endangers_nobody() -> None:
    contradicted = replace(judge(rdap(Phase.AVAILABLE), addresses=()), confidence=Confidence.CONFLICTING)
    assert not endangers(contradicted)


def test_a_change_of_hands_concerns_who_relied_on_it_before() -> None:
    caught = lapse(Phase.ACTIVE, HolderChange.DROPPED_AND_CAUGHT)
    assert concerns(caught, NOW - DAY)
    assert not concerns(caught, NOW + DAY)
    assert concerns(lapse(Phase.REDEMPTION), NOW + DAY)


@pytest.mark.parametrize(
    ("lapsed", "words"),
    [
        (lapse(), "Its mail is delivered to mail.net, which is not registered."),
        (lapse(Phase.PENDING_DELETE), "Its mail is delivered to mail.net, which is in pending delete."),
        (
            replace(lapse(Phase.ACTIVE, HolderChange.DROPPED_AND_CAUGHT), kinds=(Reliance.MX, Reliance.NS)),
            f"Its mail is delivered to and its names are served by mail.net, which {CAUGHT}.",
        ),
        (
            replace(lapse(Phase.ACTIVE, HolderChange.SOLD), kinds=(Reliance.NS,)),
            "Its names are served by mail.net, which was sold before its drop.",
        ),
    ],
)
def test_the_reason_says_what_relies_on_what_and_what_became_of_it(lapsed: LapsedDependency, words: str) -> None:
    assert explain(lapsed) == words


def test_a_healthy_domain_is_to_be_reviewed_and_its_addresses_are_not_safe() -> None:
    healthy = judge(rdap(Phase.ACTIVE))
    assert healthy.addresses[0].at_risk is False
    relying = rely(healthy, [lapse(Phase.REDEMPTION)])
    assert (relying.recommendation, relying.phase) == (Recommendation.REVIEW, Phase.ACTIVE)
    assert relying.reasons[0] == "Its mail is delivered to mail.net, which is in redemption."
    assert relying.addresses[0].at_risk is None
    assert rely(healthy, [lapse()]).addresses[0].at_risk is True
    assert "its mail is delivered to mail.net" in rely(healthy, [lapse()]).addresses[0].why


def test_a_proven_loss_stays_one_and_says_the_other_beside_it() -> None:
    lost = judge(rdap(Phase.AVAILABLE), rdap(Phase.AVAILABLE, ago=2, stood=1))
    assert lost.recommendation is Recommendation.UNVERIFY
    relying = rely(lost, [lapse()])
    assert relying.recommendation is Recommendation.UNVERIFY
    assert relying.reasons[:-1] == lost.reasons


lapses = st.builds(
    LapsedDependency,
    domain=st.sampled_from(["mail.net", "dns.org", "third.com"]),
    kinds=st.sampled_from([(Reliance.MX,), (Reliance.NS,), (Reliance.MX, Reliance.NS)]),
    phase=st.sampled_from(Phase),
    holder_change=st.sampled_from(HolderChange),
    since=st.integers(-900, 900).map(lambda days: NOW + timedelta(days=days)),
)
addresses = st.lists(
    st.builds(
        AddressRisk, address_id=st.sampled_from("abc"), at_risk=st.sampled_from([True, False, None]), why=st.text()
    )
).map(tuple)
assessments = st.builds(
    Assessment,
    domain=st.just("a.com"),
    assessed_at=st.just(NOW),
    phase=st.sampled_from(Phase),
    confidence=st.sampled_from(Confidence),
    recommendation=st.sampled_from(Recommendation),
    holder_change=st.sampled_from(HolderChange),
    reasons=st.just(("because",)),
    addresses=addresses,
)


@given(assessments, st.lists(lapses, max_size=4), st.randoms())
def test_it_never_recommends_to_un_verify_by_itself_and_order_is_nothing(
    assessment: Assessment, lapsed: list[LapsedDependency], random: st.DrawFn
) -> None:
    relying = rely(assessment, lapsed)
    shuffled = list(lapsed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rely(assessment, shuffled) == relying
    assert (relying.recommendation is Recommendation.UNVERIFY) is (
        assessment.recommendation is Recommendation.UNVERIFY
    )
    assert relying.flags or not lapsed
    assert not lapsed or all(address.at_risk is not False for address in relying.addresses)
    assert [address.address_id for address in relying.addresses] == [a.address_id for a in assessment.addresses]


@given(assessments, st.lists(lapses, max_size=4))
def test_it_only_ever_adds_to_the_risk(assessment: Assessment, lapsed: list[LapsedDependency]) -> None:
    before, after = risk(assessment, NOTHING, NOW), risk(rely(assessment, lapsed), NOTHING, NOW)
    assert after.score >= before.score
    assert sum(part.points for part in after.parts) == after.score
    assert ("dependency" in {part.name for part in after.parts}) is bool(lapsed)

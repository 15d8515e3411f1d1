from __future__ import annotations

import dataclasses
import itertools
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lifecycle.assess import assess
from dashboard.lifecycle.assessment import (
    AddressFacts,
    Confidence,
    History,
    HolderChange,
    Recommendation,
    RegistrationPeriod,
)
from dashboard.lifecycle.evidence import (
    Delegation,
    ErrorKind,
    Evidence,
    EvidenceKind,
    Outcome,
    Phase,
    Provider,
    Rcode,
    Reading,
)
from tests.support.readings import DAY, LOST, NOW, VERIFIED, dns, failed, fastly, judge, rdap


class TestUnverify:
    @pytest.mark.parametrize(
        "readings",
        [
            (fastly("undelegated inactive"), dns()),
            (rdap(Phase.AVAILABLE), dns()),
            (rdap(Phase.PENDING_DELETE), dns()),
            (rdap(Phase.AVAILABLE), fastly("inactive")),
            (rdap(Phase.PENDING_DELETE), fastly("undelegated active deleting")),
            (rdap(Phase.PENDING_DELETE), fastly("inactive")),
            (rdap(Phase.AVAILABLE, stood=1),),
            (fastly("inactive", stood=1),),
            (fastly("inactive", ago=2), fastly("undelegated inactive")),  # twice, a day and more apart
            (fastly("inactive", ago=2), fastly("unknown", ago=1), fastly("inactive")),  # a failed look-up between
            (fastly("inactive", ago=2), fastly("undelegated", ago=1), fastly("inactive")),
            (rdap(Phase.AVAILABLE, ago=2), rdap(Phase.AVAILABLE, provider=Provider.WHOIS)),  # one kind, a day apart
            (fastly("inactive", ago=1), fastly("undelegated inactive", provider=Provider.DOMAINR)),
            (rdap(Phase.PENDING_DELETE, stood=2), fastly("undelegated active")),  # what pending delete looks like
            (rdap(Phase.AVAILABLE), dns(), fastly("unknown")),
            (rdap(Phase.AVAILABLE), fastly("inactive"), dns(Rcode.NOERROR, ago=10)),  # it was delegated then
            (rdap(Phase.AVAILABLE), dns(), failed(Provider.FASTLY)),
        ],
    )
    def test_two_kinds_or_a_day_apart_agreeing_on_the_loss(self, readings: tuple[Reading, ...]) -> None:
        found = judge(*readings)
        assert found.recommendation is Recommendation.UNVERIFY
        assert found.confidence is Confidence.CORROBORATED
        assert found.flags

    @pytest.mark.parametrize(
        "readings",
        [
            (fastly("inactive"),),
            (rdap(Phase.AVAILABLE),),
            (rdap(Phase.AVAILABLE, stood=0.99),),
            (rdap(Phase.AVAILABLE), rdap(Phase.AVAILABLE, provider=Provider.WHOIS)),  # one kind
            (fastly("inactive"), fastly("inactive", provider=Provider.DOMAINR)),  # one kind
            (fastly("inactive", ago=40), fastly("inactive")),  # the first is history
            (fastly("inactive", ago=3), fastly("active", ago=2), fastly("inactive")),  # not without a break
            (fastly("inactive", ago=3), fastly("inactive active", ago=2), fastly("inactive")),
            (
                rdap(Phase.AVAILABLE, ago=3),
                rdap(Phase.ACTIVE, ago=2, provider=Provider.WHOIS),
                rdap(Phase.AVAILABLE, provider=Provider.WHOIS),
            ),
        ],
    )
    def test_one_reading_is_only_reviewed(self, readings: tuple[Reading, ...]) -> None:
        found = judge(*readings)
        assert found.recommendation is Recommendation.REVIEW
        assert found.confidence is Confidence.SINGLE

    @pytest.mark.parametrize(
        "readings",
        [
            (dns(),),
            (fastly("undelegated inactive", estimate=True),),
            (fastly("undelegated inactive", estimate=True, stood=5), dns()),  # both are delegation
            (fastly("unknown"), dns()),
            (fastly("undelegated"), dns()),
            (fastly("undelegated inactive", ago=31), dns(ago=31)),
            (failed(),),
            (),
        ],
    )
    def test_delegation_and_silence_are_watched_at_most(self, readings: tuple[Reading, ...]) -> None:
        found = judge(*readings)
        assert (found.phase, found.confidence) == (Phase.UNKNOWN, Confidence.INSUFFICIENT)
        assert found.recommendation is Recommendation.WATCH

    @pytest.mark.parametrize(
        "corroboration", [(), (dns(),), (rdap(Phase.AVAILABLE, stood=3),), (rdap(Phase.AVAILABLE), dns())]
    )
    @pytest.mark.parametrize(
        "statuses",
        [
            "undelegated active",
            "inactive active",
            "undelegated reserved",
            "undelegated claimed",
            "marketed priced undelegated active",
            "active",
        ],
    )
    def test_a_status_set_that_is_no_lapse_never_ends_in_unverify(
        self, statuses: str, corroboration: tuple[Reading, ...]
    ) -> None:
        for stood in (0, 20):
            assert judge(fastly(statuses, stood=stood), *corroboration).recommendation is not Recommendation.UNVERIFY

    @pytest.mark.parametrize("stood", [0, 20])
    @pytest.mark.parametrize("statuses", ["unknown", "undelegated"])
    def test_no_answer_is_never_a_lapse_however_often(self, statuses: str, stood: float) -> None:
        assert judge(fastly(statuses, stood=stood), dns()).recommendation is Recommendation.WATCH

    def test_the_renewable_pending_delete_of_uk_is_redemption_whoever_reports_it(self) -> None:
        late = rdap(Phase.REDEMPTION, expires_at=NOW - 40 * DAY)
        found = judge(late, fastly("deleting", stood=9), dns(), domain="a.co.uk")
        assert (found.phase, found.recommendation) == (Phase.REDEMPTION, Recommendation.REVIEW)
        unknown = judge(fastly("deleting", stood=9), dns(), domain="a.uk")
        assert unknown.recommendation is Recommendation.REVIEW
        over = rdap(Phase.PENDING_DELETE, expires_at=NOW - 91 * DAY)
        assert judge(over, fastly("deleting"), dns(), domain="a.co.uk").recommendation is Recommendation.UNVERIFY


class TestOtherAdvice:
    @pytest.mark.parametrize(
        ("readings", "phase", "advice"),
        [
            ((rdap(Phase.REDEMPTION, stood=9), dns(), fastly("expiring")), Phase.REDEMPTION, Recommendation.REVIEW),
            ((rdap(Phase.PENDING_RESTORE),), Phase.PENDING_RESTORE, Recommendation.REVIEW),
            ((rdap(Phase.REDEMPTION), fastly("undelegated active")), Phase.REDEMPTION, Recommendation.REVIEW),
            ((rdap(Phase.REDEMPTION), fastly("deleting")), Phase.REDEMPTION, Recommendation.REVIEW),
            ((rdap(Phase.AUTO_RENEW_GRACE), fastly("active")), Phase.AUTO_RENEW_GRACE, Recommendation.WATCH),
            ((rdap(Phase.HOLD, stood=60), dns()), Phase.HOLD, Recommendation.WATCH),
            ((fastly("undelegated active"),), Phase.HOLD, Recommendation.WATCH),
            ((fastly("undelegated reserved"),), Phase.RESERVED, Recommendation.WATCH),
            ((rdap(Phase.ACTIVE), fastly("active"), dns(Rcode.NOERROR)), Phase.ACTIVE, Recommendation.NONE),
            ((rdap(Phase.ACTIVE), dns()), Phase.ACTIVE, Recommendation.WATCH),
            ((dns(Rcode.NOERROR),), Phase.ACTIVE, Recommendation.NONE),
            ((rdap(Phase.ACTIVE), dns(Rcode.SERVFAIL)), Phase.ACTIVE, Recommendation.NONE),
        ],
    )
    def test_phases_have_their_advice(
        self, readings: tuple[Reading, ...], phase: Phase, advice: Recommendation
    ) -> None:
        found = judge(*readings)
        assert (found.phase, found.recommendation) == (phase, advice)

    @pytest.mark.parametrize(
        "readings",
        [
            (rdap(Phase.ACTIVE), fastly("inactive", stood=5), dns()),
            (rdap(Phase.AVAILABLE, stood=5), fastly("active")),
            (rdap(Phase.AVAILABLE), fastly("inactive"), dns(Rcode.NOERROR)),
            (rdap(Phase.AVAILABLE), rdap(Phase.ACTIVE, provider=Provider.WHOIS), dns()),
            (rdap(Phase.REDEMPTION), fastly("active")),
            (rdap(Phase.AVAILABLE, stood=2), fastly("active", ago=20)),  # healthy twenty days ago: it cannot be gone
            (rdap(Phase.AVAILABLE), dns(), fastly("undelegated reserved")),
            (rdap(Phase.AVAILABLE), dns(), fastly("inactive active")),
        ],
    )
    def test_a_conflict_is_reviewed_with_both_sides_shown(self, readings: tuple[Reading, ...]) -> None:
        found = judge(*readings)
        assert (found.confidence, found.recommendation) == (Confidence.CONFLICTING, Recommendation.REVIEW)
        assert found.reasons[0].startswith("The evidence conflicts: ")
        assert " says " in found.reasons[0].split(", but ")[0]
        assert " says " in found.reasons[0].split(", but ")[1]

    def test_in_a_conflict_the_registry_directory_has_the_phase(self) -> None:
        assert judge(rdap(Phase.AVAILABLE), fastly("active")).phase is Phase.AVAILABLE
        assert judge(rdap(Phase.ACTIVE), fastly("inactive")).phase is Phase.ACTIVE

    def test_a_later_check_supersedes_what_another_provider_said_before(self) -> None:
        restored = judge(rdap(Phase.REDEMPTION, ago=10), fastly("active"))
        assert (restored.phase, restored.recommendation) == (Phase.ACTIVE, Recommendation.NONE)

    def test_the_newest_reading_of_a_provider_supersedes_its_older_ones(self) -> None:
        found = judge(rdap(Phase.AVAILABLE, ago=5, stood=3), rdap(Phase.ACTIVE))
        assert found.phase is Phase.ACTIVE
        assert found.recommendation is Recommendation.NONE  # the creation date belies the old reply

    def test_an_error_takes_nothing_back_and_is_mentioned(self) -> None:
        before = judge(rdap(Phase.REDEMPTION, ago=1))
        after = judge(rdap(Phase.REDEMPTION, ago=1), failed())
        assert (after.phase, after.confidence, after.recommendation) == (
            before.phase,
            before.confidence,
            before.recommendation,
        )
        assert "RDAP gave no answer on 2026-03-01: it took too long." in after.reasons

    def test_an_error_tells_nothing_even_where_it_carries_dates(self) -> None:
        lapsing = rdap(Phase.AUTO_RENEW_GRACE, registrar_expires_at=NOW - 2 * DAY, provider=Provider.WHOIS)
        error = dataclasses.replace(failed().evidence, transferred_at=NOW, registrar="Others")
        before, after = judge(lapsing), judge(lapsing, Reading(error, NOW, NOW))
        assert (before.recommendation, before.holder_change) == (Recommendation.WATCH, HolderChange.NONE)
        assert (after.recommendation, after.holder_change) == (before.recommendation, before.holder_change)

    def test_an_error_before_the_last_answer_is_forgotten(self) -> None:
        assert not any("no answer" in reason for reason in judge(failed(ago=2), rdap(Phase.ACTIVE)).reasons)

    def test_reasons_name_provider_value_and_date(self) -> None:
        found = judge(fastly("undelegated inactive", stood=2), dns())
        assert found.reasons[0] == "Fastly and DNS agree on available."
        assert "Fastly said “undelegated inactive” from 2026-02-27 to 2026-03-01: available." in found.reasons

    def test_hostile_statuses_are_bounded_in_the_reasons(self) -> None:
        noise = rdap(Phase.ACTIVE, statuses=tuple("x" * 255 for _ in range(32)))
        assert max(map(len, judge(noise).reasons)) < 300


moments = st.integers(-24 * 45, 12).map(lambda hours: NOW + timedelta(hours=hours))
dates = st.none() | st.integers(-4000, 4000).map(lambda days: NOW + days * DAY)
servers = st.sampled_from([(), ("ns1.old.net",), ("ns1.renewyourdomain.net",), ("ns1.new.org",)])
delegations = st.builds(
    Delegation,
    st.sampled_from(Rcode),
    st.sampled_from([(), ((0, "."),), ((10, "mx.old.net"),), ((5, "mx.new.org"),)]),
    st.booleans(),
    st.none() | st.booleans(),
)
names = st.none() | st.sampled_from(["First", "Second", "First, Inc."])


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    provider = draw(st.sampled_from(Provider))
    seen, before = draw(moments), draw(st.integers(0, 24 * 60))
    outcome = draw(st.sampled_from(Outcome))
    evidence = Evidence(
        provider,
        "a.com",
        seen,
        outcome,
        Phase.UNKNOWN if outcome is Outcome.ERROR else draw(st.sampled_from(Phase)),
        statuses=tuple(draw(st.lists(st.sampled_from(["active", "inactive", "odd word"]), max_size=3))),
        registered_at=draw(dates),
        expires_at=draw(dates),
        registrar_expires_at=draw(dates),
        changed_at=draw(dates),
        transferred_at=draw(dates),
        registrar=draw(names),
        handle=draw(names),
        nameservers=draw(servers),
        delegation=draw(delegations) if provider is Provider.DNS else None,
        estimate=draw(st.booleans()),
        error=ErrorKind.TIMEOUT if outcome is Outcome.ERROR else None,
    )
    return Reading(evidence, seen - timedelta(hours=before), seen)


histories = st.builds(
    History,
    periods=st.lists(st.builds(RegistrationPeriod, moments, st.none() | moments, names, names), max_size=3).map(
        tuple
    ),
    unregistered_seen_at=st.none() | moments,
    previous_phase=st.none() | st.sampled_from(Phase),
)
address_facts = st.lists(st.builds(AddressFacts, st.just("1"), dates, dates, dates, dates), max_size=3)
domains = st.sampled_from(["a.com", "a.co.uk", "a.uk", "a.nl", "a.de", "a.xn--p1ai"])


def two_witnesses(given_readings: list[Reading]) -> bool:
    """Invariant 1, counted anew: two kinds, or one strong kind seen at least a day apart, say that it is lost."""
    current = [
        r for r in given_readings if NOW - r.last_seen_at <= 30 * DAY and r.evidence.outcome is not Outcome.ERROR
    ]
    lost = [r for r in current if r.evidence.phase in LOST]
    strong = [r for r in lost if r.evidence.kind is not EvidenceKind.DELEGATION]
    apart = any(
        max(a.last_seen_at, b.last_seen_at) - min(a.first_seen_at, b.first_seen_at) >= DAY
        for a, b in itertools.product(strong, strong)
        if a.evidence.kind is b.evidence.kind
    )
    return bool(strong) and (len({r.evidence.kind for r in lost}) > 1 or apart)


@settings(max_examples=300)
@given(domains, st.lists(readings(), max_size=7), address_facts, histories, st.randoms())
def test_assess_is_total_blind_to_order_and_keeps_the_first_invariant(
    domain: str, some: list[Reading], addresses: list[AddressFacts], history: History, random: object
) -> None:
    found = assess(domain, some, addresses, history, NOW)
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    mixed = History(tuple(reversed(history.periods)), history.unregistered_seen_at, history.previous_phase)
    assert assess(domain, shuffled, addresses, mixed, NOW) == found
    assert found.reasons
    assert [a.address_id for a in found.addresses] == [a.address_id for a in addresses]
    if found.recommendation is Recommendation.UNVERIFY:
        assert two_witnesses(some)
        assert found.phase in LOST
        assert found.confidence is Confidence.CORROBORATED
        assert found.holder_changed is not True
        assert found.phase is Phase.AVAILABLE or not any(address.is_unproven for address in found.addresses)
    if found.phase is Phase.UNKNOWN:
        assert found.recommendation is Recommendation.WATCH
    if found.confidence is Confidence.CONFLICTING:
        assert found.recommendation is Recommendation.REVIEW
    if found.phase in LOST and found.confidence is Confidence.CORROBORATED and not found.holder_changed:
        unproven = found.holder_change is HolderChange.UNPROVEN
        assert found.recommendation is (Recommendation.REVIEW if unproven else Recommendation.UNVERIFY)


@given(domains, st.lists(readings(), max_size=6), readings())
def test_an_error_changes_neither_phase_nor_advice(domain: str, some: list[Reading], error: Reading) -> None:
    broken = dataclasses.replace(
        error.evidence, outcome=Outcome.ERROR, phase=Phase.UNKNOWN, error=ErrorKind.MALFORMED
    )
    before = assess(domain, some, [VERIFIED], History(), NOW)
    after = assess(domain, [*some, dataclasses.replace(error, evidence=broken)], [VERIFIED], History(), NOW)
    assert (after.phase, after.confidence, after.recommendation, after.holder_change) == (
        *(before.phase, before.confidence, before.recommendation, before.holder_change),
    )

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lifecycle.assess import assess
from dashboard.lifecycle.assessment import (
    AddressFacts,
    Assessment,
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
from dashboard.lifecycle.phases import phase_from_status_api

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = NOW - 3000 * DAY
VERIFIED = AddressFacts("1", NOW - 400 * DAY)
NO_HISTORY = History()
LOST = {Phase.PENDING_DELETE, Phase.AVAILABLE}


def reading(evidence: Evidence, stood: timedelta = timedelta(0)) -> Reading:
    return Reading(evidence, evidence.observed_at - stood, evidence.observed_at)


def fastly(
    statuses: str, *, ago: float = 0, stood: float = 0, provider: Provider = Provider.FASTLY, estimate: bool = False
) -> Reading:
    words = tuple(statuses.split())
    phase = phase_from_status_api(words)
    found = Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND
    return reading(Evidence(provider, "a.com", NOW - ago * DAY, found, phase, words, estimate=estimate), stood * DAY)


def rdap(
    phase: Phase,
    *,
    ago: float = 0,
    stood: float = 0,
    provider: Provider = Provider.RDAP,
    registered: datetime | None = OLD,
    **more: Any,
) -> Reading:
    missing = phase is Phase.AVAILABLE
    base = Evidence(
        provider,
        "a.com",
        NOW - ago * DAY,
        Outcome.NOT_FOUND if missing else Outcome.FOUND,
        phase,
        () if missing else (phase.value.replace("_", " "),),
        registered_at=None if missing else registered,
    )
    return reading(dataclasses.replace(base, **more), stood * DAY)


def dns(rcode: Rcode = Rcode.NXDOMAIN, *, ago: float = 0) -> Reading:
    phases = {Rcode.NXDOMAIN: Phase.AVAILABLE, Rcode.NOERROR: Phase.ACTIVE}
    phase = phases.get(rcode, Phase.UNKNOWN)
    outcome = Outcome.NOT_FOUND if phase is Phase.AVAILABLE else Outcome.FOUND
    return reading(Evidence(Provider.DNS, "a.com", NOW - ago * DAY, outcome, phase, delegation=Delegation(rcode)))


def failed(provider: Provider = Provider.RDAP, *, ago: float = 0) -> Reading:
    return reading(Evidence(provider, "a.com", NOW - ago * DAY, Outcome.ERROR, error=ErrorKind.TIMEOUT))


def judge(
    *readings: Reading,
    addresses: tuple[AddressFacts, ...] = (VERIFIED,),
    history: History = NO_HISTORY,
    domain: str = "a.com",
) -> Assessment:
    return assess(domain, readings, addresses, history, NOW)


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
            (rdap(Phase.PENDING_DELETE, stood=2), fastly("undelegated active")),  # what pending delete looks like
            (rdap(Phase.AVAILABLE), dns(), fastly("unknown")),
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
            (fastly("inactive", ago=3), fastly("undelegated", ago=2), fastly("inactive")),  # not without a break
            (fastly("inactive", ago=3), fastly("active", ago=2), fastly("inactive")),
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

    def test_an_error_before_the_last_answer_is_forgotten(self) -> None:
        assert not any("no answer" in reason for reason in judge(failed(ago=2), rdap(Phase.ACTIVE)).reasons)

    def test_reasons_name_provider_value_and_date(self) -> None:
        found = judge(fastly("undelegated inactive", stood=2), dns())
        assert found.reasons[0] == "Fastly and DNS agree on available."
        assert "Fastly said “undelegated inactive” from 2026-02-27 to 2026-03-01: available." in found.reasons

    def test_hostile_statuses_are_bounded_in_the_reasons(self) -> None:
        noise = rdap(Phase.ACTIVE, statuses=tuple("x" * 255 for _ in range(32)))
        assert max(map(len, judge(noise).reasons)) < 300


def caught(days_ago: int = 100, **more: Any) -> Reading:
    return rdap(Phase.ACTIVE, registered=NOW - days_ago * DAY, **more)


class TestHolder:
    def test_an_address_verified_before_the_present_registration_is_at_risk(self) -> None:
        found = judge(caught())
        assert found.holder_change is HolderChange.DROPPED_AND_CAUGHT
        assert found.holder_changed is True
        assert found.recommendation is Recommendation.REVIEW
        assert found.addresses[0].at_risk is True
        assert found.reasons[0] == "1 of 1 verified addresses are older than the present holder's time."

    @pytest.mark.parametrize(("early", "at_risk"), [(timedelta(hours=23), False), (timedelta(hours=25), True)])
    def test_a_day_is_forgiven(self, early: timedelta, *, at_risk: bool) -> None:
        found = judge(caught(), addresses=(AddressFacts("1", NOW - 100 * DAY - early),))
        assert found.addresses[0].at_risk is at_risk

    def test_without_verification_date_a_younger_account_is_safe(self) -> None:
        found = judge(caught(), addresses=(AddressFacts("1", None, NOW - 50 * DAY),))
        assert (found.addresses[0].at_risk, found.holder_change) == (False, HolderChange.NONE)
        assert found.recommendation is Recommendation.NONE

    @pytest.mark.parametrize("created", [None, NOW - 200 * DAY])
    def test_without_verification_date_an_older_account_is_unproven(self, created: datetime | None) -> None:
        found = judge(caught(), addresses=(AddressFacts("1", None, created),))
        assert found.addresses[0].at_risk is None
        assert found.addresses[0].why.startswith("unproven")
        assert (found.holder_change, found.holder_changed) == (HolderChange.UNPROVEN, None)
        assert found.recommendation is Recommendation.REVIEW

    def test_unproven_is_never_unverified(self) -> None:
        dropping = rdap(Phase.PENDING_DELETE, stood=3, registered=NOW - 100 * DAY)
        found = judge(dropping, dns(), addresses=(AddressFacts("1", None, NOW - 200 * DAY),))
        assert found.recommendation is Recommendation.REVIEW

    def test_a_suspected_change_of_holder_is_never_unverified(self) -> None:
        found = judge(rdap(Phase.PENDING_DELETE, stood=3, registered=NOW - 100 * DAY), dns())
        assert (found.holder_change, found.recommendation) == (HolderChange.DROPPED_AND_CAUGHT, Recommendation.REVIEW)

    def test_a_re_verification_under_the_new_holder_clears_nothing(self) -> None:
        again = AddressFacts("1", NOW - 5 * DAY, None, first_verified_at=NOW - 400 * DAY)
        found = judge(caught(), addresses=(again,))
        assert found.addresses[0].at_risk is True
        assert "re-verified under the new holder" in found.addresses[0].why
        assert found.recommendation is Recommendation.REVIEW

    def test_no_date_and_no_history_is_unknowable_and_flags_nothing(self) -> None:
        found = judge(rdap(Phase.ACTIVE, registered=None))
        assert (found.holder_change, found.holder_changed) == (HolderChange.UNKNOWN, None)
        assert found.recommendation is Recommendation.NONE

    def test_every_address_of_an_unregistered_domain_is_at_risk_but_its_holder_did_not_change(self) -> None:
        found = judge(rdap(Phase.AVAILABLE), dns(), addresses=(AddressFacts("1", None), VERIFIED))
        assert [address.at_risk for address in found.addresses] == [True, True]
        assert found.holder_changed is False
        assert found.recommendation is Recommendation.UNVERIFY

    def test_a_sighting_of_nobody_before_the_registration_is_a_change_of_holder(self) -> None:
        seen = History(unregistered_seen_at=NOW - 101 * DAY)
        assert judge(caught(), addresses=(), history=seen).holder_change is HolderChange.DROPPED_AND_CAUGHT

    def test_a_sighting_belied_by_the_creation_date_is_none(self) -> None:
        seen = History(unregistered_seen_at=NOW - 10 * DAY)
        assert judge(rdap(Phase.ACTIVE), history=seen).holder_change is HolderChange.NONE

    def test_without_dates_a_sighting_of_nobody_is_enough_to_suspect(self) -> None:
        found = judge(rdap(Phase.ACTIVE, registered=None), history=History(unregistered_seen_at=NOW - 10 * DAY))
        assert (found.holder_change, found.recommendation) == (HolderChange.DROPPED_AND_CAUGHT, Recommendation.REVIEW)
        assert found.addresses[0].at_risk is True

    def test_two_providers_that_disagree_today_are_a_conflict_not_a_change_of_holder(self) -> None:
        found = judge(rdap(Phase.ACTIVE, registered=None), fastly("inactive"))
        assert found.confidence is Confidence.CONFLICTING
        assert found.holder_change is HolderChange.UNKNOWN

    def test_an_earlier_period_is_a_change_of_holder(self) -> None:
        past = History(periods=(RegistrationPeriod(OLD, NOW - 130 * DAY, "First", "H1"),))
        found = judge(caught(), addresses=(), history=past)
        assert found.holder_change is HolderChange.DROPPED_AND_CAUGHT
        assert (
            found.reasons[0] == "An earlier registration at First began on 2017-12-13; the present one on 2025-11-21."
        )

    def test_a_change_of_holder_before_every_verification_concerns_nobody(self) -> None:
        past = History(periods=(RegistrationPeriod(OLD, NOW - 130 * DAY),))
        found = judge(caught(), addresses=(AddressFacts("1", NOW - 50 * DAY),), history=past)
        assert found.holder_changed is True
        assert found.recommendation is Recommendation.NONE

    def test_an_old_change_of_holder_does_not_protect_a_domain_lost_again(self) -> None:
        past = History(periods=(RegistrationPeriod(OLD, NOW - 930 * DAY), RegistrationPeriod(NOW - 900 * DAY, NOW)))
        assert judge(rdap(Phase.AVAILABLE), dns(), history=past).recommendation is Recommendation.UNVERIFY

    def test_a_changed_handle_is_a_change_of_holder(self) -> None:
        found = judge(rdap(Phase.ACTIVE, ago=20, handle="D1-LR"), rdap(Phase.ACTIVE, handle="D2-LR"))
        assert found.holder_change is HolderChange.DROPPED_AND_CAUGHT
        assert found.recommendation is Recommendation.REVIEW
        past = History(periods=(RegistrationPeriod(OLD, None, None, "D1-LR"),))
        assert judge(rdap(Phase.ACTIVE, handle="D2-LR"), history=past).holder_changed is True
        assert judge(rdap(Phase.ACTIVE, handle="d1-lr"), history=past).holder_changed is False
        assert judge(rdap(Phase.ACTIVE, handle=None), history=past).holder_changed is False

    def test_another_registrar_after_expiry_with_the_same_date_is_a_sale(self) -> None:
        before = rdap(Phase.AUTO_RENEW_GRACE, ago=20, registrar="First", registrar_expires_at=NOW - 30 * DAY)
        after = rdap(Phase.ACTIVE, registrar="Second", registrar_expires_at=NOW + 300 * DAY)
        found = judge(before, after)
        assert (found.holder_change, found.recommendation) == (HolderChange.SOLD, Recommendation.REVIEW)
        assert found.addresses[0].at_risk is True
        later = judge(
            after,
            history=History(periods=(RegistrationPeriod(OLD, None, "First"),), previous_phase=Phase.AUTO_RENEW_GRACE),
        )
        assert later.holder_change is HolderChange.SOLD

    def test_an_ordinary_transfer_is_no_sale(self) -> None:
        before = rdap(Phase.ACTIVE, ago=20, registrar="First", registrar_expires_at=NOW + 30 * DAY)
        after = rdap(Phase.ACTIVE, registrar="Second", registrar_expires_at=NOW + 395 * DAY)
        past = History(periods=(RegistrationPeriod(OLD, None, "First"),), previous_phase=Phase.ACTIVE)
        assert judge(before, after, history=past).holder_change is HolderChange.NONE

    def test_directories_that_disagree_on_the_date_are_read_cautiously(self) -> None:
        found = judge(caught(), rdap(Phase.ACTIVE, provider=Provider.WHOIS))
        assert found.holder_changed is True
        assert any("disagree" in reason for reason in found.reasons)

    def test_the_ctx_story(self) -> None:
        registered = datetime(2022, 5, 14, 18, 40, 5, tzinfo=UTC)
        now = datetime(2022, 5, 14, 18, 50, tzinfo=UTC)
        new = Evidence(
            Provider.RDAP, "a.com", now, Outcome.FOUND, Phase.ACTIVE, ("active",), registered_at=registered
        )
        address = AddressFacts("1", datetime(2014, 12, 19, tzinfo=UTC))
        found = assess("a.com", [Reading(new, now, now)], [address], History(), now)
        assert (found.holder_changed, found.recommendation) == (True, Recommendation.REVIEW)


class TestPredictions:
    def test_redemption_of_a_generic_name(self) -> None:
        found = judge(rdap(Phase.REDEMPTION, stood=10)).predicted
        assert found.redemption is None
        assert found.pending_delete is not None
        assert found.drop is not None
        assert (found.pending_delete.date, found.drop.date) == (NOW + 20 * DAY, NOW + 25 * DAY)
        assert "2026-02-19" in found.drop.basis

    def test_the_registrys_own_date_of_the_change_beats_the_first_sighting(self) -> None:
        found = judge(rdap(Phase.REDEMPTION, changed_at=NOW - 12 * DAY)).predicted
        assert found.drop is not None
        assert found.drop.date == NOW + 23 * DAY
        stale = judge(rdap(Phase.REDEMPTION, changed_at=NOW - 200 * DAY)).predicted
        assert stale.drop is not None
        assert stale.drop.date == NOW + 35 * DAY

    @pytest.mark.parametrize(
        ("domain", "phase", "expires", "drop_in_days"),
        [
            ("a.com", Phase.PENDING_DELETE, None, 5),
            ("a.com", Phase.AUTO_RENEW_GRACE, -10, 70),
            ("a.com", Phase.AUTO_RENEW_GRACE, None, None),
            ("a.co.uk", Phase.AUTO_RENEW_GRACE, -10, 85),
            ("a.uk", Phase.REDEMPTION, -40, 55),
            ("a.uk", Phase.REDEMPTION, None, None),
            ("a.nl", Phase.REDEMPTION, None, 40),
            ("a.eu", Phase.REDEMPTION, None, 40),
            ("a.fr", Phase.REDEMPTION, None, 30),
            ("a.fr", Phase.AUTO_RENEW_GRACE, -10, None),
            ("a.se", Phase.REDEMPTION, None, None),
            ("a.com", Phase.ACTIVE, 30, None),
            ("a.com", Phase.HOLD, 30, None),
        ],
    )
    def test_the_drop_by_top_level_domain(
        self, domain: str, phase: Phase, expires: int | None, drop_in_days: int | None
    ) -> None:
        found = judge(rdap(phase, expires_at=None if expires is None else NOW + expires * DAY), domain=domain)
        drop = found.predicted.drop
        assert (drop.date if drop else None) == (None if drop_in_days is None else NOW + drop_in_days * DAY)
        assert drop is None or drop.basis

    def test_of_an_available_domain_the_drop_is_when_it_was_first_seen_unregistered(self) -> None:
        drop = judge(rdap(Phase.AVAILABLE, stood=6), fastly("inactive", stood=4)).predicted.drop
        assert drop is not None
        assert drop.date == NOW - 6 * DAY


moments = st.integers(-24 * 45, 12).map(lambda hours: NOW + timedelta(hours=hours))
dates = st.none() | st.integers(-4000, 4000).map(lambda days: NOW + days * DAY)
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
        registrar=draw(names),
        handle=draw(names),
        delegation=Delegation(draw(st.sampled_from(Rcode))) if provider is Provider.DNS else None,
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
address_facts = st.lists(st.builds(AddressFacts, st.just("1"), dates, dates, dates), max_size=3)
domains = st.sampled_from(["a.com", "a.co.uk", "a.uk", "a.nl", "a.de", "a.xn--p1ai"])


def two_witnesses(given_readings: list[Reading]) -> bool:
    """Invariant 1, counted anew: two kinds, or one strong provider seen at least a day apart, say that it is lost."""
    current = [
        r for r in given_readings if NOW - r.last_seen_at <= 30 * DAY and r.evidence.outcome is not Outcome.ERROR
    ]
    lost = [r for r in current if r.evidence.phase in LOST]
    strong = [r for r in lost if r.evidence.kind is not EvidenceKind.DELEGATION]
    apart = any(
        max(a.last_seen_at, b.last_seen_at) - min(a.first_seen_at, b.first_seen_at) >= DAY
        for a, b in itertools.product(strong, strong)
        if a.evidence.provider is b.evidence.provider
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
    if found.phase is Phase.UNKNOWN:
        assert found.recommendation is Recommendation.WATCH
    if found.confidence is Confidence.CONFLICTING:
        assert found.recommendation is Recommendation.REVIEW


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
